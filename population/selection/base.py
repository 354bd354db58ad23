"""What a parent selector is: it draws one parent out of a pool of individuals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from population.individual import Individual


@dataclass(frozen=True)
class Offspring:
    """What came of an individual as a parent.

    Attributes:
        children: Number of its children, those in flight included.
        wins: Number of its children that turned out fitter than it.
    """

    children: int = 0
    wins: int = 0


class ParentSelector(ABC):
    """Draws parents.

    Attributes:
        name: Name of the selector on the command line.
    """

    name: str

    @abstractmethod
    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        """Draw one individual.

        Args:
            pool: Individuals to draw from, at least one, all of them scored.
            offspring: Offspring by individual id. Children in flight count, so that parallel
                proposals spread over the parents.
            unit: Gap in fitness that matters, in the metric's unit; 0 if it is not known yet.
            rng: Generator of all the selector's randomness.
        """
