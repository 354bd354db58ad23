"""The greedy loop of karpathy/autoresearch: keep or discard."""

from __future__ import annotations

from collections.abc import Sequence

from archive import Archive
from evolve.search.strategies.base import Strategy
from population import Individual


class Greedy(Strategy):
    """The best so far is the only parent; a child that is fitter replaces it."""

    name = "greedy"
    summary = "has one parent, which a better child replaces"

    def pool(
        self, archive: Archive, seed: Individual, incumbent: Individual
    ) -> Sequence[Individual]:
        return [incumbent]
