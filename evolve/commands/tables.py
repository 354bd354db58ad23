"""Tables that fit the terminal: where it is narrow, the less important columns are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    whole, widths[0] = widths[0], min(widths[0], LEAST_FIRST)
    kept = list(range(len(columns)))
    while len(kept) > 1 and _room(widths, kept, console) < 0:
        kept.remove(max(kept[1:], key=lambda place: (columns[place].rank, place)))
    widths[0] = max(min(whole, widths[0] + _room(widths, kept, console)), 1)
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for place in kept:
        column = columns[place]
        width = widths[place] + (_room(widths, kept, console) if column.rest else 0)
        overflow: Literal["fold", "ellipsis"] = "ellipsis" if place else "fold"
        table.add_column(column.name, width=width, no_wrap=place > 0, overflow=overflow)
    for row in rows:
        cells = [row[place] if place < len(row) else "" for place in kept]
        # as it is: a description may hold what rich takes for markup
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return table


def _room(widths: Sequence[int], kept: Sequence[int], console: Console) -> int:
    """The columns of the terminal that the kept ones leave; below 0 they are too wide."""
    return console.width - sum(widths[place] + PADDING for place in kept)


def _measure(column: Column, place: int, rows: Sequence[Sequence[str | Text]]) -> int:
    """The width that a column needs."""
    if column.rest:
        return LEAST_REST
    cells = [row[place] for row in rows if place < len(row)]
    return max(cell_len(str(cell)) for cell in [column.name, *cells])
