"""The fresh comparison of a run: seed and best measured again, interleaved, on fresh seeds.

The search's own best value is the luckiest of many and too good by nature. The number that can be
trusted is the difference between fresh runs of the two, which the search never used.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.record import Record
from archive.rows import Experiment, Purpose
from population import Direction, Individual
from population.comparison import compare_runs
from population.estimate import UNKNOWN, Deviation, estimate_fitness
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
        deviation: What the search had shown of the noise of a run by then; nothing in runs of
            older versions.
    """

    seed: int
    best: int
    after: int
    deviation: Deviation = UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        known = [self.deviation.squares, self.deviation.freedom]
        return {"seed": self.seed, "best": self.best, "after": self.after, "deviation": known}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finalists:
        """The finalists out of JSON."""
        known = Deviation(*values.get("deviation", ()))
        return cls(values["seed"], values["best"], values["after"], known)


@dataclass(frozen=True)
class FreshComparison:
    """What a run achieved, from fresh runs alone.

    Attributes:
        seed: Id of the seed.
        best: Id of the best.
        seed_mean: Mean score of the seed, in the metric's unit.
        best_mean: Mean score of the best, in the metric's unit.
        gain: How much fitter the best is than the seed, in the metric's unit.
        low: Lower end of the gain's 95 % interval, by Student's t over these runs and what the
            search knew of the noise; None if that and the runs are too few for one.
        high: Upper end of that interval, or None.
        runs: Number of fresh runs of the seed and of the best.
        deviation: Standard deviation of one run, in the metric's unit, which decides the digits; 0
            if unknown.
    """

    seed: int
    best: int
    seed_mean: float
    best_mean: float
    gain: float
    low: float | None
    high: float | None
    runs: tuple[int, int]
    deviation: float = 0.0

    @property
    def is_confirmed(self) -> bool:
        """Whether the best is fitter than the seed beyond what luck may give."""
        return self.low is not None and self.low > 0

    def text(self, metric: str) -> str:
        """The comparison in one sentence.

        Args:
            metric: Name of the metric.
        """
        line = (
            f"{metric} {self.write(self.best_mean)} (#{self.best}) against "
            f"{self.write(self.seed_mean)} "
            f"(the seed) in {self.runs[1]} and {self.runs[0]} fresh runs: {self.describe_gain()}"
        )
        if self.low is None or self.high is None:
            return line
        verdict = "" if self.low > 0 or self.high < 0 else "; this may be noise"
        return f"{line} (95 % interval {self.low:+.3g} to {self.high:+.3g}){verdict}"

    def summary(self, metric: str) -> str:
        """The comparison in a few words, for where there is little room.

        Args:
            metric: Name of the metric.
        """
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f" (95 % interval {self.low:+.3g} to {self.high:+.3g})"
            interval += "" if self.low > 0 or self.high < 0 else ", which may be noise"
        return (
            f"{metric} {self.write(self.best_mean)} (#{self.best}), the seed "
            f"{self.write(self.seed_mean)}: {self.describe_gain()}{interval}"
        )

    def write(self, value: float) -> str:
        """Format a score with the digits that all scores of the comparison have."""
        return choose_format([self.seed_mean, self.best_mean], self.deviation)(value)

    def describe_gain(self) -> str:
        """The gain in words, such as "0.128 better"."""
        word = "better" if self.gain > 0 else "worse" if self.gain < 0 else "better or worse"
        return f"{abs(self.gain):.3g} {word}"

    def describe_interval(self) -> str:
        """The gain with its interval, such as "+0.128 (+0.099 to +0.156)"."""
        if self.low is None or self.high is None:
            return f"{self.gain:+.3g}"
        return f"{self.gain:+.3g} ({self.low:+.3g} to {self.high:+.3g})"


def describe_confirmation(
    comparison: FreshComparison | None, metric: str, best: int | None = None
) -> str:
    """What can be trusted of a run's result, in one sentence that leads every view of it.

    Args:
        comparison: The latest fresh comparison; None before the first.
        metric: Name of the metric.
        best: Id of the best so far, which may be another one than was compared; None if there is
            none.
    """
    if comparison is None:
        return NOT_CONFIRMED
    later = "" if best in (None, comparison.best) else f"; #{best} is {NOT_CONFIRMED}"
    return f"fresh runs: {comparison.summary(metric)}{later}"


def choose_finalists(
    record: Record, reference: Individual, best: Individual, deviation: Deviation = UNKNOWN
) -> Finalists:
    """The finalists of this end of the run, kept in its record for when it is interrupted.

    Args:
        record: The run's record.
        reference: The first seed that scored.
        best: The best of the search.
        deviation: What the search has shown of the noise of a run.
    """
    stored = record.meta(FINALISTS)
    experiments = record.experiments()
    searched = max((e.number for e in experiments if e.purpose.decides), default=0)
    if stored is not None and stored["after"] >= searched:
        return Finalists.from_dict(stored)
    finalists = Finalists(reference.id, best.id, len(experiments), deviation)
    record.set_meta({FINALISTS: finalists.to_dict()})
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
    return compare_finalists(Finalists.from_dict(stored), record.experiments(), direction)


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
    gain, low, high = _compare(best, seed, finalists.deviation, direction)
    return FreshComparison(
        seed=finalists.seed,
        best=finalists.best,
        seed_mean=statistics.fmean(seed),
        best_mean=statistics.fmean(best),
        gain=gain,
        low=low,
        high=high,
        runs=(len(seed), len(best)),
        deviation=math.sqrt(finalists.deviation.variance),
    )


def _compare(
    best: Sequence[float], seed: Sequence[float], deviation: Deviation, direction: Direction
) -> tuple[float, float | None, float | None]:
    """The gain of the best over the seed, and its 95 % interval.

    With two runs of each these alone decide, by Welch's t: what the search knew of the noise made
    the interval too narrow, since genomes differ in it. Of a single run nothing else is known.
    """
    if min(len(best), len(seed)) > 1:
        runs = compare_runs(best, seed, direction)
        return runs.gain, runs.low, runs.high
    fitter, other = (
        estimate_fitness(None, values, deviation)
        for values in ((seed, best) if direction is Direction.MINIMIZE else (best, seed))
    )
    gain = fitter.minus(other)
    margin = gain.margin()
    if not math.isfinite(margin):
        return gain.mean, None, None
    return gain.mean, gain.mean - margin, gain.mean + margin
