"""The MAP-Elites grid, and the run's record on disk."""

from archive.axis import Axis
from archive.grid import AddStatus, Archive, ArchiveStats, Cell, default_cells

__all__ = ["AddStatus", "Archive", "ArchiveStats", "Axis", "Cell", "default_cells"]
