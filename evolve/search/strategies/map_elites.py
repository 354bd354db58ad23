"""MAP-Elites: the elite of every cell may be a parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from archive import AddStatus, Archive
from evolve.search.strategies.base import Strategy
from population import Individual
from population.beliefs import Beliefs
from population.estimate import Prior
from population.selection import Offspring


class MapElites(Strategy):
    """Parents are the archive's elites; a child that becomes one is kept.

    J.-B. Mouret and J. Clune, "Illuminating search spaces by mapping elites" (arXiv 1504.04909).
    """

    name = "map-elites"
    summary = "keeps the best of every cell of the archive"

    def pool(
        self, archive: Archive, seed: Individual, incumbent: Individual
    ) -> Sequence[Individual]:
        return archive.elites

    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        return self.selector.select(pool, offspring, unit, rng)

    def keeps(self, added: AddStatus, child: Individual, incumbent: Individual) -> bool:
        return added is not AddStatus.NOT_ADDED

    def prior(self, parent: Individual, beliefs: Beliefs) -> Prior | None:
        """Its parent's best guess, and gains as they were so far."""
        return beliefs.prior(parent)

    def doubts(self, best: Individual, rival: Individual, beliefs: Beliefs, *, spent: bool) -> bool:
        """Whether it ran only once and is worth another run."""
        return beliefs.needs_repeat(best, rival, spent=spent)

    def believes(self, individual: Individual, beliefs: Beliefs) -> bool:
        """Whether its score was repeated."""
        return beliefs.is_confirmed(individual)
