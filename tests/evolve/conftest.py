"""A toy task that takes milliseconds a child, runs of it, and a scripted language model."""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import psutil
import pytest

from trainer.task import Task, load_task

ROOT = Path(__file__).parents[2]
HEAD = """\
+++
name = "toy"
genome = "toy.py"
run = ["python", "toy.py", "{mark}"]
fixed = ["given.py"]
requires = ["GOAL"]
metric = "score"
direction = "minimize"
budget = 0.05
overhead = {overhead}

[[axes]]
name = "size"
unit = "units"
measure = "size"

[[axes]]
name = "speed"
label = "pace"
unit = "units/s"
measure = "work / seconds"
+++
Make the score small.
"""
GENOME = """\
import os, random, time
from given import GOAL

WIDTH = 32  # units
RATE = 0.1
DECAY = 0.9
DEPTH = 4

random.seed(int(os.environ["TRAINER_SEED"]))
time.sleep(float(os.environ["TRAINER_BUDGET"]) if DEPTH else 0)
score = 2 + (RATE - GOAL) ** 2 + (DECAY - 0.97) ** 2 * 10 + 8 / WIDTH + abs(DEPTH - 6) / 20
score += random.gauss(0, 0.005)
print("step 1 loss: 3.0")
print("---")
print("score:", score)
print("size:", WIDTH * (DEPTH + 1))
print("work:", 1000 / WIDTH)
print("seconds: 1.0")
"""


class Place:
    """A folder with a toy task, in which runs are made by the real program.

    `mark` is in the command line of every process that a child starts.
    """

    def __init__(self, folder: Path, warm: Any) -> None:
        self.folder, self._warm = folder, warm
        self._started: list[subprocess.Popen[str]] = []
        self.mark = uuid.uuid4().hex
        self.task_folder = folder / "toy"
        self.task_folder.mkdir(parents=True)
        (self.task_folder / "given.py").write_text("GOAL = 0.3\n")
        self.write(GENOME)

    def write(self, genome: str, *, overhead: float = 60) -> None:
        """Write the task with another seed genome."""
        (self.task_folder / "toy.py").write_text(genome)
        head = HEAD.format(mark=self.mark, overhead=overhead)
        (self.task_folder / "program.md").write_text(head)

    @property
    def task(self) -> Task:
        return load_task(self.task_folder)

    # -- the program --------------------------------------------------------------------------

    def start(
        self, *arguments: str, env: dict[str, str] | None = None, group: bool = False
    ) -> subprocess.Popen[str]:
        """Start `python -m evolve ARGUMENTS`, as a terminal does in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "evolve", *arguments],
            cwd=self.folder,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0 if group else None,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill what a test that has failed leaves running."""
        for process in self._started:
            process.kill()

    def evolve(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m evolve ARGUMENTS` to its end."""
        with TemporaryDirectory() as scratch:
            done: subprocess.CompletedProcess[str] = self._warm.evolve(
                *arguments, cwd=self.folder, env=self._environment(env), scratch=Path(scratch)
            )
        return done

    @staticmethod
    def _environment(more: dict[str, str] | None) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        return {**inherited, "PYTHONPATH": str(ROOT), **(more or {})}

    # -- what it left -------------------------------------------------------------------------

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        """What SQLite itself says of a run's archive.db."""
        with closing(sqlite3.connect(self.run(name) / "archive.db")) as database:
            return database.execute(query).fetchall()

    def count(self, name: str, table_and_condition: str) -> int:
        return int(self.rows(name, f"SELECT count(*) FROM {table_and_condition}")[0][0])

    def results(self, name: str) -> list[dict[str, str]]:
        with open(self.run(name) / "results.tsv", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    def git(self, name: str, *arguments: str) -> str:
        """What the real git says of a run's repository."""
        command = ["git", "-C", str(self.run(name) / "genomes"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def living(self) -> list[psutil.Process]:
        """The processes of this place's children that are alive."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            ours = self.mark in " ".join(process.cmdline())
            return ours and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return False


@pytest.fixture
def place(tmp_path: Path, warm: Any) -> Iterator[Place]:
    with closing(Place(tmp_path, warm)) as made:
        yield made


@pytest.fixture(scope="session")
def make_place(tmp_path_factory: pytest.TempPathFactory, warm: Any) -> Callable[[], Place]:
    """Places that outlive a test, for runs that several tests look at."""
    return lambda: Place(tmp_path_factory.mktemp("place"), warm)


@pytest.fixture(scope="session")
def steps(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """steps.py, with runs of scripted genomes."""
    return load(Path(__file__).with_name("steps.py"), "steps")


@pytest.fixture
def stage(steps: ModuleType, place: Place) -> Any:
    """A place for a run of scripted genomes."""
    return steps.Stage(place)


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place that is the current folder, for `evolve.cli.main` in this very process."""
    monkeypatch.chdir(place.folder)
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    return place


EXECUTE = """\
import nbclient, nbformat, sys
book = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": sys.argv[2]}}).execute()
for cell in book.cells:
    for output in cell.get("outputs", []):
        print(*output.get("data", {}), sep="\\n")
"""


@pytest.fixture(scope="session")
def execute() -> Callable[..., list[str]]:
    """Executes a notebook from top to bottom by a real kernel: the kinds of its outputs."""

    def execute(name: str, **env: str) -> list[str]:
        folder = ROOT / "notebooks"
        done = subprocess.run(
            [sys.executable, "-c", EXECUTE, str(folder / name), str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")

    return execute


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something comes true, and fails if it does not."""

    def wait(condition: Callable[[], object]) -> None:
        patience = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < patience, "it did not come true"
            time.sleep(0.02)

    return wait
