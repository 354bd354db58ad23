"""The real program with children that take no time, in a forked process that dies when told to.

Everything is real (loop, search, operators, SQLite, git, files) but two things that are passed in:
a child's run is a formula of its genome and its seed, and no picture is drawn.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import scipy.stats  # noqa: F401  the fresh comparison's: what is imported here, every fork has already
from rich.console import Console

from archive.record import RecordError
from archive.run_folder import RunError
from evolve.commands.assembly import carry_on
from evolve.loop.evaluators import DevicePool
from evolve.runs.history import restore_search
from evolve.runs.run import Run, begin_run, open_run, reopen_run
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device, find_devices

# What changes a disk changes it in one of these calls, so that to die at any moment is to die
# before one of them.
ACTS = {
    *("open", "write", "rename", "replace", "unlink", "mkdir", "rmdir", "ftruncate"),
    *("flock", "connect"),
    *(f"Connection.{name}" for name in ("execute", "executemany", "executescript", "__exit__")),
    *(f"TextIOWrapper.{name}" for name in ("write", "truncate", "flush", "__exit__")),
    *(f"BufferedWriter.{name}" for name in ("write", "truncate", "flush", "__exit__")),
}
# These read files and talk to git by the hundred; what git then does shows before the next act.
READERS = ("git/config.py", "git/cmd.py", "subprocess.py")
CONSTANT = re.compile(r"^([A-Z]+) = ([\d.e-]+)", re.MULTILINE)
Clock = Callable[[], float]  # seconds since the epoch
PATIENCE = 60  # seconds after which a fork that hangs is ended


# -- a run without the wait -----------------------------------------------------------------------


def measured(
    *told: object,
    seed: int,
    device: Device,
    log: Path,
    slots: int,
    clock: Clock = time.time,
    **more: object,
) -> Measurement:
    """Stands in for `trainer.measure`. Each call leaves a line in the log, its seed."""
    with open(log, "a") as file:
        file.write(f"{seed}\n")
    repeat = int(log.stem.partition("-")[2] or 0)
    if slots > 1 and repeat % 2 == 0:
        time.sleep(0.006)  # so that its next run, beside it, ends before it
    values = {name: float(value) for name, value in CONSTANT.findall(str(told[2]))}
    width, depth, rate, decay = (values[name] for name in ("WIDTH", "DEPTH", "RATE", "DECAY"))
    size, width = width * (depth + 1), max(width, 1.0)
    if size > 250:
        reason = f"a size of {size:g} does not fit"
        return Measurement(Status.OOM, None, {}, 0.25, seed, device.name, clock(), reason=reason)
    score = 2 + (rate - 0.3) ** 2 + (decay - 0.97) ** 2 * 10 + 8 / width + abs(depth - 6) / 20
    score += random.Random(seed).gauss(0, 0.005)
    measures = {"size": size, "speed": 1000 / width / (1 + rate), "depth": depth}
    details = {"score": score, **measures}
    return Measurement(
        Status.OK, score, measures, 0.25, seed, device.name, clock(), details=details
    )


def work(place: Any, name: str, seed: int, slots: int, clock: Clock = time.time) -> dict[str, Any]:
    """Begin a run, or go on with it if its folder is there, to its end; what it says of itself.

    Its runs end when the clock says so. If it cannot be gone on with, `refused` is what `resume`
    says and what a new run of that name.
    """
    os.chdir(place.folder)
    if not place.run(name).exists():
        run = begun(place, name, seed, slots)
    else:
        try:
            run = reopen_run(name, {}, print)
        except (RunError, RecordError) as error:
            return {"refused": [str(error), why_not_begun(place, name)]}
    with run.folder.lock():
        console = Console(file=io.StringIO(), width=160)
        pool = partial(DevicePool, measure=partial(measured, clock=clock))
        result = carry_on(run, [], console, open_evaluator=pool, draw=lambda *told: None)
    assert result.best is not None
    comparison = result.comparison and result.comparison.text(run.task.metric)
    run.close()
    return {"end": str(result.end), "best": result.best.id, "comparison": comparison}


def begun(place: Any, name: str, seed: int, slots: int) -> Run:
    settings = Settings(
        task=str(place.task_folder),
        generations=2,
        children=5,
        budget=1.0,
        operators=("perturb:1", "recombine:1"),
        seed=seed,
        devices=",".join(device.name for device in find_devices("cpu")[:slots]),
        sandbox="none",
        seed_runs=3,
        final_runs=3,
    )
    return begin_run(settings, name, [], print)


def why_not_begun(place: Any, name: str) -> str:
    """Why no run of that name can begin; empty if it can."""
    try:
        begun(place, name, 0, 1).close()
    except (RunError, RecordError) as error:
        return str(error)
    return ""


# -- a process that dies at any moment ------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a fork ended: killed, or with what its job returned after so many acts, if counted."""

    killed: bool
    acts: int = 0
    value: Any = None


def forked(job: Callable[[], Any], kill_at: int | None = None) -> Ended:
    """Do a job in a fork of this process, which kills itself just before act number `kill_at`.

    Without a number, acts are not counted, which is faster.

    Raises:
        AssertionError: the job raised or did not end; with its traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        child = os.fork()
        if child == 0:
            _be_the_fork(job, kill_at, told)
        try:
            _, status = os.waitpid(child, 0)
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            assert kill_at is not None, "something else has killed it"
            return Ended(killed=True)
        words = told.read_text() if told.exists() else "it said nothing"
        assert status == 0, f"the fork ended with wait status {status}:\n{words}"
        return Ended(killed=False, **json.loads(words))


def _be_the_fork(job: Callable[[], Any], kill_at: int | None, told: Path) -> None:
    acts = 0

    def count(frame: FrameType, event: str, called: Any) -> None:
        nonlocal acts
        if event != "c_call" or called.__qualname__ not in ACTS:
            return
        if not frame.f_code.co_filename.endswith(READERS):
            acts += 1
            if acts == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    signal.alarm(PATIENCE)
    code = 1
    try:
        if kill_at is not None:
            threading.setprofile(count)
            sys.setprofile(count)
        value = job()
        sys.setprofile(None)
        told.write_text(json.dumps({"acts": acts, "value": value}))
        code = 0
    except BaseException:
        sys.setprofile(None)
        told.write_text(traceback.format_exc())
    finally:
        os._exit(code)  # nothing of the test's own process may go on here


# -- what a run has left --------------------------------------------------------------------------

# With the columns in which two runs of one seed differ: times, hashes of commits, and, since what a
# killed process was asked is asked again, the places in the order of asking and telling.
TABLES = {
    "individuals": {"commit_hash"},
    "proposals": {"seconds", "ended", "asked", "told"},
    "measurements": {"ended", "told"},
}
OWN = ("begun", "settings", "fingerprint")  # what a run knows of its own beginning


def left(place: Any, name: str) -> dict[str, Any]:
    """All that two runs of one seed have in common."""
    run = open_run(str(place.run(name)))
    search = restore_search(run)
    run.close()
    assert search.archive is not None
    assert search.best is not None
    return {
        **{table: rows_but(place, name, table, columns) for table, columns in TABLES.items()},
        "meta": sorted(row for row in place.rows(name, "SELECT * FROM meta") if row[0] not in OWN),
        "elites": {search.archive.cell_of(elite): elite.id for elite in search.archive},
        "best": search.best.id,
        "refs": refs(place, name),
    }


def rows_but(place: Any, name: str, table: str, dropped: set[str]) -> list[dict[str, Any]]:
    """The rows of a table in their order, without some columns."""
    columns = [row[0] for row in place.rows(name, f"SELECT name FROM pragma_table_info('{table}')")]
    rows = place.rows(name, f"SELECT * FROM {table} ORDER BY id")
    return [
        {column: value for column, value in zip(columns, row, strict=True) if column not in dropped}
        for row in rows
    ]


def refs(place: Any, name: str) -> dict[str, tuple[str, ...]]:
    """Each ref's tree, message and parents, and what `best` names; commits by their refs' names."""
    form = "%(refname:lstrip=2)%00%(objectname)%00%(tree)%00%(contents)%00%(parent)%01"
    kinds = "refs/genomes", "refs/heads"  # results are notes, which are written again
    listed = place.git(name, "for-each-ref", f"--format={form}", *kinds).split("\1\n")
    lines = [line.split("\0") for line in listed if line]
    names = {commit: ref for ref, commit, *_ in lines if ref != "best"}
    return {
        ref: (names[commit],)
        if ref == "best"
        else (tree, message, *(names[parent] for parent in parents.split()))
        for ref, commit, tree, message, parents in lines
    }


def stored(place: Any, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a run that was just killed, read from a copy, so that its files stay as they are.

    Empty before there are tables.
    """
    with tempfile.TemporaryDirectory() as folder:
        for file in place.run(name).glob("archive.db*"):
            shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / "archive.db")) as database:
            try:
                rows = {
                    table: database.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
                    for table in (*TABLES, "events")
                }
                rows["asks"] = database.execute("SELECT * FROM asks ORDER BY place").fetchall()
                ended = [row for row in rows["proposals"] if row[6]]
                return rows | {"proposals": sorted(ended, key=lambda row: row[9])}  # as was told
            except sqlite3.OperationalError:  # no such table
                return {}
