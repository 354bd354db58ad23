"""`diff`: how genomes differ, net."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def evolved(make_place: Callable[[], Any]) -> Any:
    """A place with a run `a` of two generations."""
    place = make_place()
    done = place.evolve(
        *("--task", "toy", "--run", "a", "--generations", "2", "--seed", "3"),
        *("--devices", "cpu:0", "--final-runs", "0"),
    )
    assert done.returncode == 0, done.stderr
    return place


def best(place: Any) -> str:
    return str(place.git("a", "rev-parse", "best").strip())


def test_it_shows_what_changed_from_the_seed_to_the_best(evolved: Any) -> None:
    shown = evolved.evolve("diff", "a")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == evolved.git("a", "diff", "refs/genomes/0", best(evolved))


def test_it_is_a_patch_that_makes_the_best_of_the_seed(evolved: Any) -> None:
    (evolved.folder / "change.patch").write_text(evolved.evolve("diff", "a").stdout)
    target = evolved.folder / "toy.py"
    target.write_text((evolved.task_folder / "toy.py").read_text())
    subprocess.run(["git", "apply", "change.patch"], cwd=evolved.folder, check=True)
    assert target.read_text() == evolved.evolve("export", "a", "best").stdout


def test_any_two_genomes_can_be_compared(evolved: Any) -> None:
    shown = evolved.evolve("diff", "a", "3", "1")
    assert shown.stdout == evolved.git("a", "diff", "refs/genomes/3", "refs/genomes/1")
    shown = evolved.evolve("diff", "a", "2")
    assert shown.stdout == evolved.git("a", "diff", "refs/genomes/2", best(evolved))
    shown = evolved.evolve("diff", "a", "seed", "4")
    assert shown.stdout == evolved.git("a", "diff", "refs/genomes/0", "refs/genomes/4")


def test_the_same_genome_twice_is_said_to_be_so(evolved: Any) -> None:
    shown = evolved.evolve("diff", "a", "2", "2")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "genomes 2 and 2 are the same" in shown.stderr


def test_a_genome_that_is_not_there_is_refused(evolved: Any) -> None:
    refused = evolved.evolve("diff", "a", "99")
    assert refused.returncode == 2
    assert "no genome 99" in refused.stderr


def on_a_terminal(place: Any, *arguments: str) -> str:
    """What `python -m evolve ARGUMENTS` writes to a terminal."""
    own, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "evolve", *arguments],
        cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        stdout=terminal,
    ):
        os.close(terminal)
        written = b""
        with contextlib.suppress(OSError):  # as Linux tells the end
            while data := os.read(own, 4096):
                written += data
    os.close(own)
    return written.decode()


def test_a_terminal_gets_colours_and_the_scores(evolved: Any) -> None:
    shown = on_a_terminal(evolved, "diff", "a")
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert re.search(r"#0 \(\d\.\d+.*\) toy.py", plain)
    assert "@@" in plain
