"""The archive's grid in a terminal, for `print` and for a live display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from archive import Archive, Cell
from archive.axis import Bounds
from archive.comparison import FreshComparison, describe_confirmation
from population import Direction, Individual, Noise
from population.formatting import choose_format, describe_noise, shorten_to_words
from views.projection import NOTHING_YET, Projection, project
from views.scales import find_limits, is_bright, label_ticks, viridis

WIDEST_CELL = 12
STRIP_CELL = 9  # columns of a strip's cell: a strip that is too long goes on in the next line
NAMED_CELL = 6  # columns from which a cell has a second line, for its elite's id
TALL_ROWS = 8  # a grid of more rows gets one line a row, so that it still fits a screen
FRAME = 6  # lines of a grid beside its cells: three of labels, three of the legend
MARK = "#"  # stands for a number where there is no room for any
BAR = 24  # columns of the colour scale


@dataclass(frozen=True)
class Signs:
    """Characters with a meaning.

    Attributes:
        best: Mark of the best elite.
        seed: Mark of a cell that a seed falls into.
        empty: Mark of an empty cell.
        beyond: Mark of a cell whose elite lies beyond an edge of the axes.
        aimed: Mark of an empty cell that proposals aimed at.
        between: What separates two phrases.
    """

    best: str
    seed: str
    empty: str
    beyond: str
    aimed: str
    between: str


UNICODE, ASCII = Signs("★", "□", "·", "»", "○", " · "), Signs("*", "o", ".", ">", "x", " - ")


@dataclass(frozen=True)
class Screen:
    """What a console can show.

    Attributes:
        width: Columns to fit into.
        colour: Whether it has colours.
        signs: Characters that it can write.
    """

    width: int
    colour: bool
    signs: Signs


def render_heatmap(
    archive: Archive,
    metric: str,
    *,
    noise: Noise | None = None,
    comparison: FreshComparison | None = None,
    width: int | None = None,
    height: int | None = None,
    axes: Sequence[str] = (),
    targets: Sequence[Bounds] = (),
) -> HeatmapText:
    """Render the grid as it is now, for rich to print: a cell's colour says what its number says.

    The first axis goes to the right, the second up; an archive of one axis is a strip, in as many
    lines as it needs. A cell has its elite's objective, the best a star, and below it, where there
    is room, the elite's id and marks if a seed falls into the cell or the elite lies beyond an
    edge of the axes.

    Args:
        archive: Archive to show; its later changes do not show.
        metric: Name of the objective.
        noise: What is known of the noise of a run, shown below.
        comparison: The run's latest fresh comparison, shown below; None before the first.
        width: Columns to fit into; None takes what the console has.
        height: Lines to fit into, for which cells lose their second line; None takes what it needs.
        axes: Names of the axes to show, the one across first; empty takes the first two.
        targets: Bounds of the cells that proposals aimed at.

    Raises:
        ValueError: These axes cannot be shown.
    """
    return HeatmapText(project(archive, axes, targets), metric, noise, comparison, width, height)


@dataclass(frozen=True)
class HeatmapText:
    """A rich renderable of an archive; `render_heatmap` makes it.

    Attributes:
        flat: What is shown.
        metric: Name of the objective.
        noise: What is known of the noise of a run.
        comparison: The run's latest fresh comparison; None before the first.
        width: Columns to fit into; None takes what the console has.
        height: Lines to fit into, as far as that is possible; None takes what it needs.
    """

    flat: Projection
    metric: str
    noise: Noise | None
    comparison: FreshComparison | None
    width: int | None
    height: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = Screen(
            width=min(self.width or options.max_width, options.max_width),
            colour=console.color_system is not None and not console.no_color,
            signs=ASCII if options.ascii_only else UNICODE,
        )
        cells = self._strip(screen) if self.flat.up is None else self._grid(screen)
        for line in (*cells, *self._legend(screen)):
            line.no_wrap, line.overflow = True, "ellipsis"
            line.truncate(screen.width, overflow="ellipsis")
            yield line

    def _grid(self, screen: Screen) -> Iterator[Text]:
        """The lines of a grid of two axes, the highest row first."""
        across, up = self.flat.shown.axes
        labels = label_ticks(up.edges.tolist())
        indent = max(map(len, labels))
        # The last label below stands half beyond the grid.
        room = (screen.width - indent - 4) // across.cells
        cell_width = max(min(room, WIDEST_CELL), 1)
        named = up.cells <= TALL_ROWS and cell_width >= NAMED_CELL
        named = named and (self.height is None or 2 * up.cells + FRAME <= self.height)

        yield Text(f"{labels[-1]:>{indent}} {up.title}")
        for row in reversed(range(up.cells)):
            cells = [(column, row) for column in range(across.cells)]
            *above, last = self._row(cells, cell_width, named, screen)
            for line in above:
                yield Text(" " * (indent + 1)).append_text(line)
            yield Text(f"{labels[row]:>{indent}} ").append_text(last)
        yield Text(_edge_labels(label_ticks(across.edges.tolist()), cell_width, indent + 1))
        yield Text(" " * (indent + 1) + across.title.center(across.cells * cell_width).rstrip())

    def _strip(self, screen: Screen) -> Iterator[Text]:
        """The lines of a strip along one axis, which goes on below where the width ends."""
        across = self.flat.across
        labels = label_ticks(across.edges.tolist())
        indent = max(map(len, labels)) // 2  # the first label stands half before the strip
        room = max(screen.width - 2 * indent - 1, 1)
        in_line = min(max(room // STRIP_CELL, 1), across.cells)
        cell_width = min(room // in_line, WIDEST_CELL)

        yield Text(across.title)
        for first in range(0, across.cells, in_line):
            cells = [(index,) for index in range(first, min(first + in_line, across.cells))]
            for line in self._row(cells, cell_width, cell_width >= NAMED_CELL, screen):
                yield Text(" " * indent).append_text(line)
            edges = labels[first : first + len(cells) + 1]
            yield Text(_edge_labels(edges, cell_width, indent))

    def _row(self, cells: Sequence[Cell], width: int, named: bool, screen: Screen) -> list[Text]:
        """Cells side by side, as one line or, if their elites are named, two."""
        lines, signs = [Text() for _ in range(2 if named else 1)], screen.signs
        write = _choose_writer(self._objectives, width - 1)
        for cell in cells:
            elite = self.flat.shown.elite_of(cell)
            if elite is None or elite.objective is None:
                empty = signs.aimed if cell in self.flat.aims else signs.empty
                texts, style = [empty, ""], Style(dim=True)
            else:
                value = write(elite.objective)
                marked = signs.best if value == MARK else signs.best + value
                marks = signs.seed if cell in self.flat.seeds else ""
                marks += signs.beyond if cell in self.flat.beyond else ""
                texts = [marked if elite is self._best else value, _name(elite, marks, width - 1)]
                if not named and cell in self.flat.beyond and len(texts[0]) < width - 1:
                    texts[0] += signs.beyond
                style = self._style(elite.objective) if screen.colour else Style()
                style += Style(bold=elite is self._best)
            for line, text in zip(lines, texts, strict=False):
                # A text that nearly fills its cell keeps the space before it, which a star takes.
                placed = text.center(width) if len(text) < width - 1 else text.rjust(width)
                line.append(placed, style)
        return lines

    def _legend(self, screen: Screen) -> Iterator[Text]:
        best, signs = self._best, screen.signs
        if best is None or best.objective is None:
            yield Text(NOTHING_YET)
            return
        write = _choose_writer(self._objectives, WIDEST_CELL)
        legend = Text(f"{self.metric}, {best.direction.fitter_end} is fitter")
        if screen.colour:
            low, high = self._limits
            worse, fitter = (high, low) if best.direction is Direction.MINIMIZE else (low, high)
            first, last = f"   {write(worse)} ", f" {write(fitter)}"
            steps = min(screen.width - len(legend) - len(first) - len(last), BAR)
            legend.append(first if steps > 1 else "")
            for step in range(steps if steps > 1 else 0):
                value = worse + (fitter - worse) * step / (steps - 1)
                legend.append(" ", self._style(value))
            legend.append(last if steps > 1 else "")
        yield legend
        yield Text(describe_confirmation(self.comparison, self.metric, best.id))
        noise = describe_noise(self.noise.deviation) if self.noise else ""
        seed = f"{signs.seed} the seed's cell" if self._lost_by_seeds else ""
        beyond = f"{signs.beyond} beyond an edge" if self.flat.beyond else ""
        aimed = f"{signs.aimed} aimed at in vain" if self.flat.aims else ""
        phrases = (self.flat.counts, seed, beyond, aimed, noise)
        yield Text(_join_fitting(phrases, signs.between, screen.width))
        found = f"{signs.best} best {write(best.objective)} (#{best.id})"
        room = screen.width - len(found) - len(signs.between)
        story = shorten_to_words(best.description, room)
        yield Text(_join_fitting((found, story), signs.between, screen.width))

    def _style(self, objective: float) -> Style:
        assert self._best is not None
        low, high = self._limits
        share = min(max((objective - low) / (high - low), 0.0), 1.0)
        rgb = viridis(1 - share if self._best.direction is Direction.MINIMIZE else share)
        ink = "black" if is_bright(*(part / 255 for part in rgb)) else "bright_white"
        return Style(color=Color.parse(ink), bgcolor=Color.from_rgb(*rgb))

    @property
    def _lost_by_seeds(self) -> bool:
        """Whether another genome is the elite of a cell that a seed falls into."""
        elites = map(self.flat.shown.elite_of, self.flat.seeds)
        return any(elite is not None and bool(elite.parents) for elite in elites)

    @cached_property
    def _best(self) -> Individual | None:
        return self.flat.shown.best

    @cached_property
    def _objectives(self) -> list[float]:
        return [one.objective for one in self.flat.shown if one.objective is not None]

    @cached_property
    def _limits(self) -> tuple[float, float]:
        assert self._best is not None
        return find_limits(self._objectives, self._best.direction)


def _choose_writer(values: Sequence[float], room: int) -> Callable[[float], str]:
    """Choose the finest format that writes all the values within `room` columns; at worst a mark.

    A format that writes them all alike says nothing.
    """
    ways = [
        choose_format(values or [0.0]),
        *(f"{{:.{decimals}f}}".format for decimals in range(6, -1, -1)),
    ]
    for write in ways:
        texts = {write(value) for value in values}
        if all(len(text) <= room for text in texts) and (len(texts) > 1 or len(set(values)) < 2):
            return write
    return lambda value: MARK


def _name(elite: Individual, marks: str, room: int) -> str:
    """The elite's id with the marks of its cell, or as much of it as there is room for."""
    name = f"#{elite.id}"
    names = [f"{name} {marks}".rstrip(), name, marks] if elite.parents else [f"{name} seed", name]
    return next((name for name in names if len(name) <= room), "")


def _join_fitting(phrases: Sequence[str], between: str, width: int) -> str:
    """Join the phrases that are not empty, the first ones that fit into so many columns."""
    line = ""
    for phrase in filter(None, phrases):
        longer = f"{line}{between}{phrase}" if line else phrase
        if len(longer) > width and line:
            break
        line = longer
    return line


def _edge_labels(labels: Sequence[str], cell_width: int, indent: int) -> str:
    """Labels centred below the cells' edges, without those for which there is no room."""
    line = ""
    for edge, label in enumerate(labels):
        start = indent + edge * cell_width - len(label) // 2
        if start > len(line) or not line:
            line = line.ljust(start) + label
    return line
