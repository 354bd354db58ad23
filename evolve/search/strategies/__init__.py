"""The strategies: which individuals may be parents, and when a child is kept.

A strategy is one file here and one line in `STRATEGIES`; the choices of `--strategy` are the
registry's. Everything else of the search is the same for all of them, so that they compare.
"""

from evolve.search.strategies.base import Strategy
from evolve.search.strategies.greedy import Greedy
from evolve.search.strategies.map_elites import MapElites
from evolve.search.strategies.random import RandomSampling

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (MapElites, Greedy, RandomSampling)
}

__all__ = ["STRATEGIES", "Greedy", "MapElites", "RandomSampling", "Strategy"]
