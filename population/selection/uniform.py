"""Uniform selection: every individual of the pool with the same probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from population.individual import Individual
from population.selection.base import Offspring, ParentSelector


class Uniform(ParentSelector):
    """Draws every individual with the same probability."""

    name = "uniform"

    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        return pool[int(rng.integers(len(pool)))]
