"""Runs from Python: begin one, open one, read its experiments, its archive and its genomes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from archive import Archive
from archive.comparison import FreshComparison, read_comparison
from archive.results import read_frame
from evolve.runs.history import view_search
from evolve.runs.logbook import read_logbook
from evolve.runs.run import Run, find_individual
from evolve.runs.run import open_run as open_folder
from evolve.search.search import Search
from evolve.settings import Settings
from population import Individual

if TYPE_CHECKING:
    import pandas as pd

    from evolve.commands.compare import ComparedRuns
    from views.run_view import RunView


@dataclass(frozen=True)
class OpenRun(AbstractContextManager["OpenRun"]):
    """A run to read, as it was when it was opened. It may still be going on.

    Attributes:
        run: The run with its folder, its record and its repository of genomes.
    """

    run: Run

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.folder.name

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self.run.task.metric

    @property
    def settings(self) -> Settings:
        """What the run was asked to do."""
        return self.run.settings

    @cached_property
    def search(self) -> Search:
        """The search with everything that it knows: individuals, archive, noise, family tree."""
        return view_search(self.run)

    @property
    def archive(self) -> Archive | None:
        """The MAP-Elites archive; None before a seed has scored."""
        return self.search.archive

    @property
    def best(self) -> Individual | None:
        """The fittest individual whose score is believed; None before a seed has scored."""
        return self.search.champion

    @property
    def comparison(self) -> FreshComparison | None:
        """The latest comparison of seed and best by fresh runs; None before the first."""
        return read_comparison(self.run.record, self.run.task.direction)

    def experiments(self) -> pd.DataFrame:
        """The experiments, a row each; the columns are those of `archive.results.read_frame`."""
        return read_frame(self.run.record, self.run.task.direction)

    def generations(self) -> pd.DataFrame:
        """The search generation by generation, a row each; empty before the first one ended."""
        import pandas as pd

        return pd.DataFrame(read_logbook(self.run) if self.archive else [])

    def view(self) -> RunView:
        """The run as pictures and the report show it: `views.pictures.PICTURES` draws from it."""
        from evolve.commands.run_view import view_run

        return view_run(self.run)

    def individual(self, number: int | str = "best") -> Individual:
        """An individual by its id, or "best".

        Raises:
            RunError: There is none.
        """
        return find_individual(self.run, str(number))

    def source(self, number: int | str = "best") -> str:
        """The text of a genome.

        Raises:
            RunError: There is no such individual.
        """
        return self.run.lineage.source(self.individual(number).commit)

    def diff(self, older: int | str, newer: int | str = "best") -> str:
        """How one genome differs from another, as a unified diff.

        Raises:
            RunError: There is no such individual.
        """
        one, other = self.individual(older), self.individual(newer)
        return self.run.lineage.diff(one.commit, other.commit)

    def close(self) -> None:
        """Close the run's files."""
        self.run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_run(name: str | Path) -> OpenRun:
    """Open a run to read it.

    Args:
        name: Name of the run under runs/, or its folder.

    Raises:
        RunError, RecordError, LineageError: It is not there, or damaged.
    """
    return OpenRun(open_folder(str(name)))


def compare(*names: str | Path) -> ComparedRuns:
    """Compare runs of one protocol, as `python -m evolve compare` does.

    Args:
        names: Names of the runs under runs/, or their folders; at least two.

    Raises:
        RunError: They are not there, were measured under different protocols, or one has no
            result yet.
    """
    from evolve.commands.compare import compare_by_name

    return compare_by_name([str(name) for name in names])


def start_run(
    task: str | Path = ".",
    *,
    name: str | None = None,
    seed_genomes: Sequence[str | Path] = (),
    **settings: Any,
) -> OpenRun:
    """Begin a run and work on it to its end, as `python -m evolve` does; Ctrl-C stops it.

    Args:
        task: Folder with the task's program.md.
        name: Name of the run; None makes one of the task and the time.
        seed_genomes: Files, or RUN:ID of other runs; empty takes the task's own seed.
        settings: Fields of `evolve.Settings` that differ from the task's own and the defaults.

    Returns:
        The run, to be read and closed.

    Raises:
        UserError: A setting, the task, the devices or the sandbox are impossible; the message says
            what to do.
        TypeError: There is no such setting.
    """
    from evolve.commands.console import new_console, sayer
    from evolve.commands.start import choose_settings
    from evolve.commands.working import work_on
    from evolve.runs.run import begin_run
    from trainer.task import load_task

    console = new_console()
    chosen = choose_settings(load_task(Path(task)), settings)
    run = begin_run(chosen, name, [str(genome) for genome in seed_genomes], sayer(console))
    folder = run.folder.path
    with run.folder.lock():
        work_on(run, console)
    return open_run(folder)
