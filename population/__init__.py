"""What an individual is, its measurements, its lineage in git, and how parents are chosen.

This room imports no other room and owns the data that the others hand around. What loads git or
numpy (`population.lineage`, `population.selection`, `population.formatting`) is imported from its
module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from population.beliefs import Beliefs as Beliefs
    from population.beliefs import begin_beliefs as begin_beliefs
    from population.comparison import Comparison as Comparison
    from population.comparison import compare_runs as compare_runs
    from population.estimate import Noise as Noise
    from population.estimate import Prior as Prior
    from population.family import Family as Family
    from population.individual import Direction as Direction
    from population.individual import Individual as Individual
    from population.individual import Measurement as Measurement
    from population.individual import Status as Status

_HOMES = {
    "Beliefs": "beliefs",
    "Comparison": "comparison",
    "Direction": "individual",
    "Family": "family",
    "Individual": "individual",
    "Measurement": "individual",
    "Noise": "estimate",
    "Prior": "estimate",
    "Status": "individual",
    "begin_beliefs": "beliefs",
    "compare_runs": "comparison",
}
__all__ = [*_HOMES]  # names alone


def __getattr__(name: str) -> object:
    """Import an export when it is asked for: a sandbox's launcher has only the standard library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
