"""The noise of a measurement: how much runs of one genome differ, and how sure that is.

The runs of a genome are taken to be normal around its true fitness. What its repeats say of the
variance is kept as a sum of squared residuals with its degrees of freedom, which is the state of a
scaled inverse chi-squared distribution (Gelman et al., "Bayesian Data Analysis", 3rd ed. 2013,
chapter 3). Genomes share most of it: a single one's variance scatters around that of all as much as
repeats show it to do (partial pooling, as in G. Smyth, "Linear models and empirical Bayes methods",
2004).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

FLOOR = 1e-4  # of the first fitness: two runs that happen to agree do not show a smaller deviation
# A genome's variance is worth so many degrees of freedom around that of all genomes, and how
# probable each is before any repeat: half that they are all alike.
LIKENESS = {4.0: 0.25, 16.0: 0.25, math.inf: 0.5}


@dataclass(frozen=True)
class Deviation:
    """What is known of the standard deviation of one run.

    Attributes:
        squares: Sum of squared residuals, in the metric's unit squared.
        freedom: Degrees of freedom of that sum; 0 if nothing is known, infinite if the deviation
            is known to be 0.
    """

    squares: float = 0.0
    freedom: float = 0.0

    @property
    def variance(self) -> float:
        """The estimated variance, in the metric's unit squared; 0 if nothing is known."""
        return self.squares / self.freedom if self.freedom else 0.0

    def plus(self, squares: float, freedom: float) -> Deviation:
        """The same with residuals of further runs."""
        return Deviation(self.squares + squares, self.freedom + freedom)


UNKNOWN = Deviation()
EXACT = Deviation(0.0, math.inf)


@dataclass(frozen=True)
class Noise:
    """What the repeated runs of a search have shown of the noise so far.

    Attributes:
        repeats: Residuals around each genome's own mean, by the id of the genome, of those that
            scored more than once.
        floor: Least deviation that few repeats can show, in the metric's unit.
        floor_share: The same as a share of the first fitness.
        exact: Whether the task declares its score deterministic, so that nothing is left to learn.
    """

    repeats: Mapping[int, Deviation] = field(default_factory=dict)
    floor: float = 0.0
    exact: bool = False
    floor_share: float = FLOOR

    def with_run(self, genome: int, earlier: Sequence[float], value: float) -> Noise:
        """What is known after one more run.

        Args:
            genome: Id of the genome that ran.
            earlier: Fitnesses of its earlier runs, in the metric's unit.
            value: Fitness of this run.
        """
        if self.exact:
            return self
        if not earlier:
            return self if self.floor else replace(self, floor=self.floor_share * abs(value))
        count = len(earlier)
        square = (value - statistics.fmean(earlier)) ** 2 * count / (count + 1)
        known = self.repeats.get(genome, UNKNOWN).plus(square, 1.0)
        return replace(self, repeats={**self.repeats, genome: known})

    @cached_property
    def pooled(self) -> Deviation:
        """The deviation of a run of any genome.

        The floor adds to the squares and not to the degrees of freedom: it is felt only where few
        repeats agree better than any training run would.
        """
        if self.exact or not self.repeats:
            return EXACT if self.exact else UNKNOWN
        squares = math.fsum(one.squares for one in self.repeats.values())
        freedom = math.fsum(one.freedom for one in self.repeats.values())
        return Deviation(squares + self.floor**2, freedom)

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of a run, in the metric's unit; 0 if it is unknown or exact."""
        return math.sqrt(self.pooled.variance)

    @property
    def looks_deterministic(self) -> bool:
        """Whether all repeats were equal to the last digit, though the task does not say so."""
        return bool(self.repeats) and not any(one.squares for one in self.repeats.values())

    def beside(self, genome: int | None = None) -> Deviation:
        """What the repeats of all other genomes say of the deviation of one.

        With f degrees of freedom in those repeats, and genomes whose variances scatter as if each
        were known by v degrees, it is worth 1 / (1 / f + 1 / v) degrees.

        Args:
            genome: Id of the one whose own runs are left out; None leaves out nothing.
        """
        if self.exact:
            return EXACT
        own = UNKNOWN if genome is None else self.repeats.get(genome, UNKNOWN)
        freedom = self.pooled.freedom - own.freedom
        if freedom <= 0:
            return Deviation(self.floor**2, 0.0)
        variance = max(self.pooled.squares - own.squares, self.floor**2) / freedom
        worth = 1 / (1 / freedom + self.unlikeness)
        return Deviation(worth * variance, worth)

    @cached_property
    def unlikeness(self) -> float:
        """The expected 1 / v, where genomes' variances are scaled inverse chi-squared with v
        degrees of freedom around that of all; 0 if they are alike."""
        logs = {
            likeness: math.log(share)
            + math.fsum(self._log_density(one, likeness) for one in self.repeats.values())
            for likeness, share in LIKENESS.items()
        }
        top = max(logs.values())
        weights = {likeness: math.exp(log - top) for likeness, log in logs.items()}
        return math.fsum(w / v for v, w in weights.items()) / math.fsum(weights.values())

    def _log_density(self, one: Deviation, likeness: float) -> float:
        """The log density of one genome's squares, up to what is the same for every likeness."""
        variance, half, squares = self.pooled.variance, one.freedom / 2, one.squares
        if not variance:
            return 0.0
        if math.isinf(likeness):
            return -half * math.log(2 * variance) - squares / variance / 2
        prior = likeness / 2
        return (
            math.lgamma(half + prior)
            - math.lgamma(prior)
            + prior * math.log(likeness * variance)
            - (half + prior) * math.log(likeness * variance + squares)
        )
