"""Children that crash, hang, print NaN, fork or lie: each gets a status and a reason, the search
goes on, and none of their processes is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# DEPTH decides what a child does; the seed has 4 and behaves, and perturb leads to the others.
GENOME = """\
import os, signal, subprocess, sys, time
from given import GOAL

DEPTH = 4
WIDTH = 32
RATE = 0.1

if DEPTH < 4:
    {deed}
print("---")
print("score:", RATE + GOAL)
print("size:", WIDTH * DEPTH)
print("work: 100")
print("seconds: 1.0")
"""
LINGER = "while True: time.sleep(9)"
DEEDS = {
    "crash": ("raise RuntimeError('no such thing as ' + str(DEPTH))", "crash", "no such thing"),
    "exit": ("os._exit(0)", "invalid", "---"),
    "signal": ("os.kill(os.getpid(), signal.SIGSEGV)", "crash", "SIGSEGV"),
    "hang": (f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    {LINGER}", "timeout", "s"),
    "nan": ("GOAL = float('nan')", "invalid", "nan"),
    "memory": ("raise MemoryError()", "oom", "MemoryError"),
    "fork": (
        "subprocess.Popen([sys.executable, '-c', 'import time\\n"
        f"{LINGER}', sys.argv[1]], start_new_session=True)\n"
        "    raise SystemExit('left a child')",
        "crash",
        "left a child",
    ),
}


@pytest.mark.parametrize("deed", list(DEEDS))
def test_a_bad_child_gets_its_status_and_the_search_goes_on(
    make_place: Callable[[], Any], deed: str
) -> None:
    code, status, reason = DEEDS[deed]
    place = make_place()
    place.write(GENOME.format(deed=code), overhead=2 if deed == "hang" else 60)
    done = place.evolve(
        *("--task", "toy", "--run", "bad", "--generations", "1", "--children", "6"),
        *("--operators", "perturb", "--strategy", "random", "--final-runs", "0", "--seed", "1"),
    )
    rows = place.rows("bad", "SELECT status, fitness, reason, measures FROM measurements "
                      "WHERE individual > 0")  # fmt: skip
    assert place.living() == [], "whatever a child started is gone"
    bad = [row for row in rows if row[0] != "ok"]
    assert bad, "the seed of randomness leads to the deed"
    for found, fitness, why, _ in bad:
        assert found == status
        assert fitness is None, "a failure is never a fitness"
        assert reason in why
    assert place.count("bad", "measurements WHERE kept AND status != 'ok'") == 0
    assert {row["status"] for row in place.results("bad")} <= {"keep", "discard", status}
    assert status in done.stdout
    assert done.returncode in (0, 1)
    assert (done.returncode == 1) == (len(bad) == len(rows)), "1: not one child scored"


def test_a_seed_that_fails_ends_the_run_with_its_reason(make_place: Callable[[], Any]) -> None:
    place = make_place()
    place.write(GENOME.format(deed="pass").replace('print("---")', "raise KeyError('lost')"))
    done = place.evolve("--task", "toy", "--run", "r", "--generations", "1")
    assert done.returncode == 2
    assert "the seed genome did not score" in done.stderr
    assert "lost" in done.stderr
    assert "Traceback" not in done.stderr
    log = place.run("r") / "logs" / "0.log"
    assert "KeyError" in log.read_text()
    assert str(log.relative_to(place.folder)) in done.stderr


@pytest.mark.parametrize("declared", [True, False])
def test_a_score_that_is_declared_deterministic_is_measured_once(
    make_place: Callable[[], Any], declared: bool
) -> None:
    place = make_place()
    place.write(GENOME.format(deed="pass"))
    program = place.task_folder / "program.md"
    if declared:
        program.write_text(program.read_text().replace("budget", 'noise = "none"\nbudget', 1))
    done = place.evolve(
        *("--task", "toy", "--run", "r", "--generations", "1", "--children", "8"),
        *("--operators", "perturb", "--seed", "1"),
    )
    assert done.returncode == 0, done.stderr
    purposes = [row[0] for row in place.rows("r", "SELECT purpose FROM measurements")]
    assert place.count("r", "measurements WHERE individual = 0 AND purpose = 'search'") == (
        1 if declared else 2
    )
    assert ("repeat" in purposes) is not declared
    assert purposes.count("final") == (2 if declared else 4)
    assert ('add noise = "none"' in done.stdout) is not declared
