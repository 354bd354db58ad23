"""Tables that fit the terminal: where it is narrow, the less important columns are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

PADDING = 2  # columns of the terminal between two of the table
LEAST_FIRST = 12  # columns that the table's first column keeps before it is folded
LEAST_REST = 16  # columns below which a column that takes the rest is left out


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Heading of the column.
        rank: Importance: columns of the highest rank are left out first.
        rest: Whether the column takes what room is left, and is cut there; at most one does.
    """

    name: str
    rank: int = 1
    rest: bool = False


def fit_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], console: Console
) -> Table:
    """Make a table with as many of the columns as the console has room for.

    No cell is cut, but for the column that takes the rest. The first column always stays: where
    its cells are too long they go on in the next line.

    Args:
        columns: Columns in their order.
        rows: Cells of each row, one for each column or fewer.
        console: Console that the table is for.
    """
    widths = [_measure(column, place, rows) for place, column in enumerate(columns)]
    kept = list(range(len(columns)))
    widths[0] = min(widths[0], LEAST_FIRST)
    while len(kept) > 1 and sum(widths[place] + PADDING for place in kept) > console.width:
        kept.remove(max(kept[1:], key=lambda place: (columns[place].rank, place)))
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.expand = any(columns[place].rest for place in kept)
    for place in kept:
        column = columns[place]
        ratio = 1 if column.rest else None
        table.add_column(column.name, no_wrap=place > 0, overflow="ellipsis", ratio=ratio)
    table.columns[0].overflow = "fold"
    for row in rows:
        table.add_row(*(row[place] if place < len(row) else "" for place in kept))
    return table


def _measure(column: Column, place: int, rows: Sequence[Sequence[str | Text]]) -> int:
    """The width that a column needs."""
    if column.rest:
        return LEAST_REST
    cells = [row[place] for row in rows if place < len(row)]
    return max(cell_len(str(cell)) for cell in [column.name, *cells])
