"""The live picture of a run on a terminal: what the devices do, and the archive.

Its height depends on the terminal's size and the run alone, so that what stands above it keeps its
place; what has no room is left out as a whole, the least important first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from archive.comparison import FreshComparison
from evolve.commands.console import printable
from evolve.loop.evaluators import Running
from evolve.loop.reports import Snapshot
from evolve.search.search import Search
from evolve.settings import Settings
from population import Individual
from population.formatting import (
    choose_format,
    format_dollars,
    format_duration,
    shorten_to_words,
)
from trainer.log import read_loss
from trainer.stage import Stage
from trainer.task import Task
from views import render_heatmap
from views.terminal import FRAME

HEADER = 3  # lines above the devices
MARGIN = 2  # lines of the terminal that are left to what is printed above
LEAST_GRID = 8  # lines of an archive's picture, below which there is none
BAR = 16  # columns
DEVICE = 6  # columns of a device's name, at least
STAGE = 8  # columns of a stage's name
TIME = 10  # columns of a child's time
LOSS = 13  # columns of a child's loss
WIDEST_NAME = 24  # columns of a device's name
LABEL = 16  # columns of a child's number and operator


@dataclass(frozen=True)
class Picture:
    """A moment of a run, for rich to print.

    Attributes:
        title: Title of the picture.
        snapshot: The moment.
        search: Search of the run.
        task: Task of the run.
        settings: Settings of the run.
        comparison: The run's latest fresh comparison; None before the first.
        seconds: Seconds since this process began to work on the run.
    """

    title: str
    snapshot: Snapshot
    search: Search
    task: Task
    settings: Settings
    comparison: FreshComparison | None
    seconds: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, console.size.height - MARGIN
        lines = [*self._headlines(width), *self._devices(width, height - HEADER, options)]
        yield from lines[: max(height, 1)]
        grid = self._choose_grid_height(height - len(lines))
        drawn: list[list[Segment]] = []
        if grid and self.search.archive is not None:
            heatmap = render_heatmap(
                self.search.archive,
                self.task.metric,
                noise=self.search.noise,
                comparison=self.comparison,
                height=grid,
            )
            drawn = console.render_lines(heatmap, options, pad=False)[:grid]
        for line in drawn:
            yield from line
            yield Segment.line()
        yield from (Segment.line() for _ in range(grid - len(drawn)))

    # -- the header ----------------------------------------------------------------------------

    def _headlines(self, width: int) -> list[Text]:
        now = self.snapshot
        total = max(now.total // now.children, 1)
        begun = self.search.archive is not None
        generation = min(now.finished // now.children + 1, total) if begun else 0
        first = [
            Phrase(self.title, "bold", 1),
            Phrase(now.phase, "cyan", 2),
            Phrase(f"generation {generation}/{total}", "", 0),
            Phrase(f"child {now.finished}/{now.total}", "", 3),
        ]
        left = f"{now.left} left" if now.left else ""
        second = [
            Phrase(left, "", 0),
            Phrase(f"{format_duration(self.seconds)} so far", "dim", 2),
            Phrase(self._describe_spend(), "", 1),
            Phrase(f"proposals under way: {now.proposing}" if now.proposing else "", "dim", 3),
        ]
        return [fit_phrases(first, width), fit_phrases(second, width), self._describe_best(width)]

    def _describe_best(self, width: int) -> Text:
        best, metric = self.search.champion, self.task.metric
        if best is None or best.objective is None:
            return Text("")
        score = write_objective(self.search, best)
        line = fit_phrases([Phrase(f"best {metric} {score} (#{best.id})", "", 0)], width)
        return append_words(line, best.description, width)

    def _describe_spend(self) -> str:
        spend = self.snapshot.spend
        if not spend.calls:
            return ""
        unknown = f" and {spend.unpriced} calls of unknown price" if spend.unpriced else ""
        return f"models {format_dollars(spend.cost)}{unknown}"

    # -- the devices ---------------------------------------------------------------------------

    def _devices(self, width: int, height: int, options: ConsoleOptions) -> list[Text]:
        """A line for each device, and for those without room together."""
        slots = max(self.snapshot.slots, len(self.snapshot.running))
        rows = [self._child(one, width, options) for one in self.snapshot.running]
        rows += [Text("idle", "dim")] * (slots - len(rows))
        rows += [append_words(Text(), f"idle: {text}", width) for text in self.snapshot.idle]
        most = max(height - (LEAST_GRID if height > 2 * LEAST_GRID else 0), 1)
        if len(rows) > most:
            rows = [*rows[: most - 1], Text(f"and {len(rows) - most + 1} devices more", "dim")]
        return rows

    def _child(self, running: Running, width: int, options: ConsoleOptions) -> Text:
        stage, seconds = running.progress.read()
        individual = running.job.individual
        trains = stage is Stage.TRAIN and seconds < self.settings.budget
        time = write_clock(seconds)
        if trains:
            time = f"{write_clock(self.settings.budget - seconds)} left"
        loss = read_loss(running.log) if stage not in (Stage.START, Stage.COMPILE) else ""
        phrases = [
            Phrase(running.device.name[:WIDEST_NAME], "cyan", 2, DEVICE),
            Phrase(f"#{individual.id} {individual.operator}"[:LABEL], "", 1, LABEL),
            Phrase(stage, "bold", 0, STAGE),
            Phrase(time, "dim", 0, TIME),
            Phrase(f"loss {loss}" if 0 < len(loss) <= LOSS - 5 else "", "yellow", 1, LOSS),
            Phrase(self._bar(stage, seconds, options), "green", 3, BAR),
        ]
        line = fit_phrases(phrases, width, " ")
        return append_words(line, individual.description, width)

    def _bar(self, stage: Stage, seconds: float, options: ConsoleOptions) -> str:
        """How much of its training a child has done."""
        full, empty = ("#", ".") if options.ascii_only else ("━", "·")
        if stage is Stage.RUN and self.task.score:  # nobody knows how much of it is done
            return ""
        share = 0.0 if stage in (Stage.START, Stage.COMPILE) else 1.0
        if stage in (Stage.TRAIN, Stage.RUN):
            share = min(seconds / self.settings.budget, 1.0)
        done = round(share * BAR)
        return full * done + empty * (BAR - done)

    # -- the archive ---------------------------------------------------------------------------

    def _choose_grid_height(self, room: int) -> int:
        """The lines that the archive's picture has, before it is open, too; 0 if it has no room."""
        archive, axes = self.search.archive, len(self.task.axes)
        cells = archive.dims if archive else (self.settings.grid_cells(axes),) * axes
        if len(cells) == 1:  # a strip: its title, cells of two lines, labels and the legend
            needed = 7
        else:
            rows = cells[1]
            needed = 2 * rows + FRAME
            if needed > room:
                needed = rows + FRAME
        return needed if needed <= room else 0


@dataclass(frozen=True)
class Phrase:
    """A part of a line that stands as a whole or not at all.

    Attributes:
        text: The part; there is none if it is empty and has no width of its own.
        style: Style of rich.
        rank: Order in which parts are left out where room is short: the largest first.
        columns: Columns that it is filled up to.
    """

    text: str
    style: str
    rank: int
    columns: int = 0

    @property
    def width(self) -> int:
        """The columns that it takes."""
        return max(cell_len(self.text), self.columns)


def fit_phrases(phrases: Sequence[Phrase], width: int, between: str = "  ") -> Text:
    """Join as many phrases as fit into so many columns."""
    chosen = [one for one in phrases if one.width]
    while chosen and sum(one.width + len(between) for one in chosen) - len(between) > width:
        chosen.remove(max(chosen, key=lambda one: one.rank))
    return Text(between).join(Text(f"{one.text:<{one.columns}}", one.style) for one in chosen)


def write_clock(seconds: float) -> str:
    """Write a time span in few columns: "4.2 s", "42 s", "4:59" or "1:04:59"."""
    if seconds < 59.5:
        return format_duration(seconds)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def append_words(line: Text, text: str, width: int, style: str = "dim") -> Text:
    """Append as many whole words of a text as fit into so many columns."""
    between = "" if line.plain[-1:] in ("", " ") else " "
    words = shorten_to_words(printable(text), width - cell_len(line.plain) - len(between))
    return line.append(f"{between}{words}" if words else "", style)


def write_fitness(search: Search, fitness: float) -> str:
    """Write a fitness in the digits that tell the elites apart: they are few in any run."""
    shown = search.archive or search.individuals.values()
    scored = [one.objective for one in shown if one.objective is not None]
    return choose_format([*scored, fitness], search.noise.deviation)(fitness)


def write_objective(search: Search, individual: Individual) -> str:
    """Write an individual's objective with its margin."""
    assert individual.objective is not None
    noise = search.noise
    margin = f" ± {individual.margin(noise):.2g}" if noise.deviation else ""
    return f"{write_fitness(search, individual.objective)}{margin}"
