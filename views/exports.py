"""A run's experiments in the formats of other programs: an export is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from archive.record import Record
from archive.results import read_frame
from archive.rows import Purpose
from population import Direction
from population.errors import UserError
from population.invocation import write_install

SEARCHED = (str(Purpose.SEARCH), str(Purpose.REPEAT))  # purposes of which the search learns
WRITTEN = ("description", "operator", "reason", "device")  # columns with texts of others
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a formula begins with


@dataclass(frozen=True)
class Exported:
    """What is exported of a run.

    Attributes:
        record: Record of the run.
        metric: Name of the metric.
        direction: Direction of the metric.
    """

    record: Record
    metric: str
    direction: Direction


@dataclass(frozen=True)
class Export:
    """A format.

    Attributes:
        write: Function that writes a run's experiments to a path and returns their number.
        ending: Ending of the file's or folder's name.
        about: Description in a few words.
        is_folder: Whether it is a folder of files.
    """

    write: Callable[[Exported, Path], int]
    ending: str
    about: str
    is_folder: bool = False


def read_table(run: Exported) -> pd.DataFrame:
    """Every experiment as a row, with columns that any table can hold."""
    frame = read_frame(run.record, run.direction)
    parents = [" ".join(map(str, parents)) for parents in frame["parents"]]
    return frame.assign(parents=parents)


def write_csv(run: Exported, path: Path) -> int:
    """Write a table of commas, in UTF-8, with a line of headings.

    A text that a spreadsheet would take for a formula gets an apostrophe in front: models write
    the descriptions.
    """
    table = read_table(run)
    for name in WRITTEN:
        table[name] = [f"'{text}" if text.startswith(FORMULA) else text for text in table[name]]
    table.to_csv(path, index=False)
    return len(table)


def write_parquet(run: Exported, path: Path) -> int:
    """Write a Parquet file, whose columns have types."""
    table = read_table(run)
    table.to_parquet(path, index=False)
    return len(table)


def write_tensorboard(run: Exported, folder: Path) -> int:
    """Write event files: the search under `search`, each learning curve under its genome.

    Fitness and the best so far go by the number of the experiment, curves by the step that the
    genome printed, or by the number of the line.

    Raises:
        UserError: The package tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(f"tensorboard is not installed: {write_install('tensorboard')}") from error
    frame = read_frame(run.record, run.direction)
    with SummaryWriter(str(folder / "search")) as writer:
        for row in frame[frame["fitness"].notna()].itertuples():
            name = "fitness" if row.purpose in SEARCHED else f"fitness, {row.purpose!s}"
            writer.add_scalar(
                f"{run.metric}/{name}", row.fitness, row.experiment, walltime=row.ended
            )
        for row in _trace_best(frame, run).itertuples():
            writer.add_scalar(f"{run.metric}/best so far", row.objective, row.experiment)
    for experiment in run.record.experiments():
        if curve := run.record.curve(experiment.number):
            name = f"genome {experiment.individual}, experiment {experiment.number}"
            with SummaryWriter(str(folder / name)) as writer:
                for place, point in enumerate(curve):
                    step = place if point.step is None else point.step
                    writer.add_scalar("training loss", point.loss, step)
    return len(frame)


def _trace_best(frame: pd.DataFrame, run: Exported) -> pd.DataFrame:
    from views.chart import trace_best  # with matplotlib

    searched = frame["fitness"].notna() & frame["purpose"].isin(SEARCHED)
    return trace_best(frame[searched], run.direction)


EXPORTS = {
    "csv": Export(write_csv, ".csv", "a table for spreadsheets"),
    "parquet": Export(write_parquet, ".parquet", "a table with types, for pandas and the like"),
    "tensorboard": Export(
        write_tensorboard, "-tensorboard", "event files with the learning curves", is_folder=True
    ),
}
