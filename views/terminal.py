"""The archive's grid in a terminal, for `print` and for a live display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from archive.axis import Axis
from archive.grid import Archive, Cell
from population.formatting import (
    NOTHING_YET,
    dark_text,
    fitter_end,
    formatter,
    limits,
    noise_words,
    ticks,
)
from population.individual import Direction, Individual

# Stops of viridis (S. van der Walt and N. Smith, CC0), evenly spaced from dark to bright.
VIRIDIS = (
    *((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142)),
    *((31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37)),
)
WIDEST_CELL = 12
TALL_ROWS = 8  # a grid of more rows gets one line a row, so that it still fits a screen
MARK = "#"  # stands for a number where there is no room for any
BAR = 24  # columns of the colour scale


def heatmap_text(
    archive: Archive, metric: str, *, noise: float = 0.0, width: int | None = None
) -> HeatmapText:
    """The grid as it is now, for rich to print: a cell's colour says what its number says.

    The first axis goes to the right, the second up. A cell has its elite's objective, the best a
    star, and below it, where there is room, the elite's id.

    Args:
        archive: read at once; later changes do not show.
        metric: the objective's name.
        noise: standard deviation of one run, shown below; 0 if unknown.
        width: columns to fit into; None takes what the console has.
    """
    elites = {archive.cell_of(elite): elite for elite in archive}
    return HeatmapText(archive.axes, elites, archive.best, metric, noise, width)


@dataclass(frozen=True)
class HeatmapText:
    """What `heatmap_text` returns: a rich renderable."""

    axes: tuple[Axis, Axis]
    elites: dict[Cell, Individual]
    best: Individual | None
    metric: str
    noise: float
    width: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(self.width or options.max_width, options.max_width)
        colour = console.color_system is not None and not console.no_color
        for line in self._lines(width, colour, options.ascii_only):
            line.no_wrap, line.overflow = True, "ellipsis"
            line.truncate(width, overflow="ellipsis")
            yield line

    def _lines(self, width: int, colour: bool, ascii_only: bool) -> Iterator[Text]:
        first, second = self.axes
        labels = ticks(second.edges().tolist())
        indent = max(map(len, labels))
        # The last label below stands half beyond the grid.
        room = (width - indent - 4) // first.cells
        cell_width = max(min(room, WIDEST_CELL), 1)

        yield Text(f"{labels[-1]:>{indent}} {second.title}")
        for row in reversed(range(second.cells)):
            *above, last = self._row(row, cell_width, colour, ascii_only)
            for line in above:
                yield Text(" " * (indent + 1)).append_text(line)
            yield Text(f"{labels[row]:>{indent}} ").append_text(last)
        edges = _edge_labels(ticks(first.edges().tolist()), cell_width, indent + 1)
        yield Text(edges)
        yield Text(" " * (indent + 1) + first.title.center(first.cells * cell_width).rstrip())
        yield from self._legend(colour, ascii_only)

    def _row(self, row: int, width: int, colour: bool, ascii_only: bool) -> list[Text]:
        """One row of cells, as one or two lines."""
        two_lines = self.axes[1].cells <= TALL_ROWS and width >= 6
        lines = [Text() for _ in range(2 if two_lines else 1)]
        star, dot = ("*", ".") if ascii_only else ("★", "·")
        write = _writer(self._objectives, width - 1)
        for column in range(self.axes[0].cells):
            elite = self.elites.get((column, row))
            if elite is None or elite.objective is None:
                texts, style = [dot, ""], Style(dim=True)
            else:
                value = write(elite.objective)
                marked = star if value == MARK else star + value
                texts = [marked if elite is self.best else value, _name(elite, width - 1)]
                style = self._style(elite.objective) if colour else Style()
                style += Style(bold=elite is self.best)
            for line, text in zip(lines, texts, strict=False):
                # A text that nearly fills its cell keeps the space before it, which a star takes.
                placed = text.center(width) if len(text) < width - 1 else text.rjust(width)
                line.append(placed, style)
        return lines

    def _legend(self, colour: bool, ascii_only: bool) -> Iterator[Text]:
        if self.best is None or self.best.objective is None:
            yield Text(NOTHING_YET)
            return
        direction = self.best.direction
        write = _writer(self._objectives, WIDEST_CELL)
        legend = Text(f"{self.metric}, {fitter_end(direction)} is fitter")
        if colour:
            low, high = self._limits
            worse, fitter = (high, low) if direction is Direction.MINIMIZE else (low, high)
            legend.append(f"   {write(worse)} ")
            for step in range(BAR):
                value = worse + (fitter - worse) * step / (BAR - 1)
                legend.append(" ", self._style(value))
            legend.append(f" {write(fitter)}")
        yield legend
        cells = self.axes[0].cells * self.axes[1].cells
        star, between = ("*", " - ") if ascii_only else ("★", " · ")
        best = f"{star} best {write(self.best.objective)} (#{self.best.id})"
        words = [
            f"{len(self.elites)} of {cells} cells filled",
            best,
            noise_words(self.noise),
            " ".join(self.best.description.split()),
        ]
        yield Text(between.join(filter(None, words)))

    def _style(self, objective: float) -> Style:
        assert self.best is not None
        low, high = self._limits
        share = min(max((objective - low) / (high - low), 0.0), 1.0)
        rgb = _viridis(1 - share if self.best.direction is Direction.MINIMIZE else share)
        ink = "black" if dark_text(*(part / 255 for part in rgb)) else "bright_white"
        return Style(color=Color.parse(ink), bgcolor=Color.from_rgb(*rgb))

    @cached_property
    def _objectives(self) -> list[float]:
        return [one.objective for one in self.elites.values() if one.objective is not None]

    @cached_property
    def _limits(self) -> tuple[float, float]:
        assert self.best is not None
        return limits(self._objectives, self.best.direction)


def _viridis(share: float) -> tuple[float, float, float]:
    """The colour map at 0 (dark) to 1 (bright); each part 0 to 255."""
    place = share * (len(VIRIDIS) - 1)
    stop = min(int(place), len(VIRIDIS) - 2)
    part = place - stop
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(VIRIDIS[stop], VIRIDIS[stop + 1], strict=True)
    )
    return red, green, blue


def _writer(values: Sequence[float], room: int) -> Callable[[float], str]:
    """The finest way of writing all of the values within `room` columns; at worst a mark.

    A way that writes them all alike says nothing.
    """
    ways = [
        formatter(values or [0.0]),
        *(f"{{:.{decimals}f}}".format for decimals in range(6, -1, -1)),
    ]
    for write in ways:
        texts = {write(value) for value in values}
        if all(len(text) <= room for text in texts) and (len(texts) > 1 or len(set(values)) < 2):
            return write
    return lambda value: MARK


def _name(elite: Individual, room: int) -> str:
    names = [] if elite.parents else [f"#{elite.id} seed"]
    return next((name for name in [*names, f"#{elite.id}"] if len(name) <= room), "")


def _edge_labels(labels: Sequence[str], cell_width: int, indent: int) -> str:
    """The labels centred below the cells' edges, leaving out those for which there is no room."""
    line = ""
    for edge, label in enumerate(labels):
        start = indent + edge * cell_width - len(label) // 2
        if start > len(line) or not line:
            line = line.ljust(start) + label
    return line
