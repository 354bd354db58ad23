"""The estimate of a genome's fitness from a few noisy runs and from its parent.

A child's true fitness is taken to be its parent's plus a gain, normal around what gains were so
far; a run adds normal noise. Then the best guess is the mean of its runs, shrunk towards what was
expected, as if the expectation had been some runs of its own (Branke and Schmidt, "Selection in
the presence of noise", 2003; James and Stein 1961). Expectations are fixed when a child is born,
so that a result changes the guess of one genome and no other.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

NORMAL = 1.4826  # times the median absolute deviation of a normal distribution is its deviation
FEWEST_GAINS = 5  # fewer gains say nothing of what to expect
LATEST_GAINS = 50  # early on gains are larger, so old ones are forgotten
LEAST_SPREAD = 0.25  # of the noise: with less, no single run would be believed


@dataclass(frozen=True)
class Prior:
    """What is expected of a genome before it has run.

    Attributes:
        mean: Expected fitness, in the metric's unit.
        weight: Number of runs that the expectation counts as; above 0.
    """

    mean: float
    weight: float


def posterior_mean(prior: Prior | None, values: Sequence[float]) -> float:
    """The best guess of the true fitness after some runs.

    Args:
        prior: Expectation before the runs; None if there was none.
        values: Fitnesses of the runs, at least one, in the metric's unit.
    """
    if prior is None:
        return statistics.fmean(values)
    return (prior.weight * prior.mean + math.fsum(values)) / (prior.weight + len(values))


class Noise:
    """The pooled standard deviation of repeated runs, learnt run by run."""

    def __init__(self) -> None:
        self._squares = 0.0
        self._freedom = 0

    def add(self, earlier: Sequence[float], value: float) -> None:
        """Take note of one more run of a genome, after its earlier ones."""
        if earlier:
            count = len(earlier)
            self._squares += (value - statistics.fmean(earlier)) ** 2 * count / (count + 1)
            self._freedom += 1

    @property
    def deviation(self) -> float:
        """In the metric's unit; 0 as long as nothing was repeated."""
        return math.sqrt(self._squares / self._freedom) if self._freedom else 0.0


class Gains:
    """How much fitter children are than their parents: what is typical, and how much that varies.

    Both are medians, so that neither a failure nor a stroke of luck counts for much.
    """

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=LATEST_GAINS)

    def add(self, gain: float) -> None:
        """Take note of a child's first run: how much fitter it was than its parent's best guess."""
        self._latest.append(gain)

    def expected(self, noise: float) -> tuple[float, float] | None:
        """The typical gain and the standard deviation of true gains; None if too few are known.

        Args:
            noise: Standard deviation of one run, in the metric's unit; a part of the spread.
        """
        if len(self._latest) < FEWEST_GAINS:
            return None
        typical = statistics.median(self._latest)
        spread = NORMAL * statistics.median(abs(gain - typical) for gain in self._latest)
        true_spread = math.sqrt(max(spread**2 - noise**2, 0.0))
        return typical, max(true_spread, LEAST_SPREAD * noise)
