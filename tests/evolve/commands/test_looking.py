"""`best`, `lineage`, `log`, `status` and `--json`: what they say of a run."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evolve.cli import main

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def place(make_place: Callable[[], Any], load: Callable[[Path, str], ModuleType]) -> Any:
    """A place with a finished run `a` and one that nothing has been measured in, `new`."""
    place = make_place()
    instant = load(Path(__file__).parents[1] / "instant.py", "instant_looking")
    instant.forked(lambda: instant.work(place, "a", 3, 1))

    def begin() -> None:
        os.chdir(place.folder)
        instant.begun(place, "new", 0, 1).close()

    instant.forked(begin)
    return place


@pytest.fixture
def call(place: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls a command that succeeds: what it prints."""

    def call(*arguments: str) -> str:
        with chdir(place.folder):
            code = main(arguments)
        printed = capsys.readouterr()
        assert (code, printed.err) == (0, "")
        return printed.out

    return call


def test_the_best_is_told_with_its_fresh_runs_and_its_story(call: Any, place: Any) -> None:
    text = call("best", "a")
    best = json.loads(call("best", "a", "--json"))
    assert text.startswith(f"#{best['id']} {best['description']}")
    assert f"(#{best['id']}) against" in text
    assert "fresh runs" in text
    assert "what made it better" in text
    assert "export a best -o best.py" in text
    rows = place.rows("a", "SELECT fitness FROM measurements WHERE purpose = 'final'")
    assert sum(best["confirmed"]["runs"]) == len(rows)
    assert best["elite"] is True


def test_the_lineage_is_git_s_own_graph(call: Any, place: Any) -> None:
    best = json.loads(call("best", "a", "--json"))
    lines = call("lineage", "a").splitlines()
    assert f"#{best['id']} " in lines[0]
    assert lines[-1].split() == ["*", "#0", lines[-1].split()[2], "toy.py", "seed"]
    shown = sum("*" in line.partition("#")[0] for line in lines)
    known = place.git("a", "rev-list", "--count", best["commit"])
    assert shown == int(known) - 1, "all but the empty root"
    assert "#0 " in call("lineage", "a", "0")


def test_a_log_is_printed_harmlessly(call: Any, place: Any) -> None:
    log = place.run("a") / "logs" / "1.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("one\r\n\x1b[2Jtwo\n")
    assert call("log", "a", "1") == "one\n\N{REPLACEMENT CHARACTER}[2Jtwo\n"
    (place.run("a") / "logs" / "1-7.log").write_text("seven")
    assert call("log", "a", "1-7") == "seven"


@pytest.mark.parametrize(
    ("which", "reason"),
    [("1-9", "has no log 1-9"), ("99", "has no genome 99"), ("1-x", "nor ID-N")],
)
def test_a_log_that_is_not_there_says_what_is(
    place: Any, capsys: pytest.CaptureFixture[str], which: str, reason: str
) -> None:
    with chdir(place.folder):
        assert main(["log", "a", which]) == 2
    assert reason in capsys.readouterr().err


def test_a_log_is_followed_until_the_child_ends(
    place: Any, eventually: Callable[[Callable[[], object]], None], tmp_path: Path
) -> None:
    work, log = place.run("a") / "work" / "2", place.run("a") / "logs" / "2.log"
    work.mkdir(parents=True)
    log.write_text("begun\n")
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "evolve", "log", "a", "2", "-f"],
            cwd=place.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=output,
        )
    eventually(lambda: printed.read_text() == "begun\n")
    with log.open("a") as file:
        file.write("and so on\n")
    eventually(lambda: printed.read_text() == "begun\nand so on\n")
    assert process.poll() is None
    work.rmdir()
    assert process.wait(60) == 0


def test_the_status_is_one_screen(call: Any) -> None:
    text = call("status", "a")
    assert text.startswith("a  toy, map-elites: finished")
    assert len(text.splitlines()) < 24
    status = json.loads(call("status", "a", "--json"))
    assert f"{status['children']} of {status['children_wanted']} children" in text
    assert (status["state"], status["seconds_left"], status["running"]) == ("finished", 0.0, [])
    assert f"best: #{status['best']['id']} " in text


def test_the_status_shows_what_runs(call: Any, place: Any) -> None:
    work = place.run("a") / "work" / "7"
    work.mkdir(parents=True)
    genome, log = work / "toy.py", place.run("a") / "logs" / "7.log"
    genome.write_text("")
    os.utime(genome, (time.time() - 90, time.time() - 90))
    log.write_text("step 5 loss: 2.0\x1b[2J\n")
    try:
        with open(place.run("a") / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = call("status", "a")
            (child,) = json.loads(call("status", "a", "--json"))["running"]
    finally:
        genome.unlink()
        work.rmdir()
    assert "running" in text.splitlines()[0]
    assert (child["label"], child["line"]) == ("7", "step 5 loss: 2.0")
    assert 90 <= child["seconds"] < 900
    assert "#7 " in text
    assert json.loads(call("status", "a", "--json"))["running"] == [], "nothing runs any more"


def test_without_a_name_it_is_the_run_that_was_worked_on_last(call: Any, place: Any) -> None:
    newest = place.run("new") / "archive.db"
    os.utime(newest, (time.time() + 60, time.time() + 60))
    assert call("status").startswith("new  toy")
    assert "0 of" in call("status")


def test_lists_are_json_on_request(call: Any, place: Any) -> None:
    runs = {run["run"]: run for run in json.loads(call("list", "--json"))}
    assert set(runs) == {"a", "new"}
    assert (runs["a"]["state"], runs["new"]["best"]) == ("finished", None)
    elites = json.loads(call("list", "a", "--json"))
    assert len(elites) == runs["a"]["cells_filled"]
    assert all(one["elite"] for one in elites)
    assert runs["a"]["best"]["id"] in {one["id"] for one in elites}


def test_a_genome_is_json_on_request(call: Any, place: Any) -> None:
    one = json.loads(call("show", "a", "1", "--json"))
    assert (one["id"], one["parents"]) == (1, [0])
    (diff,) = one["changes"].values()
    assert diff == call("show", "a", "1").partition("against parent #0:\n")[2].rstrip("\n")
    rows = place.rows("a", "SELECT fitness FROM measurements WHERE individual = 1")
    assert [e["fitness"] for e in one["experiments"]] == [row[0] for row in rows]
    events = json.loads(call("show", "a", "--events", "--json"))
    assert events[-1]["text"] == "all generations are done"


def test_a_broken_run_does_not_spoil_the_list(call: Any, place: Any) -> None:
    broken = place.run("broken")
    broken.mkdir()
    (broken / "archive.db").write_bytes(b"no database" * 99)
    (one,) = (run for run in json.loads(call("list", "--json")) if run["run"] == "broken")
    assert "database" in one["error"]
