"""The MAP-Elites grid, the run's record on disk, and its pictures.

`archive.pictures` needs matplotlib and `archive.terminal` rich: import them where they are used.
"""

from archive.axis import Axis
from archive.grid import AddStatus, Archive, ArchiveStats, Cell, default_cells

__all__ = ["AddStatus", "Archive", "ArchiveStats", "Axis", "Cell", "default_cells"]
