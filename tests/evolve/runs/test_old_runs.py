"""Runs that older versions of the program have left: each opens, shows what it was and goes on.

stored/versionN.tar.xz holds a run of schema version N with its task, as that version left it; the
newest may be of the schema that is in use, from before a change that left the schema alone.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive.record import Record
from archive.schema import SCHEMA, SCHEMA_VERSION
from evolve.cli import COMMANDS, main
from trainer.devices import find_devices
from trainer.fingerprint import take_fingerprint
from trainer.setup import Ready
from trainer.task import load_task

STORED = sorted(Path(__file__).with_name("stored").glob("version*.tar.xz"))


@pytest.fixture(params=STORED, ids=lambda path: path.name.partition(".")[0])
def old(request: pytest.FixtureRequest, make_place: Callable[[], Any]) -> Any:
    """A place with a stored run, `old`, whose task is `moved`, where it was not when it began."""
    place = make_place()
    with tarfile.open(request.param) as archive:
        archive.extractall(place.folder, filter="data")
    (place.folder / "runs").mkdir()
    (place.folder / request.param.name.partition(".")[0]).rename(place.run("old"))
    place.task_folder.rename(place.folder / "moved")
    return place


def tables(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """The columns of each table: name, type, whether it may be null, whether it is the key."""
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {
            name: {tuple(row[1:]) for row in db.execute(f"PRAGMA table_info({name})")}
            for name in names
        }


def test_there_is_a_stored_run_of_every_older_version() -> None:
    names = {path.name for path in STORED}
    assert names >= {f"version{number}.tar.xz" for number in range(1, SCHEMA_VERSION)}


def test_the_record_becomes_one_of_this_version_and_keeps_every_row(
    old: Any, tmp_path: Path
) -> None:
    everything = ("individuals", "measurements", "proposals", "calls", "events", "meta")
    before = {table: old.rows("old", f"SELECT * FROM {table} ORDER BY 1") for table in everything}
    Record.open(old.run("old") / "archive.db").close()
    assert old.rows("old", "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    with closing(sqlite3.connect(tmp_path / "new.db")) as db:
        db.executescript(SCHEMA)
    assert tables(old.run("old") / "archive.db") == tables(tmp_path / "new.db")
    for table, rows in before.items():
        after = old.rows("old", f"SELECT * FROM {table} ORDER BY 1")
        assert [row[: len(rows[0])] for row in after] == rows


def test_it_is_shown_though_its_task_is_gone(old: Any) -> None:
    listed = old.evolve("list")
    assert "15 of 15" in listed.stdout, listed.stderr
    for command in ("list old", "show old best", "heatmap old", "export old best"):
        done = old.evolve(*command.split())
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout


def test_its_decisions_are_taken_again_by_the_rules_of_its_time(old: Any) -> None:
    done = old.evolve("replay", "old")
    asked = old.count("old", "asks WHERE place > 0")
    same = f"{asked} of {asked} proposals are the same" if asked else "there is nothing to take"
    assert same in done.stdout, done.stdout


def test_it_goes_on_once_the_task_is_named(old: Any, chat: Any, scripted: Any) -> None:
    lost = old.evolve("resume", "old", "--generations", "4")
    assert lost.returncode == 2
    assert "resume old --task DIR" in lost.stderr
    task = load_task(old.folder / "moved")
    now = take_fingerprint(task, Ready(seed=task.genome), find_devices("cpu:0"), 0.05)
    with closing(sqlite3.connect(old.run("old") / "archive.db")) as db, db:
        # as if the machine that made it had been this one
        db.execute("UPDATE meta SET value = ? WHERE key = 'fingerprint'", (json.dumps(now),))
    measured = old.count("old", "measurements")
    server = chat(scripted.tweaked)
    options = ("--task", "moved", "--generations", "4", "--api-base", server.base)
    done = old.evolve("resume", "old", *options)
    assert done.returncode == 0, done.stderr
    assert old.count("old", "individuals WHERE id > 0") == 20
    assert old.count("old", "measurements") > measured
    assert len(old.results("old")) == old.count("old", "measurements")


LATE = ("scipy.special", "encodings.utf_8_sig")  # modules that the commands import when needed


def test_a_run_of_somebody_else_is_shown_and_not_worked_on(old: Any) -> None:
    for path in (old.folder, *old.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = (old.run("old") / "archive.db").read_bytes()
    # While it still may be read: the interpreter can lie in a folder of root's own.
    for module in (*(f"evolve.commands.{name}" for name, *_ in COMMANDS.values()), *LATE):
        importlib.import_module(module)

    def as_nobody() -> None:
        """In a process of its own: what a person sees who may only read."""
        for parent in old.folder.parents[:-2]:
            parent.chmod(parent.stat().st_mode | 0o011)
        os.chdir(old.folder)
        os.environ["HOME"] = str(old.folder)
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        assert main(["list", "old"]) == 0
        assert main(["show", "old", "best"]) == 0
        assert main(["export", "old", "best"]) == 0
        assert main(["resume", "old"]) == 2

    process = multiprocessing.get_context("fork").Process(target=as_nobody)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert (old.run("old") / "archive.db").read_bytes() == before
