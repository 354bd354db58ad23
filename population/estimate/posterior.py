"""A genome's true fitness: what was expected of it, and what its runs say.

Given the variance s² of a run, the true fitness is expected to be one of several normal components,
each of variance s² / w, as if w runs had shown it; and s² itself is scaled inverse
chi-squared. Then the posterior is a mixture of Student's t in closed form (the normal-inverse-chi-
squared model of Gelman et al., "Bayesian Data Analysis", 3rd ed. 2013, section 3.3; a mixture of
conjugate priors is conjugate, too). A result that no narrow component explains leaves the wide
ones alone, so that it is hardly shrunk, while one within the noise is shrunk to what was expected.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from population.estimate.noise import Deviation

MOST_SHIFT = 3.0  # standard errors of a genome's own runs, by which an expectation can move them


@dataclass(frozen=True)
class Component:
    """One of the things that a genome may turn out to be.

    Attributes:
        share: Its probability, 0 to 1.
        mean: The expected fitness, in the metric's unit.
        weight: The number of runs that the expectation counts for; above 0.
    """

    share: float
    mean: float
    weight: float


@dataclass(frozen=True)
class Prior:
    """What is expected of a genome before it has run. It is fixed at birth.

    Attributes:
        components: At least one; their shares add up to 1.
        deviation: What was known of the noise then; without degrees of freedom there is a single
            component, whose weight alone counts.
    """

    components: tuple[Component, ...]
    deviation: Deviation

    @classmethod
    def normal(cls, mean: float, weight: float) -> Prior:
        """A single normal component under an unknown deviation.

        Args:
            mean: The expected fitness, in the metric's unit.
            weight: The number of runs that the expectation counts for; above 0.
        """
        return cls((Component(1.0, mean, weight),), Deviation())

    @property
    def typical(self) -> float:
        """The mean of its most probable component, in the metric's unit."""
        return max(self.components, key=lambda one: one.share).mean

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {
            "components": [[one.share, one.mean, one.weight] for one in self.components],
            "deviation": [self.deviation.squares, self.deviation.freedom],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Prior:
        """A prior out of JSON."""
        components = tuple(Component(*one) for one in values["components"])
        return cls(components, Deviation(*values["deviation"]))


@dataclass(frozen=True)
class Estimate:
    """A number that is known up to a Student's t around it.

    Attributes:
        mean: The best guess, in the metric's unit.
        variance: The squared scale of the distribution around it, in the metric's unit squared.
        freedom: Degrees of freedom; 0 if nothing is known of the scale.
    """

    mean: float
    variance: float
    freedom: float

    def margin(self, level: float = 0.95) -> float:
        """Half the width of the central interval, in the metric's unit.

        Args:
            level: The probability that the truth is within the margin of the mean, 0 to 1.

        Returns:
            Infinity if nothing is known of the scale.
        """
        if not self.freedom:
            return math.inf
        from scipy.special import stdtrit  # a quarter of a second, and only here

        if math.isinf(self.freedom):
            return statistics.NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(self.variance)
        return float(stdtrit(self.freedom, (1 + level) / 2)) * math.sqrt(self.variance)

    def minus(self, other: Estimate) -> Estimate:
        """The difference of two numbers that are known independently of each other.

        Its degrees of freedom are those of Welch and Satterthwaite (B. L. Welch, "The
        generalization of 'Student's' problem", Biometrika 1947).
        """
        mean, variance = self.mean - other.mean, self.variance + other.variance
        if not (self.freedom and other.freedom):
            return Estimate(mean, variance, 0.0)
        doubt = self.variance**2 / self.freedom + other.variance**2 / other.freedom
        return Estimate(mean, variance, variance**2 / doubt if doubt else math.inf)

    def probability_above(self, value: float) -> float:
        """The probability that the truth is larger than a value; 1/2 if nothing is known."""
        distance = self.mean - value
        if not self.freedom:
            return 0.5
        if not self.variance:
            return 0.5 + math.copysign(0.5, distance) if distance else 0.5
        from scipy.special import stdtr

        if math.isinf(self.freedom):
            return statistics.NormalDist().cdf(distance / math.sqrt(self.variance))
        return float(stdtr(self.freedom, distance / math.sqrt(self.variance)))


def posterior_mean(prior: Prior | None, values: Sequence[float]) -> float:
    """The best guess of the true fitness after some runs.

    It is at most `MOST_SHIFT` standard errors from the mean of the runs, whatever was expected (a
    limited translation: B. Efron and C. Morris, "Limiting the risk of Bayes and empirical Bayes
    estimators", 1972).

    Args:
        prior: What was expected; None if nothing was.
        values: Fitnesses of the runs, at least one, in the metric's unit.
    """
    if prior is None:
        return statistics.fmean(values)
    return _limit(_mean(_update(prior, values)), prior, values)


def estimate_fitness(
    prior: Prior | None, values: Sequence[float], deviation: Deviation
) -> Estimate:
    """The true fitness after some runs, with what is known of the noise by now.

    A mixture is summarised by its mean, its variance and its degrees of freedom.

    Args:
        prior: What was expected; None if nothing was.
        values: Fitnesses of the runs, at least one, in the metric's unit.
        deviation: What other genomes say of the noise.
    """
    known = deviation.plus(_squares(values), len(values) - 1)
    if prior is None:
        return Estimate(statistics.fmean(values), known.variance / len(values), known.freedom)
    posterior = _update(prior, values)
    guess = _limit(_mean(posterior), prior, values)
    before = prior.deviation.variance
    ratio = known.variance / before if before else 1.0  # the expectation is as wide as it was
    variance = math.fsum(
        now.share * (known.variance / (len(values) + ratio * born.weight) + (now.mean - guess) ** 2)
        for now, born in zip(posterior, prior.components, strict=True)
    )
    return Estimate(guess, variance, known.freedom)


def _mean(components: Sequence[Component]) -> float:
    return math.fsum(one.share * one.mean for one in components)


def _limit(guess: float, prior: Prior, values: Sequence[float]) -> float:
    """The guess, or what is nearest to it within `MOST_SHIFT` standard errors of the runs."""
    if not prior.deviation.freedom:
        return guess
    own = prior.deviation.plus(_squares(values), len(values) - 1).variance
    most, mean = MOST_SHIFT * math.sqrt(own / len(values)), statistics.fmean(values)
    return min(max(guess, mean - most), mean + most)


def _squares(values: Sequence[float]) -> float:
    """The sum of squared residuals around the mean."""
    if len(values) == 1:  # the usual case
        return 0.0
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _update(prior: Prior, values: Sequence[float]) -> list[Component]:
    """The posterior mixture: each component counts as much as it predicted the runs."""
    count, mean = len(values), statistics.fmean(values)
    known = prior.deviation.plus(_squares(values), count)
    logs = []
    for one in prior.components:
        weight = one.weight + count
        squares = known.squares + one.weight * count / weight * (mean - one.mean) ** 2
        fit = known.freedom / 2 * math.log(squares) if squares else 0.0
        logs.append(math.log(one.share) + math.log(one.weight / weight) / 2 - fit)
    top = max(logs)
    odds = [math.exp(log - top) for log in logs]
    total = math.fsum(odds)
    return [
        Component(
            odd / total,
            (one.weight * one.mean + count * mean) / (one.weight + count),
            one.weight + count,
        )
        for one, odd in zip(prior.components, odds, strict=True)
    ]
