"""How two groups of runs compare: means, and 95 % intervals by Student's t."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from population.estimate import Estimate
from population.individual import Direction

LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """How much fitter one group of runs is than another.

    Attributes:
        gain: Difference of the means, in the metric's unit; positive if the group is fitter.
        low: Lower end of the gain's 95 % interval (Welch's t); None if a group has only one run.
        high: Upper end of it; None if a group has only one run.
        mean: Mean of the group, in the metric's unit.
        reference_mean: Mean of the other group, in the metric's unit.
        runs: Number of runs of the group and of the other one.
    """

    gain: float
    low: float | None
    high: float | None
    mean: float
    reference_mean: float
    runs: tuple[int, int]

    @property
    def is_better(self) -> bool:
        """Whether the group is fitter beyond the interval."""
        return self.low is not None and self.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether the group is less fit beyond the interval."""
        return self.high is not None and self.high < 0

    @property
    def interval(self) -> str:
        """The interval in words; empty if there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"95 % interval {self.low:+.3g} to {self.high:+.3g}"


def compare_runs(
    values: Sequence[float], reference: Sequence[float], direction: Direction
) -> Comparison:
    """Compare the fitnesses of a group of runs with those of a reference.

    Args:
        values: Fitnesses of the group, at least one, in the metric's unit.
        reference: Fitnesses of the reference, at least one.
        direction: Direction of the metric.
    """
    mean, other_mean = statistics.fmean(values), statistics.fmean(reference)
    gain, runs = direction.gain(mean, other_mean), (len(values), len(reference))
    if min(runs) < 2:
        return Comparison(gain, None, None, mean, other_mean, runs)
    margin = _estimate_mean(values).minus(_estimate_mean(reference)).margin(LEVEL)
    return Comparison(gain, gain - margin, gain + margin, mean, other_mean, runs)


def half_width(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of the mean; None with fewer than two values."""
    return None if len(values) < 2 else _estimate_mean(values).margin(LEVEL)


def _estimate_mean(values: Sequence[float]) -> Estimate:
    """The mean of the distribution that some runs, at least two, are drawn from."""
    return Estimate(
        statistics.fmean(values), statistics.variance(values) / len(values), len(values) - 1.0
    )
