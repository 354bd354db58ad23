"""The strategies: who may be a parent, who is drawn, and what counts as kept.

Each is a DEAP Toolbox with these tools, so that a comparison changes nothing else of the search:

    pool(archive, seed, incumbent)              the individuals that may be parents
    select(pool, offspring, unit, rng)          one of them
    kept(added, child, incumbent)               whether a child that was just measured is kept
    prior(parent, beliefs)                      what to expect of a child, or None to expect nothing
    doubts(best, champion, beliefs)             whether the best so far should run once more
    believes(individual, beliefs)               whether a score may be announced
"""

from __future__ import annotations

from collections.abc import Callable

from deap import base

from archive import AddStatus
from population import Individual
from population.beliefs import Beliefs
from population.estimate import Prior
from population.selection import SELECTORS, uniform


def map_elites(selector: str = "ucb") -> base.Toolbox:
    """Parents are the archive's elites; a child that takes a cell is kept (Mouret & Clune 2015)."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: archive.elites)
    toolbox.register("select", SELECTORS[selector])
    toolbox.register("kept", lambda added, child, incumbent: added is not AddStatus.NOT_ADDED)
    toolbox.register("prior", _like_its_parent)
    toolbox.register("doubts", _may_be_luck)
    toolbox.register("believes", _is_confirmed)
    return toolbox


def greedy(selector: str = "ucb") -> base.Toolbox:
    """autoresearch's loop: one parent, the best so far; a child that is fitter replaces it."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: [incumbent])
    toolbox.register("select", uniform)
    toolbox.register("kept", _is_fitter)
    believe_every_run(toolbox)
    return toolbox


def random(selector: str = "ucb") -> base.Toolbox:
    """Independent sampling: every child is the seed's; the best so far is kept."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: [seed])
    toolbox.register("select", uniform)
    toolbox.register("kept", _is_fitter)
    believe_every_run(toolbox)
    return toolbox


def believe_every_run(toolbox: base.Toolbox) -> None:
    toolbox.register("prior", lambda parent, beliefs: None)
    toolbox.register("doubts", lambda best, champion, beliefs: False)
    toolbox.register("believes", lambda individual, beliefs: True)


def _like_its_parent(parent: Individual, beliefs: Beliefs) -> Prior | None:
    return beliefs.prior(parent)


def _may_be_luck(best: Individual, champion: Individual, beliefs: Beliefs) -> bool:
    return beliefs.needs_repeat(best, champion)


def _is_confirmed(individual: Individual, beliefs: Beliefs) -> bool:
    return beliefs.is_confirmed(individual)


def _is_fitter(added: AddStatus, child: Individual, incumbent: Individual) -> bool:
    return bool(child.fitness > incumbent.fitness)


STRATEGIES: dict[str, Callable[[str], base.Toolbox]] = {
    "map-elites": map_elites,
    "greedy": greedy,
    "random": random,
}
