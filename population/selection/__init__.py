"""How parents are drawn from the elites of an archive.

A parent selector is one file here and one line in `SELECTORS`; the choices of `--selector` are the
registry's. All randomness comes from the caller's generator.
"""

from population.selection.base import Offspring, ParentSelector
from population.selection.tournament import Tournament
from population.selection.ucb import UpperConfidenceBound
from population.selection.uniform import Uniform

SELECTORS: dict[str, ParentSelector] = {
    selector.name: selector for selector in (UpperConfidenceBound(), Uniform(), Tournament())
}

__all__ = ["SELECTORS", "Offspring", "ParentSelector", "Tournament", "Uniform"]
