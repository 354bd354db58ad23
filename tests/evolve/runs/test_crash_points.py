"""A run that is killed at any moment ends as if nobody had killed it.

Each test kills the real program in a forked process (see instant.py), once or several times, goes
on with the run, and compares it with one that was left alone.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from archive.rows import Purpose
from evolve.genome.screening import identify
from evolve.runs.run import open_run

FEW = 24  # moments at which the quick tests kill; the slow ones take every moment
SHARES = 20  # of all moments: a slow test each
DEATHS = 3  # of one run at most

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def instant() -> ModuleType:
    """instant.py."""
    path = Path(__file__).parents[1] / "instant.py"
    spec = importlib.util.spec_from_file_location("instant", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Calm:
    """A run that was left alone: its seed, its acts, what it said and what it left."""

    seed: int
    acts: int
    said: dict[str, Any]
    left: dict[str, Any]

    @property
    def moments(self) -> list[int]:
        """All moments at which it can be killed, in an order drawn at random."""
        return [int(act) + 1 for act in np.random.default_rng(7).permutation(self.acts)]


@pytest.fixture(scope="session")
def calm(instant: ModuleType, make_place: Callable[[], Any]) -> Calm:
    """The first run in which all happens that is to happen again in a killed one."""
    for seed in range(50):
        place = make_place()
        ended = instant.forked(
            lambda: instant.work(place, "calm", seed, 1),  # noqa: B023
            sys.maxsize,
        )
        left = instant.left(place, "calm")
        failed = any(row["status"] == "oom" for row in left["measurements"])
        refused = any(row["individual"] is None for row in left["proposals"])
        crossed = any(row["operator"] == "recombine" for row in left["individuals"])
        kept = {row["individual"] for row in left["measurements"] if row["kept"]}
        purposes = {row["purpose"] for row in left["measurements"]}
        everything = failed and refused and crossed and len(kept) > 3 and left["best"]
        if everything and purposes == set(Purpose) - {Purpose.ABLATION}:
            check_sound(place, "calm", slots=1, deaths=0)
            return Calm(seed, ended.acts, ended.value, left)
    raise AssertionError("no seed gives a run in which everything happens")


# -- how a run is killed, and what must hold then --------------------------------------------------


def disturbed(
    instant: ModuleType, place: Any, calm: Calm, slots: int, moment: int
) -> tuple[dict[str, Any], int]:
    """Begin a run, kill it at a moment, go on with it, maybe kill it again, and go on to its end.

    What was recorded stays as it is from each step to the next. A run that was not made yet is
    refused; it is removed as the refusal says, and begun again.

    Returns:
        What the run said at its end, and how often it was killed since it was begun.
    """
    rng = np.random.default_rng([slots, moment])
    kill_at: int | None = moment
    deaths, before = 0, {}
    while True:
        ended = instant.forked(lambda: instant.work(place, "doomed", calm.seed, slots), kill_at)
        if not ended.killed and "refused" in ended.value:
            check_refusal(ended.value["refused"], before)
            shutil.rmtree(place.run("doomed"))
            deaths, before, kill_at = 0, {}, None
            continue
        now = instant.stored(place, "doomed")
        for table, rows in before.items():
            assert now[table][: len(rows)] == rows, f"{table}: what was recorded is lost"
        if not ended.killed:
            return ended.value, deaths
        deaths, before = deaths + 1, now
        # often beyond the end, so that it does not die again
        kill_at = int(rng.integers(1, calm.acts)) if deaths < DEATHS else None


def check_refusal(refused: list[str], stored: Rows) -> None:
    """A run is not gone on with only if nothing is lost by it, and then it is said what to do."""
    assert not stored.get("proposals"), "work is lost"
    resuming, beginning = refused
    assert "remove" in resuming or "remove" in beginning or not beginning, refused


def check_sound(place: Any, name: str, *, slots: int, deaths: int) -> None:
    """What holds of every run, however many devices it has and however it was killed."""
    assert place.rows(name, "PRAGMA integrity_check") == [("ok",)]
    for table, first in (("individuals", 0), ("proposals", 0), ("measurements", 1)):
        numbers = [number for (number,) in place.rows(name, f"SELECT id FROM {table} ORDER BY id")]
        assert numbers == list(range(first, first + len(numbers))), f"{table}: a gap"
    born = place.rows(name, "SELECT individual FROM proposals WHERE individual IS NOT NULL")
    assert sorted(number for (number,) in born) == list(range(1, 11)), "one proposal a child"
    runs = Counter(place.rows(name, "SELECT individual, purpose FROM measurements"))
    searched = {number for number, purpose in runs if purpose == "search"}
    assert searched == set(range(11)), "everyone was measured"
    assert runs[0, "search"] == 3
    assert [count for (_, purpose), count in runs.items() if purpose == "final"] == [3, 3]
    seeds = place.rows(name, "SELECT individual, seed FROM measurements")
    assert len(set(seeds)) == len(seeds), "a run repeats another"
    logs = (place.run(name) / "logs").glob("*.log")
    made = [int(seed) for log in logs for seed in log.read_text().split()]
    assert set(made) == {seed for _, seed in seeds}
    assert len(made) <= len(seeds) + slots * deaths, "what was recorded was measured again"
    check_results(place, name)
    check_genomes(place, name)
    assert not (place.run(name) / "work").exists()


def check_results(place: Any, name: str) -> None:
    """results.tsv has the rows of the database."""
    query = (
        "SELECT m.id, m.individual, m.purpose, m.seed, m.device, m.reason, operator, description, "
        "generation, commit_hash, parents, status, fitness, kept "
        "FROM measurements m JOIN individuals i ON i.id = m.individual ORDER BY m.id"
    )
    same = ("experiment", "individual", "purpose", "seed", "device", "reason", "operator")
    for row, line in zip(place.rows(name, query), place.results(name), strict=True):
        *plain, commit, parents, status, fitness, kept = row
        columns = (*same, "description", "generation")
        assert [line[column] for column in columns] == [str(value) for value in plain]
        assert commit.startswith(line["commit"])
        assert [int(parent) for parent in line["parents"].split()] == json.loads(parents)
        assert line["score"] == ("" if fitness is None else f"{fitness:.6f}")
        word = {"search": "keep" if kept else "discard"}.get(line["purpose"], line["purpose"])
        assert line["status"] == (word if status == "ok" else status)


def check_genomes(place: Any, name: str) -> None:
    """git has the genomes of the database with their parents, and no other."""
    place.git(name, "fsck", "--strict")
    form = "--format=%(refname:lstrip=2) %(objectname) %(parent)"
    refs = place.git(name, "for-each-ref", form, "refs/genomes", "refs/heads")
    found = {name: commits for name, *commits in map(str.split, refs.splitlines())}
    query = "SELECT id, commit_hash, parents, digest FROM individuals"
    run = open_run(str(place.run(name)))
    for number, commit, parents, fingerprint in place.rows(name, query):
        mothers = [found[str(parent)][0] for parent in json.loads(parents)] or found["root"]
        assert found[str(number)] == [commit, *mothers]
        assert identify(run.lineage.source(commit), "python").exact == fingerprint
    run.close()
    assert set(found) == {"root", "best", *map(str, range(11))}


def check_moment(instant: ModuleType, place: Any, calm: Calm, moment: int, slots: int = 1) -> None:
    said, deaths = disturbed(instant, place, calm, slots, moment)
    check_sound(place, "doomed", slots=slots, deaths=deaths)
    if slots == 1:
        assert instant.left(place, "doomed") == calm.left
        assert said == calm.said


# -- the tests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", range(FEW))
def test_a_killed_run_ends_as_if_nobody_had_killed_it(
    instant: ModuleType, place: Any, calm: Calm, drawn: int
) -> None:
    check_moment(instant, place, calm, calm.moments[drawn])


@pytest.mark.parametrize("drawn", range(8))
def test_two_devices_lose_and_double_nothing_either(
    instant: ModuleType, place: Any, calm: Calm, drawn: int
) -> None:
    """Which child ends first is chance there, so that two runs of one seed differ."""
    check_moment(instant, place, calm, calm.moments[FEW + drawn], slots=2)


def test_the_branch_best_is_right_again_if_the_kill_came_before_it_was_set(
    instant: ModuleType, place: Any, calm: Calm
) -> None:
    assert instant.forked(lambda: instant.work(place, "doomed", calm.seed, 1)).value == calm.said
    place.git("doomed", "update-ref", "refs/heads/best", "refs/genomes/root")
    assert instant.forked(lambda: instant.work(place, "doomed", calm.seed, 1)).value == calm.said
    assert instant.left(place, "doomed") == calm.left


def test_a_clock_that_jumps_changes_nothing(instant: ModuleType, place: Any, calm: Calm) -> None:
    jumps = iter(1e9 + 1e5 * np.random.default_rng(0).normal(size=100))
    said = instant.forked(
        lambda: instant.work(place, "jumping", calm.seed, 1, lambda: float(next(jumps)))
    ).value
    assert said == calm.said
    assert instant.left(place, "jumping") == calm.left
    check_sound(place, "jumping", slots=1, deaths=0)
    for command in ("list jumping", "show jumping best", "heatmap jumping"):
        shown = place.evolve(*command.split())
        assert (shown.returncode, shown.stderr) == (0, ""), command


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("share", range(SHARES))
def test_there_is_no_moment_at_which_a_killed_run_loses_anything(
    instant: ModuleType, make_place: Callable[[], Any], calm: Calm, share: int, slots: int
) -> None:
    for moment in calm.moments[share::SHARES]:
        check_moment(instant, make_place(), calm, moment, slots)
