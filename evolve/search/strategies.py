"""The strategies: who may be a parent, who is drawn, and what counts as kept.

Each is a DEAP Toolbox with three tools, so that a comparison changes nothing else of the search:

    pool(archive, seed, incumbent)              the individuals that may be parents
    select(pool, offspring, unit, rng)          one of them
    kept(added, child, incumbent)               whether a child that was just measured is kept
    prior(parent, gains, noise)                 what to expect of a child, or None to expect nothing
    doubts(best, lead, noise)                   whether the best so far should run once more
"""

from __future__ import annotations

from collections.abc import Callable

from deap import base

from archive import AddStatus
from population import Direction, Individual
from population.estimate import Gains, Prior
from population.selection import SELECTORS, uniform

LUCK = 3.0  # deviations of one run by which the best may be too good


def map_elites(selector: str = "ucb") -> base.Toolbox:
    """Parents are the archive's elites; a child that takes a cell is kept (Mouret & Clune 2015)."""
    toolbox = base.Toolbox()
    toolbox.register("pool", lambda archive, seed, incumbent: archive.elites)
    toolbox.register("select", SELECTORS[selector])
    toolbox.register("kept", lambda added, child, incumbent: added is not AddStatus.NOT_ADDED)
    toolbox.register("prior", _like_its_parent)
    toolbox.register("doubts", _may_be_luck)
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
    toolbox.register("prior", lambda parent, gains, noise: None)
    toolbox.register("doubts", lambda best, lead, noise: False)


def _like_its_parent(parent: Individual, gains: Gains, noise: float) -> Prior | None:
    """A typical gain over the parent, worth as many runs as the noise exceeds the gains' spread."""
    expected = gains.expected(noise)
    if expected is None or parent.objective is None or noise == 0:
        return None
    gain, spread = expected
    sign = -1.0 if parent.direction is Direction.MINIMIZE else 1.0
    return Prior(parent.objective + sign * gain, (noise / spread) ** 2)


def _may_be_luck(best: Individual, lead: float, noise: float) -> bool:
    """It ran once, and noise could have given it its lead over the best before it."""
    return len(best.measurements) < 2 and lead < LUCK * noise


def _is_fitter(added: AddStatus, child: Individual, incumbent: Individual) -> bool:
    return bool(child.fitness > incumbent.fitness)


STRATEGIES: dict[str, Callable[[str], base.Toolbox]] = {
    "map-elites": map_elites,
    "greedy": greedy,
    "random": random,
}
