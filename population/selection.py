"""How parents are drawn from the elites. All randomness comes from the caller's generator."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from population.individual import Individual

# A pure UCB starves the cells whose elites are worse by nature, such as the small models.
UNIFORM_SHARE = 0.1
TOURNAMENT_SIZE = 3


@dataclass(frozen=True)
class Offspring:
    """What came of an individual as a parent: children proposed, and those fitter than it."""

    children: int = 0
    wins: int = 0


Selector = Callable[
    [Sequence[Individual], Mapping[int, Offspring], float, np.random.Generator], Individual
]


def uniform(
    elites: Sequence[Individual],
    offspring: Mapping[int, Offspring],
    unit: float,
    rng: np.random.Generator,
) -> Individual:
    """Every elite with the same probability."""
    return elites[int(rng.integers(len(elites)))]


def tournament(
    elites: Sequence[Individual],
    offspring: Mapping[int, Offspring],
    unit: float,
    rng: np.random.Generator,
) -> Individual:
    """The fittest of three elites that are drawn with replacement."""
    drawn = rng.integers(len(elites), size=TOURNAMENT_SIZE)
    return max((elites[int(i)] for i in drawn), key=lambda elite: elite.fitness)


def ucb(
    elites: Sequence[Individual],
    offspring: Mapping[int, Offspring],
    unit: float,
    rng: np.random.Generator,
) -> Individual:
    """The elite with the best upper bound on the chance that its next child is fitter than it.

    Score = (wins + 1) / (children + 2) + sqrt(ln(t + 1) / 2 / (children + 1)) - gap / unit, the
    UCB1 of Auer, Cesa-Bianchi and Fischer (2002) on Laplace's estimate, less the gap to the best
    elite, since a win from far behind is worth little. One draw in ten is uniform.

    Args:
        elites: one a filled cell, all scored.
        offspring: by individual id; children in flight count as children, so that parallel
            proposals spread over the parents.
        unit: the gap to the best elite, in the metric's unit, that counts as much as all wins or
            none; 0 takes the standard deviation of the elites.
        rng: breaks ties, too.
    """
    if rng.random() < UNIFORM_SHARE:
        return uniform(elites, offspring, unit, rng)
    values = [elite.objective for elite in elites if elite.objective is not None]
    direction = elites[0].direction
    best = max(elites, key=lambda elite: elite.fitness).objective
    assert best is not None
    scale = unit or statistics.pstdev(values) or 1.0
    total = sum(offspring.get(elite.id, Offspring()).children for elite in elites)

    def score(elite: Individual) -> float:
        record = offspring.get(elite.id, Offspring())
        assert elite.objective is not None
        return (
            (record.wins + 1) / (record.children + 2)
            + math.sqrt(0.5 * math.log(total + 1) / (record.children + 1))
            - direction.gain(best, elite.objective) / scale
        )

    shuffled = [elites[int(i)] for i in rng.permutation(len(elites))]
    return max(shuffled, key=score)


SELECTORS: dict[str, Selector] = {"ucb": ucb, "uniform": uniform, "tournament": tournament}
