"""The run's experiments as a table: results.tsv for `tail -f`, a DataFrame for pandas."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.files import replace_file
from archive.record import Record, RecordError
from archive.rows import Experiment
from population import Direction, Individual

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("experiment", "individual", "purpose", "generation", "operator", "parents", "status"),
    *("fitness", "objective", "kept", "description", "commit", "seconds", "ended", "device"),
    *("seed", "memory_gb", "reason"),
)
"""The columns of `read_frame`, which one for each measure follow."""


class Results:
    """results.tsv of one run.

    autoresearch's columns come first (commit, the metric, memory_gb, status, description), so that
    its readers of this file work; `status` is keep, discard or the failure's name.

    Args:
        path: Path of the file.
        metric: Name of the metric, which is the second column's.
        measures: Names of the archive's axes, each with a column.
        direction: Direction of the metric; `improvement_percent` is over the run's first score.

    Raises:
        RecordError: From every method, when the file cannot be written.
    """

    def __init__(
        self, path: Path, metric: str, measures: Sequence[str], direction: Direction
    ) -> None:
        self._path = path
        self._measures = tuple(measures)
        self._direction = direction
        self._reference: float | None = None
        own = (
            *("commit", metric, "memory_gb", "status", "description"),
            *("experiment", "individual", "parents", "operator", "generation", "purpose"),
            *("ended", "improvement_percent", "seconds", "device", "seed", "reason"),
        )
        place = own.index("seconds")
        columns = [name_column(name, own) for name in self._measures]
        self._columns = (*own[:place], *columns, *own[place:])

    def rebuild(self, individuals: Iterable[Individual], experiments: Iterable[Experiment]) -> None:
        """Write the file anew from the record, in one step."""
        by_id = {individual.id: individual for individual in individuals}
        self._reference = None
        lines = ["\t".join(self._columns)]
        lines += [
            self._line(by_id[experiment.individual], experiment) for experiment in experiments
        ]
        try:
            with replace_file(self._path) as draft:
                draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            raise self._unwritable(str(error)) from error

    def append(self, individual: Individual, experiment: Experiment) -> None:
        """Add one experiment."""
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(self._line(individual, experiment) + "\n")
        except OSError as error:
            raise self._unwritable(f"{self._path} cannot be written: {error.strerror}") from error

    def _unwritable(self, why: str) -> RecordError:
        return RecordError(
            f"{why}; what was recorded before is safe. Free the disk or make the folder writable, "
            "then resume the run"
        )

    def _line(self, individual: Individual, experiment: Experiment) -> str:
        m = experiment.measurement
        improvement = ""
        if self._reference is None:
            self._reference = m.fitness
        if m.fitness is not None and self._reference:
            gain = self._direction.gain(m.fitness, self._reference) / abs(self._reference)
            improvement = f"{100 * gain:+.3f}"
        values = (
            individual.commit[:7],
            "" if m.fitness is None else f"{m.fitness:.6f}",
            f"{m.memory_gb:.1f}" if m.memory_gb else "",
            experiment.outcome,
            individual.description,
            str(experiment.number),
            str(individual.id),
            " ".join(map(str, individual.parents)),
            individual.operator,
            str(individual.generation),
            experiment.purpose,
            time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(m.ended)),
            improvement,
            *(f"{m.measures[name]:.6g}" if name in m.measures else "" for name in self._measures),
            f"{m.seconds:.1f}",
            m.device,
            str(m.seed),
            m.reason,
        )
        return "\t".join(" ".join(value.split()) for value in values)


def name_column(measure: str, taken: Sequence[str] = COLUMNS) -> str:
    """Name the column of a measure: its own name, unless another column has it.

    Args:
        measure: Name of the measure.
        taken: Names of the other columns.
    """
    return f"{measure}_axis" if measure in taken else measure


def read_frame(record: Record, direction: Direction) -> pd.DataFrame:
    """Read every experiment of a run as one row.

    Args:
        record: Record of the run.
        direction: Direction of the task's metric.

    Returns:
        The columns experiment (from 1), individual, purpose, generation, operator, parents (a
        tuple), status, fitness (NaN if it failed), objective (the best guess of the genome's
        fitness after this run, NaN if it never scored), kept, description, commit, seconds, ended
        (seconds since 1970), device, seed, memory_gb, reason, then one column for each measure
        (`name_column`).
    """
    import pandas as pd  # half a second, and only views need it

    by_id = {individual.id: individual for individual in record.individuals(direction)}
    so_far: dict[int, Individual] = {}
    rows: list[dict[str, Any]] = []
    for experiment in record.experiments():
        individual, m = by_id[experiment.individual], experiment.measurement
        known = so_far.get(individual.id) or replace(individual, measurements=())
        if experiment.purpose.decides:
            known = so_far[individual.id] = known.measured(m)
        rows.append(
            {
                "experiment": experiment.number,
                "individual": individual.id,
                "purpose": str(experiment.purpose),
                "generation": individual.generation,
                "operator": individual.operator,
                "parents": individual.parents,
                "status": str(m.status),
                "fitness": float("nan") if m.fitness is None else m.fitness,
                "objective": float("nan") if known.objective is None else known.objective,
                "kept": experiment.kept,
                "description": individual.description,
                "commit": individual.commit,
                "seconds": m.seconds,
                "ended": m.ended,
                "device": m.device,
                "seed": m.seed,
                "memory_gb": m.memory_gb,
                "reason": m.reason,
                **{name_column(name): value for name, value in m.measures.items()},
            }
        )
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=COLUMNS)
