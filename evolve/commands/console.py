"""How the commands write: consoles, tables, and words that several of them use."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from population import Individual, Noise
from population.formatting import format_score

WIDTH = 160  # columns, where the output is no terminal


def new_console() -> Console:
    """A console as wide as the terminal; a file or a pipe gets lines long enough for tables."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def sayer(console: Console) -> Callable[[str], None]:
    """What prints a line as it is, folded by the terminal alone."""
    return lambda line: console.print(Text(line), soft_wrap=True)


def new_table(*columns: str) -> Table:
    """A table whose columns keep their width; one that is added after them gets what is left."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def score_words(individual: Individual, noise: Noise) -> str:
    """An individual's fitness with its margin, or how it failed."""
    if individual.objective is None:
        return str(individual.status or "not measured yet")
    count = len(individual.scored)
    margin = f" ± {individual.margin(noise):.2g}" if noise.deviation else ""
    score = format_score(individual.objective, noise.deviation)
    return f"{score}{margin}" + (f", {count} runs" if count > 1 else "")


def print_diff(text: str, console: Console) -> None:
    """Print a unified diff: in colours on a terminal, as it is elsewhere."""
    if console.is_terminal:
        console.print(Syntax(text, "diff", background_color="default", word_wrap=True))
    else:
        print(text)


def printable(text: str) -> str:
    """The text without what would steer a terminal: whoever wrote it is not trusted."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
