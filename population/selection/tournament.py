"""Tournament selection: the fittest of a few that are drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from population.individual import Individual
from population.selection.base import Offspring, ParentSelector

SIZE = 3


class Tournament(ParentSelector):
    """Draws three individuals with replacement and takes the fittest."""

    name = "tournament"

    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        drawn = rng.integers(len(pool), size=SIZE)
        return max((pool[int(i)] for i in drawn), key=lambda individual: individual.fitness)
