"""The parts of a run on disk."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from population.errors import UserError
from population.invocation import write_command

RUNS = Path("runs")
DEVICE = "device"  # file in a child's working folder that names its device of a cluster
NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
LOCK_TRIES, LOCK_PAUSE = 5, 0.02  # seconds: `is_locked` holds a lock for less


class RunError(UserError):
    """A run folder is missing, taken or unusable; the message says what to do."""


class BusyError(RunError):
    """Another process works on the run."""


@dataclass(frozen=True)
class RunFolder:
    """runs/NAME and what is in it.

    Attributes:
        path: Path of the folder.
    """

    path: Path

    @classmethod
    def named(cls, name: str) -> RunFolder:
        """The folder of a run that is named on the command line: runs/NAME, or a path."""
        path = Path(name)
        return cls(path if path.name != name or (path / "archive.db").exists() else RUNS / name)

    @classmethod
    def new(cls, name: str) -> RunFolder:
        """The folder of a new run, runs/NAME.

        Raises:
            RunError: No run can be called so.
        """
        if not NAME.fullmatch(name):
            raise RunError(
                f"a run cannot be called {name!r}: its name is that of a folder in {RUNS}/, of "
                "letters, digits, `_`, `.` and `-`, a letter or digit first"
            )
        return cls(RUNS / name)

    @classmethod
    def existing(cls, name: str) -> RunFolder:
        """The folder of a run that must be there.

        Raises:
            RunError: There is none; the message names those that are.
        """
        folder = cls.named(name)
        if not folder.database.is_file():
            known = ", ".join(sorted(p.parent.name for p in RUNS.glob("*/archive.db")))
            raise RunError(
                f"there is no run {name}; {f'there are: {known}' if known else 'none yet'}"
            )
        return folder

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.path.resolve().name

    @property
    def program(self) -> Path:
        """The task as it was when the run began."""
        return self.path / "program.md"

    @property
    def genomes(self) -> Path:
        """The git repository with every genome."""
        return self.path / "genomes"

    @property
    def database(self) -> Path:
        """The record."""
        return self.path / "archive.db"

    @property
    def results(self) -> Path:
        """The table with one line an experiment."""
        return self.path / "results.tsv"

    @property
    def artifacts(self) -> Path:
        """The folder of pictures and reports."""
        return self.path / "artifacts"

    @property
    def changes(self) -> Path:
        """The page on every change that is in the best genome."""
        return self.artifacts / "changes.md"

    @property
    def work(self) -> Path:
        """The folder with the working folders of the children that run now."""
        return self.path / "work"

    @property
    def idle(self) -> Path:
        """The file that says, while a run goes on, what of its cluster does not work, and why."""
        return self.work / "idle"

    @property
    def inbox(self) -> Path:
        """The folder of the genomes that people and agents hand in."""
        return self.path / "inbox"

    def log(self, experiment: str) -> Path:
        """The output of a child; `experiment` is its id, with a suffix for its repeats."""
        return self.path / "logs" / f"{experiment}.log"

    def make(self) -> None:
        """Create the folder and its subfolders.

        Raises:
            RunError: It exists and is not empty, or it cannot be created.
        """
        try:
            taken = self.path.exists() and any(self.path.iterdir())
            for folder in () if taken else (self.path, self.artifacts, self.path / "logs"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path} cannot be created: {error}") from error
        if taken and self.database.exists():
            raise RunError(
                f"{self.path} exists already; go on with `{write_command('resume', self.name)}`, "
                "or choose another --run NAME"
            )
        if taken:
            raise RunError(
                f"{self.path} exists already and is no run; choose another --run NAME, or remove "
                "the folder if it is only what a start that was cut short has left"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from working on this run; the system lifts the lock if we die.

        Raises:
            BusyError: Another process works on it.
            RunError: The folder cannot be written.
        """
        try:
            lock = open(self.path / "lock", "a+")  # noqa: SIM115  # closed below
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written: {error.strerror}; make it writable for you, or "
                "copy the folder and go on with the copy"
            ) from error
        with lock as file:
            try:
                _lock(file)
            except OSError as error:
                file.seek(0)
                owner = file.read().strip() or "unknown"
                raise BusyError(
                    f"run {self.name} is being worked on by process {owner}; wait for its end, "
                    "or stop it with Ctrl-C"
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def is_locked(self) -> bool:
        """Whether a process works on the run now."""
        try:
            with open(self.path / "lock") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # nobody has worked on it yet, or it is somebody else's
            return False
        return False


def _lock(file: TextIO) -> None:
    """Lock a file for this process alone.

    Raises:
        OSError: Another process has it, and not only for the moment in which it looks.
    """
    for _ in range(LOCK_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_PAUSE)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
