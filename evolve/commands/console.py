"""How the commands write: consoles, tables, and words that several of them use."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from population import Individual, Noise
from population.formatting import format_score
from population.invocation import write_command

WIDTH = 160  # columns, where the output is no terminal


def new_console() -> Console:
    """A console as wide as the terminal; a file or a pipe gets lines long enough for tables."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def sayer(console: Console) -> Callable[[str], None]:
    """What prints a line: on a terminal folded between words, elsewhere as it is."""
    return lambda line: print_line(console, line)


def print_line(console: Console, line: str, style: str = "") -> None:
    """Print a line of prose: on a terminal folded between words, elsewhere as it is."""
    text = fold_line(line, console.width) if console.is_terminal else line
    console.print(Text(text, style), soft_wrap=True)


def fold_line(line: str, width: int) -> str:
    """Fold a line between words, so that what can be copied stays whole.

    That is what stands in backquotes, and from a command of ours to the end of the line.

    Args:
        line: The line.
        width: Most columns of each line, unless it has a single part that is longer.
    """
    if len(line) <= width:
        return line
    lines = [""]
    for part in re.findall(rf"{re.escape(write_command())} .*|`[^`]*`\S*|\S+", line):
        longer = f"{lines[-1]} {part}".lstrip()
        if len(longer) > width and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = longer
    return "\n".join(lines)


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
