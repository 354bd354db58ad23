"""Independent sampling around the seed: the baseline that any search has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from archive import Archive
from evolve.search.strategies.base import Strategy
from population import Individual


class RandomSampling(Strategy):
    """Every child is made from the seed; the best so far is kept."""

    name = "random"
    summary = "makes all children from the seed"

    def pool(
        self, archive: Archive, seed: Individual, incumbent: Individual
    ) -> Sequence[Individual]:
        return [seed]
