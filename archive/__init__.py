"""The MAP-Elites grid of a run, and its record on disk.

`Archive` is the grid over its axes. `Record` is archive.db, which remembers every proposal, genome,
measurement and event; `read_frame` has its experiments as a table, and `RunFolder` knows the files.
"""

from archive.axis import Axis
from archive.grid import (
    MOST_CELLS,
    AddStatus,
    Archive,
    ArchiveStats,
    Cell,
    check_cells,
    default_cells,
)
from archive.record import Record, RecordError
from archive.results import Results, read_frame
from archive.rows import (
    Ask,
    Epoch,
    Event,
    Experiment,
    Lessons,
    ModelCall,
    ProposalRow,
    Purpose,
    Spend,
)
from archive.run_folder import RUNS, BusyError, RunError, RunFolder

__all__ = [
    "MOST_CELLS",
    "RUNS",
    "AddStatus",
    "Archive",
    "ArchiveStats",
    "Ask",
    "Axis",
    "BusyError",
    "Cell",
    "Epoch",
    "Event",
    "Experiment",
    "Lessons",
    "ModelCall",
    "ProposalRow",
    "Purpose",
    "Record",
    "RecordError",
    "Results",
    "RunError",
    "RunFolder",
    "Spend",
    "check_cells",
    "default_cells",
    "read_frame",
]
