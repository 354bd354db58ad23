"""Two genomes compared by fresh runs of both: the difference of their means with its interval."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from population import Direction

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """How much fitter one genome is than another, from fresh runs alone.

    Attributes:
        mean: Mean score of the genome, in the metric's unit.
        reference_mean: Mean score of the other one, in the metric's unit.
        gain: How much fitter the genome is, in the metric's unit; below 0 if it is worse.
        low: Lower end of the gain's 95 % interval; None with fewer than two runs of each.
        high: Upper end of that interval; None with fewer than two runs of each.
        runs: Number of runs of the genome and of the other one that scored.
    """

    mean: float
    reference_mean: float
    gain: float
    low: float | None
    high: float | None
    runs: tuple[int, int]

    @property
    def is_better(self) -> bool:
        """Whether the genome is fitter beyond the interval."""
        return self.low is not None and self.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether the genome is less fit beyond the interval."""
        return self.high is not None and self.high < 0

    def describe(self) -> str:
        """The difference in words, such as "0.5 better (95 % interval +0.25 to +0.75)"."""
        word = "better" if self.gain > 0 else "worse" if self.gain < 0 else "better or worse"
        line = f"{abs(self.gain):.3g} {word}"
        if self.low is None or self.high is None:
            return line
        verdict = "" if self.is_better or self.is_worse else "; this may be noise"
        return f"{line} (95 % interval {self.low:+.3g} to {self.high:+.3g}){verdict}"


def compare_runs(
    scores: Sequence[float], reference: Sequence[float], direction: Direction
) -> Comparison | None:
    """Compare two genomes by their runs, with the interval of Welch's t-test; None without a run.

    Args:
        scores: Scores of the genome, in the metric's unit.
        reference: Scores of the other genome, in the metric's unit.
        direction: Direction of the metric.
    """
    if not scores or not reference:
        return None
    mean, reference_mean = sum(scores) / len(scores), sum(reference) / len(reference)
    low = high = None
    if min(len(scores), len(reference)) > 1:
        from scipy import stats  # a second, and only here

        both = (reference, scores) if direction is Direction.MINIMIZE else (scores, reference)
        with warnings.catch_warnings():  # runs that are all equal have an interval without width
            warnings.simplefilter("ignore", RuntimeWarning)
            interval = stats.ttest_ind(*both, equal_var=False).confidence_interval(CONFIDENCE)
        low, high = float(interval.low), float(interval.high)
    return Comparison(
        mean=mean,
        reference_mean=reference_mean,
        gain=direction.gain(mean, reference_mean),
        low=low,
        high=high,
        runs=(len(scores), len(reference)),
    )
