"""Runs the tasks under examples/ as their READMEs say, and draws the READMEs' pictures anew.

    python benchmarks/examples.py [NAME ...] [--pictures] [--seed 1]

Each is `python -m evolve --task examples/NAME --model ...` with the task's own defaults, in a copy
of the task's folder. The model is the scripted one of tests/examples: a chat-completions server on
this machine whose replies are good, bad and broken ones, so that a run needs no key and costs
nothing. It says what came of each. `--pictures` puts heatmap.png and progress.png of the run (of
the first topic's, where there are several) into the task's folder. What the children of one run are
depends on which of two devices is free first, so that another run is alike and not the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
NAMES = ("code_optimizer", "bug_fixer", "article_optimizer", "content_generator")
PICTURES = ("heatmap.png", "progress.png")


def loaded(path: Path) -> ModuleType:
    """A file of the tests as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(name: str, place: Path, seed: int) -> int:
    """Run a task in a folder of its own; what the run prints goes to the terminal.

    Returns:
        Its exit code.
    """
    shutil.copytree(ROOT / "examples" / name, place / name, ignore=shutil.ignore_patterns("output"))
    server = loaded(ROOT / "tests" / "evolve" / "chat_server.py")
    replies = loaded(ROOT / "tests" / "examples" / f"{name}_replies.py")
    called = () if name == "content_generator" else ("--run", name)  # its topics name its runs
    with server.ChatServer(replies.script) as chat:
        return subprocess.run(
            [
                *(sys.executable, "-m", "evolve", "--task", name, "--seed", str(seed)),
                *("--model", "openai/scripted", "--api-base", chat.base, *called),
            ],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "none"},
            check=False,
        ).returncode


def results(folder: Path) -> str:
    """What came of a run, in a line."""
    with closing(sqlite3.connect(folder / "archive.db")) as database:
        (first,) = database.execute(
            "SELECT fitness FROM measurements WHERE individual = 0 ORDER BY id"
        ).fetchone()
        best, children = database.execute(
            "SELECT max(fitness), count(DISTINCT individual) - 1 FROM measurements "
            "WHERE purpose != 'final'"
        ).fetchone()
    return f"{folder.name}: from {first:.2f} to {best:.2f} in {children} children"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--pictures", action="store_true", help="put them beside the READMEs")
    parser.add_argument("--seed", type=int, default=1, help="of the search")
    args = parser.parse_args()
    if unknown := set(args.names) - set(NAMES):
        parser.error(f"there is no example {', '.join(unknown)}; there are {', '.join(NAMES)}")
    lines, failed = list[str](), False
    for name in args.names:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            failed |= run(name, Path(folder), args.seed) != 0
            lines.append(f"{name} took {time.monotonic() - began:.0f} s")
            runs = sorted(Path(folder, "runs").iterdir(), key=lambda path: path.stat().st_ctime)
            lines += [f"  {results(path)}" for path in runs]
            for picture in PICTURES if args.pictures else ():
                shutil.copy(runs[0] / "artifacts" / picture, ROOT / "examples" / name / picture)
    print("\n".join(lines))
    return failed


if __name__ == "__main__":
    sys.exit(main())
