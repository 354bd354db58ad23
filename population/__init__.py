"""What an individual is, its measurements, its lineage in git, and how parents are chosen.

This room imports no other room and owns the data that the others hand around.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from population.individual import Direction as Direction
    from population.individual import Individual as Individual
    from population.individual import Measurement as Measurement
    from population.individual import Status as Status

__all__ = ["Direction", "Individual", "Measurement", "Status"]


def __getattr__(name: str) -> object:
    """Import an export when it is asked for: a sandbox's launcher has only the standard library."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from population import individual

    return getattr(individual, name)
