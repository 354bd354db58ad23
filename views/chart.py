"""A run's experiments, sorted for the progress chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from population import Direction
from population.formatting import choose_format
from views.canvas import ACCENT, COLOURS, GREY, INK
from views.scales import find_limits

if TYPE_CHECKING:
    import pandas as pd

# marks of operators, beside the colours, so that a print in grey can be read
MARKS = ("o", "d", "p", "<", "X", "h", ">", "8", "H")
COLUMNS = (
    *("experiment", "individual", "purpose", "operator"),
    *("fitness", "objective", "kept", "description"),
)


def trace_best(scored: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """Trace the fittest genome, by the best guess of its fitness, over the runs of the search.

    Args:
        scored: Rows as `draw_progress` takes them, all with a fitness, ordered by experiment.
        direction: Direction of the metric.

    Returns:
        The columns `experiment`, `individual` and `objective`, one row a run.
    """
    runs = scored.loc[scored["purpose"] != "final", ["experiment", "individual", "objective"]]
    gains: dict[int, float] = {}  # over 0
    best: int | None = None
    bests: list[tuple[int, float]] = []
    for individual, objective in zip(runs["individual"], runs["objective"], strict=True):
        gains[individual] = direction.gain(objective, 0.0)
        if individual == best:  # it may be worse than another now
            best = max(gains, key=gains.__getitem__)
        elif best is None or gains[individual] > gains[best]:
            best = individual
        bests.append((best, direction.gain(gains[best], 0.0)))
    return runs.assign(
        individual=[individual for individual, _ in bests], objective=[value for _, value in bests]
    )


@dataclass(frozen=True)
class Scale:
    """The vertical axis: the values' range, a margin to write in and a strip for what is off it.

    Attributes:
        fitter: Fittest value shown.
        worse: Worst value shown where it is; a worse one sits in the strip.
        sign: 1 if worse is up, else -1.
    """

    fitter: float
    worse: float
    sign: int

    def _beyond(self, end: float, share: float) -> float:
        return end + self.sign * share * abs(self.worse - self.fitter)

    @property
    def write(self) -> Callable[[float], str]:
        """A function that formats a fitness as finely as the range asks for."""
        return choose_format([self.fitter, self.worse])

    @property
    def fitter_end(self) -> float:
        return self._beyond(self.fitter, -0.18)

    @property
    def off_scale(self) -> float:
        return self._beyond(self.worse, 0.06)

    @property
    def failed(self) -> float:
        return self._beyond(self.worse, 0.12)

    @property
    def worse_end(self) -> float:
        return self._beyond(self.worse, 0.16)


@dataclass(frozen=True)
class Chart:
    """The experiments, sorted by what is drawn of them.

    Attributes:
        frame: All experiments in their order, but for those of an ablation.
        scored: Those with a fitness.
        line: The best so far, as `trace_best` has it.
        fresh: Scored fresh runs after the last run of the search, which compare the finalists.
        scale: The vertical axis.
        direction: Direction of the metric.
    """

    frame: pd.DataFrame
    scored: pd.DataFrame
    line: pd.DataFrame
    fresh: pd.DataFrame
    scale: Scale
    direction: Direction

    @classmethod
    def of(cls, frame: pd.DataFrame, direction: Direction) -> Chart:
        frame = frame.reindex(columns=COLUMNS).sort_values("experiment")
        frame = frame[frame["purpose"] != "ablation"]
        frame = frame.assign(kept=frame["kept"].astype(bool))
        scored = frame[frame["fitness"].notna()]
        line = trace_best(scored, direction)
        is_final = frame["purpose"] == "final"
        searched = frame.loc[~is_final, "experiment"].max()
        fresh = scored[(scored["purpose"] == "final") & (scored["experiment"] > searched)]
        scale = _choose_scale(scored, line, direction)
        return cls(frame, scored, line, fresh, scale, direction)

    @property
    def last(self) -> int:
        """The number of the last experiment; 0 if there is none."""
        return int(self.frame["experiment"].max()) if len(self.frame) else 0

    @property
    def step(self) -> float:
        """A step to the right that can be seen, in experiments."""
        return max(0.4, self.last * 0.01)

    @property
    def finalists(self) -> Iterator[tuple[int, bool, list[float]]]:
        """The genomes with fresh runs: id, whether it is a seed, and fitnesses."""
        for individual, runs in self.fresh.groupby("individual"):
            seed = bool((runs["operator"] == "seed").all())
            yield int(str(individual)), seed, runs["fitness"].tolist()


def _choose_scale(scored: pd.DataFrame, line: pd.DataFrame, direction: Direction) -> Scale:
    if scored.empty:
        return Scale(0.0, 1.0, 1)
    low, high = find_limits(scored["fitness"].tolist(), direction)
    # Where the search began and every step of the best are the story: they are never cut off.
    low, high = min([low, *line["objective"]]), max([high, *line["objective"]])
    return Scale(low, high, 1) if direction is Direction.MINIMIZE else Scale(high, low, -1)


@dataclass(frozen=True)
class Group:
    """Scored experiments of one kind, which share a mark and an entry in the legend.

    Attributes:
        label: Name of the kind.
        runs: Its experiments, those that are off the scale, too.
        marker: Mark of an experiment.
        fill: Colour of the mark.
        edge: Colour of its edge; empty for the runs of an operator, which have one if they are
            kept.
    """

    label: str
    runs: pd.DataFrame
    marker: str
    fill: str
    edge: str = ""


def group_runs(chart: Chart) -> Iterator[Group]:
    """Sort every scored experiment into one group, in the order of the legend."""
    scored = chart.scored
    final, seed = scored["purpose"] == "final", scored["operator"] == "seed"
    yield Group("seed run", scored[seed & ~final], "s", "white", INK)
    yield Group("repeat run", scored[~seed & (scored["purpose"] == "repeat")], "P", "white", INK)
    finalists = {individual for individual, is_seed, _ in chart.finalists if not is_seed}
    yield Group("fresh run of the seed", scored[final & seed], "D", "white", INK)
    for individual, runs in scored[final & ~seed].groupby("individual"):
        fill = ACCENT if individual in finalists else GREY
        yield Group(f"fresh run of #{individual}", runs, "D", fill, INK)
    search = scored[~seed & (scored["purpose"] == "search")]
    for number, operator in enumerate(search["operator"].unique()):
        # by first appearance, so that a colour does not change as the run goes on
        fill = COLOURS[number] if number < len(COLOURS) else GREY
        mark = MARKS[number % len(MARKS)]
        yield Group(str(operator), search[search["operator"] == operator], mark, fill)
