"""The strategies: who may be a parent, who is drawn, and what counts as kept.

Each is a DEAP Toolbox with three tools, so that a comparison changes nothing else of the search:

    pool(archive, seed, incumbent)              the individuals that may be parents
    select(pool, offspring, noise, rng)         one of them
    kept(added, child, incumbent)               whether a child that was just measured is kept
"""

from __future__ import annotations

from collections.abc import Callable

from deap import base

from archive import AddStatus
from population import Individual
from population.selection import SELECTORS, uniform


def map_elites(selector: str = "ucb") -> base.Toolbox:
    """Parents are the archive's elites; a child that takes a cell is kept (Mouret & Clune 2015)."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: archive.elites)
    toolbox.register("select", SELECTORS[selector])
    toolbox.register("kept", lambda added, child, incumbent: added is not AddStatus.NOT_ADDED)
    return toolbox


def greedy(selector: str = "ucb") -> base.Toolbox:
    """autoresearch's loop: one parent, the best so far; a child that is fitter replaces it."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: [incumbent])
    toolbox.register("select", uniform)
    toolbox.register("kept", _is_fitter)
    return toolbox


def random(selector: str = "ucb") -> base.Toolbox:
    """Independent sampling: every child is the seed's; the best so far is kept."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: [seed])
    toolbox.register("select", uniform)
    toolbox.register("kept", _is_fitter)
    return toolbox


def _is_fitter(added: AddStatus, child: Individual, incumbent: Individual) -> bool:
    return bool(child.fitness > incumbent.fitness)


STRATEGIES: dict[str, Callable[[str], base.Toolbox]] = {
    "map-elites": map_elites,
    "greedy": greedy,
    "random": random,
}
