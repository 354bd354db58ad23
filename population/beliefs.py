"""What a search believes of its genomes, and when that is sure enough to say.

All of it follows from the results so far: the noise of a run, the gains that children make, and so
what to expect of the next child, which difference is beyond luck, and who runs once more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from population.estimate import (
    Component,
    Deviation,
    Estimate,
    Noise,
    Prior,
)
from population.estimate.gains import LEAST_SHARE, MEANS, SPREADS, Gain, Gains
from population.individual import Direction, Individual

RULES = 7  # the version of what follows from a result; runs keep the one they began with
BELIEFS_RULES = 2  # the version from which on results are judged as here
CONFIDENCE = 0.9  # that one genome is fitter than another, from which the difference counts
CLOSE_RULES = 4  # the version from which on a smaller gap counts between parents
FILLER_RULES = 5  # the version from which on a child that only fills a cell has little credit
ELITE_RULES = 7  # the version from which on an elite that is no gain over its parents has less
ELITE, FIRST_ELITE = 0.1, 0.25  # credit of such an elite, now and before
# Gaps by which parents are told apart: deviations of a run, at least, and spreads of gains.
UNITS, WIDE_UNITS = (2.0, 1.33), (3.0, 2.0)
LUCK = 3.0  # deviations of one run; the first rules repeated a best whose lead was smaller


def is_different(one: Individual, other: Individual, noise: Noise) -> bool:
    """Whether noise does not explain the difference between two scores.

    Args:
        one: An individual that has scored.
        other: Another one that has.
        noise: What is known of the noise of a run. As long as that is nothing, any two differ.
    """
    difference = one.estimate(noise).minus(other.estimate(noise))
    if not difference.freedom:
        return difference.mean != 0
    return abs(difference.mean) > difference.margin(2 * CONFIDENCE - 1)


@dataclass(frozen=True)
class Beliefs:
    """What the results so far say.

    Attributes:
        noise: How much runs of one genome differ.
        gains: How much fitter children are than their parents.
        units: Gap between parents that counts, in deviations of a run, at least, and in spreads of
            the gains.
        discounts_fillers: Whether a child that is no fitter than the seed has little credit.
        elite_credit: Credit of an elite that is fitter than the seed and no gain over its parents.
    """

    noise: Noise = field(default_factory=Noise)
    gains: Gains = field(default_factory=Gains)
    units: tuple[float, float] = UNITS
    discounts_fillers: bool = True
    elite_credit: float = ELITE

    credits_when_confirmed: ClassVar[bool] = True  # else at a child's first run

    def with_run(self, individual: Individual, value: float, parent: Individual | None) -> Beliefs:
        """What is believed after one more run.

        Args:
            individual: The individual that ran, as it was before.
            value: Fitness of the run, in the metric's unit.
            parent: Its fittest parent that has scored; None if it has none.
        """
        noise = self.noise.with_run(individual.id, individual.values, value)
        if individual.values or parent is None or parent.objective is None:
            return replace(self, noise=noise)
        gain = parent.direction.gain(value, parent.objective)
        gains = self.gains.with_gain(Gain(gain, self.estimate(parent).variance))
        return replace(self, noise=noise, gains=gains)

    def estimate(self, individual: Individual) -> Estimate:
        """The true fitness of an individual that has scored, in the metric's unit."""
        return individual.estimate(self.noise)

    def lead(self, one: Individual, other: Individual) -> Estimate:
        """How much fitter one scored individual is than another, in the metric's unit."""
        fitter, less = self.estimate(one), self.estimate(other)
        return fitter.minus(less) if one.direction is Direction.MAXIMIZE else less.minus(fitter)

    def is_beyond_luck(self, one: Individual, other: Individual) -> bool:
        """Whether one scored individual is fitter than another, and noise does not explain it."""
        lead = self.lead(one, other)
        if not lead.freedom:  # as it seems, as long as nothing is known of the noise
            return lead.mean > 0
        return lead.probability_above(0.0) >= CONFIDENCE

    @property
    def unit(self) -> float:
        """A gap between two genomes that counts, in the metric's unit; 0 if none is known yet."""
        deviation = self.noise.deviation
        spread = self.gains.spread(deviation)
        least, usual = self.units
        return 0.0 if spread is None else max(least * deviation, usual * spread)

    def prior(self, parent: Individual) -> Prior | None:
        """What to expect of a child: its parent's best guess, and a gain as they were so far.

        Args:
            parent: The child's fittest parent, which has scored.

        Returns:
            None if nothing is known of the noise, or there is none.
        """
        deviation = self.noise.deviation
        if not deviation or parent.objective is None:
            return None
        sign = -1.0 if parent.direction is Direction.MINIMIZE else 1.0
        spreads = (SPREADS * deviation) ** 2 + self.estimate(parent).variance
        shares = self.gains.fit_shares(deviation)
        likely = shares >= LEAST_SHARE
        shares = shares[likely] / shares[likely].sum()
        components = (
            Component(float(share), parent.objective + sign * float(gain), float(weight))
            for share, gain, weight in zip(
                shares,
                MEANS[likely] * deviation,
                deviation**2 / spreads[likely],
                strict=True,
            )
        )
        known = self.noise.beside()
        freedom = known.freedom + len(self.gains.latest)  # the noise is no larger than they show
        return Prior(tuple(components), Deviation(known.variance * freedom, freedom))

    # -- who is the best ----------------------------------------------------------------------

    def is_confirmed(self, individual: Individual) -> bool:
        """Whether a score has been repeated, or needs no repeat."""
        return bool(individual.scored) and (self.noise.exact or len(individual.scored) > 1)

    def needs_repeat(self, best: Individual, rival: Individual, *, spent: bool = False) -> bool:
        """Whether what seems to be the best should run once more before anything else.

        Args:
            best: The fittest by its best guess.
            rival: The fittest of the others whose score is confirmed.
            spent: Whether the runs that are meant for repeats have been made; then only a lead
                beyond luck is worth another one.
        """
        if self.is_confirmed(best):
            return False
        return self.is_beyond_luck(best, rival) if spent else self.lead(best, rival).mean > 0


@dataclass(frozen=True)
class FirstRunBeliefs(Beliefs):
    """The beliefs of runs that began under the first rules, which are replayed as they went.

    A child was credited for its first run, if that was better by more than one deviation; two runs
    that agreed showed a noise of 0; and a best was believed unless its lead might be luck.
    """

    noise: Noise = field(default_factory=lambda: Noise(floor_share=0.0))
    units: tuple[float, float] = WIDE_UNITS
    discounts_fillers: bool = False
    elite_credit: float = FIRST_ELITE

    credits_when_confirmed: ClassVar[bool] = False

    def is_beyond_luck(self, one: Individual, other: Individual) -> bool:
        assert one.objective is not None
        assert other.objective is not None
        return one.direction.gain(one.objective, other.objective) > self.noise.deviation

    def is_confirmed(self, individual: Individual) -> bool:
        return bool(individual.scored)

    def needs_repeat(self, best: Individual, rival: Individual, *, spent: bool = False) -> bool:
        assert best.objective is not None
        assert rival.objective is not None
        lead = best.direction.gain(best.objective, rival.objective)
        return len(best.measurements) < 2 and lead < LUCK * self.noise.deviation and not spent


def begin_beliefs(rules: int, *, exact: bool = False) -> Beliefs:
    """What is believed before any result.

    Args:
        rules: Version of the rules under which the run began.
        exact: Whether the task declares its score deterministic.
    """
    if rules < BELIEFS_RULES:
        return FirstRunBeliefs()
    return Beliefs(
        Noise(exact=exact),
        units=UNITS if rules >= CLOSE_RULES else WIDE_UNITS,
        discounts_fillers=rules >= FILLER_RULES,
        elite_credit=ELITE if rules >= ELITE_RULES else FIRST_ELITE,
    )
