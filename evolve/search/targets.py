"""The cell of the archive that a child should reach."""

from __future__ import annotations

import numpy as np

from archive import Archive, Cell
from population import Individual


def choose_target(archive: Archive, parent: Individual, rng: np.random.Generator) -> Cell | None:
    """A cell next to a parent's: an empty one, else the one with the weakest elite.

    Args:
        archive: The archive, which has a cell for the parent.
        parent: Parent of the child.
        rng: Generator that draws among the empty cells.

    Returns:
        The cell; None if the parent's has no neighbour.
    """
    cells = archive.neighbours(archive.cell_of(parent))
    empty = [cell for cell in cells if archive.elite_of(cell) is None]
    if empty:
        return empty[int(rng.integers(len(empty)))]
    elites = [(elite.fitness, cell) for cell in cells if (elite := archive.elite_of(cell))]
    return min(elites)[1] if elites else None
