"""MAP-Elites: the elite of every cell may be a parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from archive import AddStatus, Archive
from evolve.search.strategies.base import Strategy
from population import Direction, Individual
from population.estimate import Gains, Prior
from population.selection import Offspring

LUCK = 3.0  # deviations of one run by which the best may be too good


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

    def prior(self, parent: Individual, gains: Gains, noise: float) -> Prior | None:
        """A typical gain over the parent, worth as many runs as noise exceeds the gains' spread."""
        expected = gains.expected(noise)
        if expected is None or parent.objective is None or noise == 0:
            return None
        gain, spread = expected
        sign = -1.0 if parent.direction is Direction.MINIMIZE else 1.0
        return Prior(parent.objective + sign * gain, (noise / spread) ** 2)

    def doubts(self, best: Individual, lead: float, noise: float) -> bool:
        """Whether it ran only once and noise could have given it its lead."""
        return len(best.measurements) < 2 and lead < LUCK * noise
