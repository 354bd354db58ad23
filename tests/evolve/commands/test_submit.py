"""Handing genomes in: to a run at work, to one that rests, with every way to be refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.run_folder import RunFolder
from evolve.runs.inbox import Answer, Submission, Ticket, hand_in, list_submissions

BETTER = ("WIDTH = 32", "WIDTH = 128")  # many deviations better, whatever the machine does
OPEN = ("--no-proposals", "--generations", "40", "--children", "5", "--seed-runs", "6")


def change(place: Any, *pairs: tuple[str, str], name: str = "mine.py") -> str:
    """Write the seed genome with some changes, and return the file's name."""
    text = (place.task_folder / "toy.py").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (place.folder / name).write_text(text)
    return name


@pytest.fixture
def open_run(place: Any, eventually: Any) -> Iterator[subprocess.Popen[str]]:
    """A run `r` at work that makes no children of its own."""
    process = place.start("--task", "toy", "--run", "r", "--devices", "cpu:0", *OPEN)

    def ready() -> bool:
        results = place.run("r") / "results.tsv"  # which is made after the tables
        return results.exists() and bool(place.rows("r", "SELECT 1 FROM epochs"))

    def or_ended() -> bool:
        return process.poll() is not None or ready()

    eventually(or_ended)
    assert process.poll() is None, process.communicate()
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_a_genome_is_measured_and_the_answer_says_what_came_of_it(
    place: Any, open_run: subprocess.Popen[str]
) -> None:
    file = change(place, BETTER)
    done = place.evolve("submit", "r", file, "-m", "a wider one", "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert "#1 is queued, child of #0" in done.stdout
    assert "#1: score 2." in done.stdout
    assert "better than its parent #0, beyond what noise explains" in done.stdout
    row = place.rows("r", "SELECT operator, description, parents FROM individuals WHERE id = 1")
    assert row == [("submitted", "a wider one", "[0]")]
    assert place.git("r", "show", "refs/genomes/1:toy.py") == (place.folder / file).read_text()
    open_run.send_signal(signal.SIGINT)
    out, _ = open_run.communicate(timeout=60)
    assert "nothing is proposed: the run measures what is handed in with" in out
    assert "#1 was handed in: a wider one" in out
    assert open_run.returncode == 130


def test_its_answer_as_json(place: Any, open_run: subprocess.Popen[str]) -> None:
    done = place.evolve("submit", "r", change(place, BETTER), "--wait", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["id"], said["status"], said["operator"]) == (1, "ok", "submitted")
    assert said["gains"][0]["parent"] == 0
    assert said["gains"][0]["gain"] > 0.03
    assert said["elite_of_its_cell"] == 1
    broken = change(place, ("import os, random, time", "import os, random, time, nothing"))
    done = place.evolve("submit", "r", broken, "--wait", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert (said["id"], said["status"], said["objective"]) == (2, "crash", None)
    assert "nothing" in said["reason"]
    assert Path(place.folder / said["log"]).read_text()


def test_of_two_parents_it_is_a_crossover(place: Any, open_run: subprocess.Popen[str]) -> None:
    one, other = ("WIDTH = 32", "WIDTH = 40"), ("DEPTH = 4", "DEPTH = 5")
    for pair in (one, other):
        assert place.evolve("submit", "r", change(place, pair), "--wait").returncode == 0
    both = change(place, one, other)
    done = place.evolve("submit", "r", both, "--parents", "1,#2", "--wait")
    assert done.returncode == 0, done.stderr
    assert "its parent #1" in done.stdout
    assert "its parent #2" in done.stdout
    parents = place.git("r", "log", "-1", "--format=%P", "refs/genomes/3").split()
    hashes = place.git("r", "rev-parse", "refs/genomes/1", "refs/genomes/2").split()
    assert parents == hashes


def test_the_parent_is_the_genome_that_shares_most_lines(
    place: Any, open_run: subprocess.Popen[str]
) -> None:
    first = change(place, ("DEPTH = 4", "DEPTH = 5"), ("WIDTH = 32", "WIDTH = 48"))
    assert place.evolve("submit", "r", first, "--wait").returncode == 0
    second = change(
        place, ("DEPTH = 4", "DEPTH = 5"), ("WIDTH = 32", "WIDTH = 48"), ("= 0.9", "= 0.95")
    )
    done = place.evolve("submit", "r", second)
    assert "#2 is queued in r, child of #1" in done.stdout


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ((), "the same program was tried before. It is genome #0"),
        ((("DEPTH = 4", "DEPTH = = 4"),), "is refused: the file is no valid Python"),
        (
            (("from given import GOAL\n", ""), ("RATE - GOAL", "RATE - 0.3")),
            "no longer uses `GOAL`",
        ),
    ],
)
def test_what_is_not_fit_to_run_is_refused_at_once(
    made: Any, pairs: tuple[tuple[str, str], ...], words: str
) -> None:
    done = made.evolve("submit", "r", change(made, *pairs))
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.search(words, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.py",), "nothing.py cannot be read: No such file"),
        (("bytes.py",), "bytes.py cannot be read: "),
        (("mine.py", "--parents", "7"), "run r has no genome 7, to be a parent"),
        (("mine.py", "--parents", "x"), "'x' is not one or two numbers"),
        (("mine.py", "--parents", "1,2,3"), "is not one or two numbers"),
    ],
)
def test_what_cannot_be_handed_in(made: Any, arguments: tuple[str, ...], words: str) -> None:
    change(made, BETTER)
    (made.folder / "bytes.py").write_bytes(b"\xff\xfe\x00")
    done = made.evolve("submit", "r", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not list(made.run("r").glob("inbox/*"))


@pytest.fixture(scope="module")
def made(make_place: Callable[[], Any]) -> Any:
    """A run that has ended."""
    place = make_place()
    options = ("--generations", "1", "--children", "2", "--final-runs", "0")
    done = place.evolve("--task", "toy", "--run", "r", *options)
    assert done.returncode == 0, done.stderr
    return place


def test_a_run_that_rests_takes_it_when_it_goes_on(place: Any) -> None:
    options = ("--generations", "1", "--children", "2", "--final-runs", "0")
    assert place.evolve("--task", "toy", "--run", "r", *options).returncode == 0
    done = place.evolve("submit", "r", change(place, BETTER), "-m", "mine")
    assert done.returncode == 0
    assert "it waits in the inbox of r, which takes it when it goes on: " in done.stdout
    done = place.evolve("resume", "r", "--generations", "2", "--no-proposals", "--hours", "0.002")
    assert done.returncode == 0, done.stderr
    assert place.rows("r", "SELECT count(*) FROM individuals WHERE description = 'mine'") == [(1,)]
    assert not list((place.run("r") / "inbox").glob("*.json"))
    again = place.evolve("replay", "r")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout


def test_what_was_taken_before_a_crash_is_not_taken_twice(
    place: Any, open_run: subprocess.Popen[str], eventually: Any
) -> None:
    """As after a process that was killed between the record and the answer."""
    source = (place.folder / change(place, BETTER)).read_text()
    folder = RunFolder(place.run("r"))
    tickets = [hand_in(folder, Submission(source, "mine", (0,))) for _ in range(3)]
    answers: list[Answer | None] = []

    def all_answered() -> bool:
        answers.extend(filter(None, (ticket.take_answer() for ticket in tickets)))
        return len(answers) == len(tickets)

    eventually(all_answered)
    assert answers == [Answer(1), Answer(1), Answer(1)]
    assert place.count("r", "individuals") == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"source": 1, "idea": "", "parents": [0]}', "[" * 100_000]
)
def test_what_is_no_submission_is_answered_and_said(tmp_path: Path, text: str) -> None:
    folder = RunFolder(tmp_path)
    folder.inbox.mkdir()
    (folder.inbox / "0.json").write_text(text)
    good = hand_in(folder, Submission("x", "y", (0,)))
    (first, wrong), (second, right) = list_submissions(folder)
    assert first == Ticket(folder.inbox / "0.json")
    assert "0.json is no submission" in str(wrong)
    assert (second, right) == (good, Submission("x", "y", (0,)))
