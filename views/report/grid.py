"""The archive's grid as the cells of an SVG picture, each a link to its elite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archive import Archive, Axis
from archive.axis import Bounds
from population import Direction, Individual, Noise
from population.formatting import choose_format, format_number
from views.projection import Projection, project
from views.scales import find_limits, is_bright, label_ticks, viridis

WIDTH, HEIGHT, STRIP = 720.0, 440.0, 130.0  # of the grid, and the height of one of a single axis
LEFT, TOP, RIGHT, BOTTOM = 96.0, 10.0, 34.0, 58.0  # room for the ticks and their labels
WORDS, NAMES = 14, 10  # most cells on an axis with values in them, and with ids, too
MOST_TICKS = 10
STOPS = 12  # of the scale's colours


@dataclass(frozen=True)
class GridCell:
    """A cell of the picture, which may be empty. Lengths are in the picture's own unit.

    Attributes:
        x: Left edge.
        y: Upper edge.
        elite: Id of its elite; None if it is empty.
        fill: Colour; empty if there is no elite.
        ink: Colour of what is written on it.
        value: Objective of the elite, in short; empty where there is no room.
        about: What the cell is, in a sentence.
        best: Whether its elite is the best.
        seed: Whether a seed falls into it.
        aims: Number of proposals that should have reached it, if it is empty all the same.
        column: Number of its column, from 0 at the left.
        row: Number of its row, from 0 at the bottom.
    """

    x: float
    y: float
    elite: int | None
    fill: str
    ink: str
    value: str
    about: str
    best: bool
    seed: bool
    aims: int
    column: int
    row: int


@dataclass(frozen=True)
class Tick:
    """A label of an axis at an edge between cells.

    Attributes:
        place: Place along the axis.
        text: Its label.
    """

    place: float
    text: str


@dataclass(frozen=True)
class GridPicture:
    """The picture's parts.

    Attributes:
        cells: Cells from left to right, the upper row first.
        width: Width of a cell.
        height: Height of a cell.
        gap: Room between two cells.
        mark: Side of the square that marks a seed's cell.
        font: Size of what is written in cells.
        named: Whether there is room for the elites' ids.
        across: Title of the axis that goes to the right.
        up: Title of the axis that goes up; empty if there is none.
        ticks_across: Ticks of the axis that goes to the right.
        ticks_up: Ticks of the axis that goes up.
        sheet: Width and height of the whole picture.
        floor: Lower edge of the cells.
        middle: Middle of the cells.
        counts: How many cells are filled, in words.
        scale: Colours of the scale, the worse end first.
        worse: Worst value that the scale shows.
        fitter: Fittest value that the scale shows.
    """

    cells: Sequence[GridCell]
    width: float
    height: float
    gap: float
    mark: float
    font: float
    named: bool
    across: str
    up: str
    ticks_across: Sequence[Tick]
    ticks_up: Sequence[Tick]
    sheet: tuple[float, float]
    floor: float
    middle: tuple[float, float]
    counts: str
    scale: Sequence[str]
    worse: str
    fitter: str


def picture_grid(
    archive: Archive,
    *,
    metric: str,
    noise: Noise,
    axes: Sequence[str] = (),
    targets: Sequence[Bounds] = (),
) -> GridPicture:
    """Lay out an archive that has an elite.

    Args:
        archive: Archive to show.
        metric: Name of the objective.
        noise: What is known of the noise of a run.
        axes: Names of the axes to show, the one across first; empty takes the first two.
        targets: Bounds of the cells that proposals should have reached, on the archive's axes.

    Raises:
        ValueError: These axes cannot be shown.
    """
    flat = project(archive, axes, targets)
    columns, rows = flat.across.cells, flat.up.cells if flat.up else 1
    width, height = WIDTH / columns, (HEIGHT if flat.up else STRIP) / rows
    floor = TOP + rows * height
    objectives = [one.objective for one in flat.shown if one.objective is not None]
    direction = flat.shown.elites[0].direction
    low, high = find_limits(objectives, direction)
    worse, fitter = (high, low) if direction is Direction.MINIMIZE else (low, high)
    write = choose_format((low, high))
    painter = _Painter(flat, metric, noise, write, worse, fitter)
    return GridPicture(
        cells=[
            painter.paint(column, row, LEFT + column * width, TOP + (rows - 1 - row) * height)
            for row in reversed(range(rows))
            for column in range(columns)
        ],
        width=width,
        height=height,
        gap=min(2.0, 0.08 * min(width, height)),
        mark=min(9.0, 0.3 * min(width, height)),
        font=min(width / 6.2, height / 3.2, 17.0),
        named=max(columns, rows) <= NAMES,
        across=flat.across.title,
        up=flat.up.title if flat.up else "",
        ticks_across=list(_place_ticks(flat.across, LEFT, width)),
        ticks_up=list(_place_ticks(flat.up, floor, -height)) if flat.up else [],
        sheet=(LEFT + WIDTH + RIGHT, floor + BOTTOM),
        floor=floor,
        middle=(LEFT + WIDTH / 2, (TOP + floor) / 2),
        counts=flat.counts,
        scale=[_write_colour(viridis(stop / (STOPS - 1))) for stop in range(STOPS)],
        worse=write(worse),
        fitter=write(fitter),
    )


@dataclass(frozen=True)
class _Painter:
    """Paints one cell after the other."""

    flat: Projection
    metric: str
    noise: Noise
    write: Callable[[float], str]
    worse: float
    fitter: float

    def paint(self, column: int, row: int, x: float, y: float) -> GridCell:
        cell = (column, row) if self.flat.up else (column,)
        elite, seed = self.flat.shown.elite_of(cell), cell in self.flat.seeds
        if elite is None or elite.objective is None:
            aims = self.flat.aims.get(cell, 0)
            times = f", aimed at {aims} time{'s' if aims > 1 else ''} in vain" if aims else ""
            about = f"empty{times}: {self._describe_bounds(cell)}"
            return GridCell(x, y, None, "", "", "", about, False, seed, aims, column, row)
        share = (elite.objective - self.worse) / (self.fitter - self.worse)
        colour = viridis(min(max(share, 0.0), 1.0))
        ink = "#000" if is_bright(*(part / 255 for part in colour)) else "#fff"
        roomy = max(self.flat.shown.dims) <= WORDS
        value = self.write(elite.objective) if roomy else ""
        about, best = self._describe(elite), elite is self.flat.shown.best
        fill = _write_colour(colour)
        return GridCell(x, y, elite.id, fill, ink, value, about, best, seed, 0, column, row)

    def _describe(self, elite: Individual) -> str:
        assert elite.objective is not None
        margin = f" ± {elite.margin(self.noise):.2g}" if self.noise.deviation else ""
        runs = len(elite.scored)
        measures = [
            format_number(elite.measures[axis.name], axis.unit)
            for axis in (*self.flat.shown.axes, *self.flat.hidden)
        ]
        phrases = [
            f"#{elite.id}",
            f"{self.metric} {self.write(elite.objective)}{margin}",
            f"{runs} run{'s' if runs != 1 else ''}",
            *measures,
            f"{elite.operator}: {elite.description}",
        ]
        return " · ".join(phrases)

    def _describe_bounds(self, cell: tuple[int, ...]) -> str:
        parts = []
        for axis, index in zip(self.flat.shown.axes, cell, strict=True):
            low, high = axis.bounds_of(index)
            parts.append(f"{axis.label} {format_number(low)} to {format_number(high, axis.unit)}")
        return ", ".join(parts)


def _place_ticks(axis: Axis, start: float, step: float) -> Iterator[Tick]:
    labels = label_ticks(axis.edges.tolist())
    every = -(-axis.cells // MOST_TICKS)
    for edge in range(0, axis.cells + 1, every):
        yield Tick(start + edge * step, labels[edge])


def _write_colour(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in colour)
