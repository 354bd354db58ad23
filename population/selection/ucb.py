"""Selection by an upper confidence bound: parents whose children won, or that had few chances."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from population.individual import Individual
from population.selection.base import Offspring, ParentSelector
from population.selection.uniform import Uniform

# A pure bound starves the cells whose elites are worse by nature, such as the small models.
UNIFORM_SHARE = 0.1


class UpperConfidenceBound(ParentSelector):
    """Takes the individual with the best upper bound on the chance that its child is fitter.

    Score = (wins + 1) / (children + 2) + sqrt(ln(t + 1) / 2 / (children + 1)) - gap / unit: UCB1
    (Auer, Cesa-Bianchi and Fischer 2002) on Laplace's estimate, less the gap to the best of the
    pool, since a win from far behind is worth little. If `unit` is 0 the gap counts in standard
    deviations of the pool. One draw in ten is uniform.
    """

    name = "ucb"

    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        if rng.random() < UNIFORM_SHARE:
            return Uniform().select(pool, offspring, unit, rng)
        values = [individual.objective for individual in pool if individual.objective is not None]
        direction = pool[0].direction
        best = max(pool, key=lambda individual: individual.fitness).objective
        assert best is not None
        scale = unit or statistics.pstdev(values) or 1.0
        total = sum(offspring.get(one.id, Offspring()).children for one in pool)

        def score(individual: Individual) -> float:
            record = offspring.get(individual.id, Offspring())
            assert individual.objective is not None
            return (
                (record.wins + 1) / (record.children + 2)
                + math.sqrt(0.5 * math.log(total + 1) / (record.children + 1))
                - direction.gain(best, individual.objective) / scale
            )

        shuffled = [pool[int(i)] for i in rng.permutation(len(pool))]  # breaks ties
        return max(shuffled, key=score)
