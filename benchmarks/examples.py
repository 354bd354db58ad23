"""Runs the tasks under examples/ as their READMEs say, with a scripted model instead of a real one.

    python benchmarks/examples.py [NAME ...] [--pictures] [--seed 1]

Each is `python -m evolve --task examples/NAME --model ...` with the task's own defaults, in a copy
of the task's folder. The model is the scripted one of tests/examples: a chat-completions server on
this machine whose replies are good, bad and broken ones, so that a run needs no key and costs
nothing. The runs stay in runs/ of the current folder, and the copies in runs/tasks/. `--pictures`
puts heatmap.png and progress.png of the run (of the first topic's, where there are several) into
the task's folder. Which children a run has depends on which of two devices is free first, so that
another run is alike and not the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
NAMES = ("code_optimizer", "bug_fixer", "article_optimizer", "content_generator")
PICTURES = ("heatmap.png", "progress.png")
RUNS = Path("runs")  # where `python -m evolve` makes them


@dataclass(frozen=True)
class Example:
    """A task of examples/ that is run once.

    Attributes:
        task: Name of the task's folder.
        run: Name of the run; where the task has several topics, what their runs' names begin with.
    """

    task: str
    run: str

    @property
    def copy(self) -> Path:
        """The copy of the task's folder."""
        return RUNS / "tasks" / self.run

    @property
    def folders(self) -> list[Path]:
        """The folders of its runs, in the order in which they were made."""
        found = (path.parent for path in RUNS.glob(f"{self.run}*/archive.db"))
        return sorted(found, key=lambda path: path.stat().st_ctime)

    def start(self, seed: int) -> int:
        """Run the task; what the run prints goes to the terminal.

        Returns:
            The run's exit code.
        """
        source = ROOT / "examples" / self.task
        shutil.copytree(source, self.copy, ignore=shutil.ignore_patterns("output", "__pycache__"))
        server = import_file(ROOT / "tests" / "evolve" / "chat_server.py")
        replies = import_file(ROOT / "tests" / "examples" / f"{self.task}_replies.py")
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        with server.ChatServer(replies.script) as chat:
            return subprocess.run(
                [
                    *(sys.executable, "-m", "evolve", "--task", str(self.copy), "--run", self.run),
                    *("--seed", str(seed), "--model", "openai/scripted", "--api-base", chat.base),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                    "OPENAI_API_KEY": "none",
                },
                check=False,
            ).returncode


def import_file(path: Path) -> ModuleType:
    """Import a file of the tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def summarize(folder: Path) -> str:
    """What a run achieved, in one line."""
    with closing(sqlite3.connect(folder / "archive.db")) as database:
        (first,) = database.execute(
            "SELECT fitness FROM measurements WHERE individual = 0 ORDER BY id"
        ).fetchone()
        best, children = database.execute(
            "SELECT max(fitness), count(DISTINCT individual) - 1 FROM measurements "
            "WHERE purpose != 'final'"
        ).fetchone()
    return f"{folder}: from {first:.2f} to {best:.2f} in {children} children"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES, help=", ".join(NAMES))
    parser.add_argument(
        "--pictures", action="store_true", help="put the runs' pictures beside the READMEs"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the search (default 1)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"there is no example {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    lines, failed = list[str](), False
    for name in arguments.names:
        began, example = time.monotonic(), Example(name, f"{name}-{stamp}")
        failed |= example.start(arguments.seed) != 0
        lines.append(f"{name} took {time.monotonic() - began:.0f} s")
        lines += [f"  {summarize(folder)}" for folder in example.folders]
        for picture in PICTURES if arguments.pictures else ():
            source = example.folders[0] / "artifacts" / picture
            shutil.copy(source, ROOT / "examples" / name / picture)
    print("\n".join(lines))
    return failed


if __name__ == "__main__":
    sys.exit(main())
