"""The fresh comparison of a run: seed and best measured again, interleaved, on fresh seeds.

The search's own best value is the luckiest of many and too good by nature. The number that can be
trusted is the difference between fresh runs of the two, which the search never used.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from archive.record import Record
from archive.rows import Experiment, Purpose
from population import Direction, Individual
from population.comparison import compare_runs
from population.formatting import choose_format

FINALISTS = "finalists"  # key of the record
NOT_CONFIRMED = "not confirmed yet"


@dataclass(frozen=True)
class Finalists:
    """The individuals that are compared when a run ends.

    Attributes:
        seed: Id of the reference, the first seed that scored.
        best: Id of the best of the search.
        after: Number of the last experiment before these finals; older fresh runs, of another end
            of this run, do not count.
    """

    seed: int
    best: int
    after: int


@dataclass(frozen=True)
class FreshComparison:
    """What a run achieved, from fresh runs alone.

    Attributes:
        seed: Id of the seed.
        best: Id of the best.
        seed_mean: Mean score of the seed, in the metric's unit.
        best_mean: Mean score of the best, in the metric's unit.
        gain: How much fitter the best is than the seed, in the metric's unit.
        low: Lower end of the gain's 95 % interval (Welch's t); None with fewer than two runs each.
        high: Upper end of that interval; None with fewer than two runs each.
        runs: Number of fresh runs of the seed and of the best.
    """

    seed: int
    best: int
    seed_mean: float
    best_mean: float
    gain: float
    low: float | None
    high: float | None
    runs: tuple[int, int]

    @property
    def is_confirmed(self) -> bool:
        """Whether the best is fitter than the seed beyond what luck may give."""
        return self.low is not None and self.low > 0

    def text(self, metric: str) -> str:
        """The comparison in one sentence.

        Args:
            metric: Name of the metric.
        """
        write = choose_format([self.seed_mean, self.best_mean])
        line = (
            f"{metric} {write(self.best_mean)} (#{self.best}) against {write(self.seed_mean)} "
            f"(the seed) in {self.runs[1]} and {self.runs[0]} fresh runs: {self.describe_gain()}"
        )
        if self.low is None or self.high is None:
            return line
        verdict = "" if self.low > 0 or self.high < 0 else "; this may be noise"
        return f"{line} (95 % interval {self.low:+.3g} to {self.high:+.3g}){verdict}"

    def describe_gain(self) -> str:
        """The gain in words, such as "0.128 better"."""
        word = "better" if self.gain > 0 else "worse" if self.gain < 0 else "better or worse"
        return f"{abs(self.gain):.3g} {word}"

    def describe_interval(self) -> str:
        """The gain with its interval, such as "+0.128 (+0.099 to +0.156)"."""
        if self.low is None or self.high is None:
            return f"{self.gain:+.3g}"
        return f"{self.gain:+.3g} ({self.low:+.3g} to {self.high:+.3g})"


def choose_finalists(record: Record, reference: Individual, best: Individual) -> Finalists:
    """The finalists of this end of the run, kept in its record for when it is interrupted.

    Args:
        record: The run's record.
        reference: The first seed that scored.
        best: The best of the search.
    """
    stored = record.meta(FINALISTS)
    experiments = record.experiments()
    searched = max((e.number for e in experiments if e.purpose.decides), default=0)
    if stored is not None and stored["after"] >= searched:
        return Finalists(**stored)
    finalists = Finalists(reference.id, best.id, len(experiments))
    record.set_meta({FINALISTS: asdict(finalists)})
    return finalists


def read_comparison(record: Record, direction: Direction) -> FreshComparison | None:
    """The latest fresh comparison of a run; None before the first one.

    Args:
        record: The run's record.
        direction: Direction of the metric.
    """
    stored = record.meta(FINALISTS)
    if stored is None:
        return None
    return compare_finalists(Finalists(**stored), record.experiments(), direction)


def compare_finalists(
    finalists: Finalists, experiments: Sequence[Experiment], direction: Direction
) -> FreshComparison | None:
    """Compare the finalists by their fresh runs; None if one of the two never scored in them."""

    def scores(number: int) -> list[float]:
        return [
            e.measurement.fitness
            for e in experiments
            if e.purpose is Purpose.FINAL
            and e.number > finalists.after
            and e.individual == number
            and e.measurement.fitness is not None
        ]

    seed, best = scores(finalists.seed), scores(finalists.best)
    if not seed or not best:
        return None
    comparison = compare_runs(best, seed, direction)
    return FreshComparison(
        seed=finalists.seed,
        best=finalists.best,
        seed_mean=statistics.fmean(seed),
        best_mean=statistics.fmean(best),
        gain=comparison.gain,
        low=comparison.low,
        high=comparison.high,
        runs=(len(seed), len(best)),
    )
