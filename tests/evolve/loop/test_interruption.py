"""A run that is interrupted in any way goes on where it stopped, and loses nothing."""

from __future__ import annotations

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

Eventually = Callable[[Callable[[], object]], None]
LONG = ("--task", "toy", "--run", "long", "--generations", "6", "--final-runs", "2")


def begin(
    place: Any, eventually: Eventually, children: int, *arguments: str, group: bool = False
) -> Any:
    """A run that has recorded so many children and still goes on."""
    place.write((place.task_folder / "toy.py").read_text().replace("if DEPTH else 0", "* 4"))
    process = place.start(*LONG, *arguments, group=group)
    database = place.run("long") / "archive.db"

    def recorded() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return bool(database.exists() and place.count("long", "measurements") >= children)
        except sqlite3.OperationalError:  # its tables are not there yet
            return False

    eventually(recorded)
    return process


def check_complete(place: Any) -> None:
    """All 30 children are there once, in the record, in git and in results.tsv, and make sense."""
    assert place.rows("long", "PRAGMA integrity_check") == [("ok",)]
    assert place.count("long", "individuals WHERE id > 0") == 30
    doubled = place.rows("long", "SELECT individual FROM measurements WHERE purpose = 'search' "
                         "AND individual > 0 GROUP BY individual HAVING count(*) > 1")  # fmt: skip
    assert doubled == []
    assert place.count("long", "measurements WHERE individual > 0 AND purpose = 'search'") == 30
    assert place.count("long", "measurements WHERE purpose = 'final'") == 4
    assert len(place.results("long")) == place.count("long", "measurements")
    refs = place.git("long", "for-each-ref", "--format=%(refname) %(objectname)", "refs/genomes")
    commits = dict(line.split() for line in refs.splitlines())
    for number, commit in place.rows("long", "SELECT id, commit_hash FROM individuals"):
        assert commits[f"refs/genomes/{number}"] == commit
    assert place.living() == []
    again = place.evolve("replay", "long")
    assert again.returncode == 0, again.stdout


def test_ctrl_c_finishes_what_runs_and_resume_goes_on(place: Any, eventually: Eventually) -> None:
    process = begin(place, eventually, 6)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == ""
    assert "stopping" in output
    assert "python -m evolve resume long" in output
    assert place.living() == []
    started = place.count("long", "individuals")
    assert place.count("long", "measurements WHERE status != 'ok'") == 0, "none was cut off"
    assert started < 31
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    assert "the seed:" not in done.stdout, "the seed is not measured again"
    check_complete(place)


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_every_process_of_the_group(
    place: Any, eventually: Eventually
) -> None:
    process = begin(place, eventually, 4, group=True)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    check_complete(place)


def test_a_second_ctrl_c_stops_the_children_too(place: Any, eventually: Eventually) -> None:
    process = begin(place, eventually, 4, "--devices", "cpu:0,cpu:1")
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)  # two signals at once are one
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert place.living() == []
    assert place.count("long", "measurements WHERE status != 'ok'") == 0, "a stop is no result"
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    check_complete(place)


SLOW = pytest.mark.slow


@pytest.mark.parametrize("moment", [pytest.param(2, marks=SLOW), pytest.param(5, marks=SLOW), 11])
def test_kill_9_loses_nothing_that_was_recorded(
    place: Any, eventually: Eventually, moment: int
) -> None:
    process = begin(place, eventually, moment)
    before = place.rows("long", "SELECT id, individual, fitness FROM measurements")
    process.kill()
    process.wait()
    eventually(lambda: not place.living())
    after = place.rows("long", "SELECT id, individual, fitness FROM measurements")
    assert after[: len(before)] == before
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    now = place.rows("long", "SELECT id, individual, fitness FROM measurements")
    assert now[: len(after)] == after
    check_complete(place)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.02 * step for step in range(30)])
def test_kill_9_at_any_moment(place: Any, eventually: Eventually, delay: float) -> None:
    process = begin(place, eventually, 3)
    time.sleep(delay)
    process.kill()
    process.wait()
    eventually(lambda: not place.living())
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    check_complete(place)


def test_two_programs_cannot_work_on_one_run(place: Any, eventually: Eventually) -> None:
    process = begin(place, eventually, 3)
    second = place.evolve("resume", "long")
    assert second.returncode == 2
    assert "long" in second.stderr
    looked = place.evolve("list", "long")
    assert looked.returncode == 0, "looking does no harm"
    process.communicate(timeout=120)
    assert process.returncode == 0
    check_complete(place)


def test_another_protocol_is_refused_with_the_differences(place: Any) -> None:
    assert place.evolve(*LONG[:4], "--generations", "1").returncode == 0
    (place.task_folder / "given.py").write_text("GOAL = 0.2\n")
    refused = place.evolve("resume", "long", "--generations", "2")
    assert refused.returncode == 2
    assert "given.py" in refused.stderr
    assert "--seed-genome long:best" in refused.stderr
    (place.task_folder / "given.py").write_text("GOAL   =  0.3  # the same program\n")
    assert place.evolve("resume", "long", "--generations", "2").returncode == 0
    assert place.count("long", "individuals WHERE id > 0") == 10


def test_a_full_disk_ends_the_run_in_words_and_resume_goes_on(
    place: Any, eventually: Eventually
) -> None:
    process = begin(place, eventually, 5)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (16_384, 16_384))  # no file may grow
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert errors.startswith("evolve: ")
    assert "Traceback" not in errors
    assert place.living() == []
    done = place.evolve("resume", "long")
    assert done.returncode == 0, done.stderr
    check_complete(place)


@pytest.mark.parametrize("room", [0, 1, 4, 16, 24, 32])
def test_a_disk_that_is_full_from_the_start_is_told_in_one_sentence(place: Any, room: int) -> None:
    """No file may grow beyond so many blocks of 1,024 bytes."""
    program = f"{sys.executable} -m evolve --task toy --run full --generations 1 --sandbox none"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f {room}; exec {program} --devices cpu:0"],
        cwd=place.folder,
        env=place._environment(None),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stdout
    assert re.fullmatch(r"evolve: [^\n]+\n", done.stderr)
    assert len(done.stderr) < 500
    assert place.mark not in done.stderr, "no command line in it"
