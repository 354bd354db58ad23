"""`python -m evolve compare`: groups, verdicts, pictures, and what it refuses."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from evolve.cli import main
from evolve.commands.assembly import carry_on
from evolve.commands.compare import judge_groups
from evolve.loop.evaluators import DevicePool
from evolve.runs.run import begin_run
from population import Direction
from views.side_by_side import RunCurve, RunGroup


def one(result: float, *fresh: float) -> RunGroup:
    return RunGroup(f"group {result}", [RunCurve("r", [1], [result], 1, result, fresh)])


def several(*results: float) -> RunGroup:
    return RunGroup("g", [RunCurve("r", [1], [value], 1, value) for value in results])


def test_groups_of_several_runs_are_compared_by_their_results() -> None:
    better, same = several(1.0, 1.01, 0.99), several(2.02, 1.98, 2.0)
    first, second, third = judge_groups([several(2.0, 2.01, 1.99), better, same], MINIMIZE)
    assert (first.gain, first.words) == (None, "the reference")
    assert second.gain == pytest.approx(1.0)
    assert second.low is not None
    assert 0 < second.low < 1.0
    assert second.words == "it is fitter, beyond what luck gives"
    assert third.words == "no difference is shown: this may be luck"
    (_, worse) = judge_groups([same, better], Direction.MAXIMIZE)
    assert worse.words == "it is less fit, beyond what luck gives"


MINIMIZE = Direction.MINIMIZE


def test_single_runs_are_compared_by_the_fresh_runs_of_their_best() -> None:
    _, fitter = judge_groups([one(2.0, 2.0, 2.01, 1.99), one(1.0, 1.0, 1.01)], MINIMIZE)
    assert fitter.words == "its best genome is fitter, beyond what luck gives"
    _, unknown = judge_groups([one(2.0, 2.0, 2.01), one(1.0)], MINIMIZE)
    assert unknown.words == "not confirmed: no fresh runs to compare"
    assert (unknown.gain, unknown.low) == (1.0, None)
    _, uneven = judge_groups([several(2.0, 2.1), one(1.0, 1.0)], MINIMIZE)
    assert uneven.words == "unknown: a group of one run has no spread"


@pytest.fixture(scope="module")
def place(make_place: Callable[[], Any], load: Callable[[Path, str], ModuleType]) -> Any:
    """A place with two runs of each of two strategies."""
    place = make_place()
    instant = load(Path(__file__).parents[1] / "instant.py", "instant_compare")

    def work(name: str, strategy: str, seed: int) -> None:
        os.chdir(place.folder)
        plain = instant.begun(place, f"of-{name}", seed, 1)
        run = begin_run(replace(plain.settings, strategy=strategy), name, [], lambda line: None)
        plain.close()
        pool = partial(DevicePool, measure=instant.measured)
        console = Console(file=io.StringIO(), width=160)
        carry_on(run, [], console, open_evaluator=pool, draw=lambda *told: None)
        run.close()

    for number, (name, strategy) in enumerate(
        {"a": "map-elites", "b": "map-elites", "c": "greedy", "d": "greedy"}.items()
    ):
        instant.forked(lambda: work(name, strategy, number))  # noqa: B023
    return place


@pytest.fixture
def compare(place: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def compare(*arguments: str) -> tuple[int, str, str]:
        with chdir(place.folder):
            code = main(["compare", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return compare


def test_runs_that_differ_in_their_seeds_alone_are_a_group(compare: Any) -> None:
    code, text, _ = compare("a", "b", "c", "d")
    assert code == 0
    lines = text.splitlines()
    assert lines[1].split()[:2] == ["map-elites", "2"]
    assert lines[2].split()[:2] == ["greedy", "2"]
    assert "the reference" in lines[1]
    _, told, _ = compare("a", "b", "c", "d", "--json")
    first, second = json.loads(told)
    assert (first["runs"], second["runs"]) == (["a", "b"], ["c", "d"])
    assert second["low"] <= second["gain"] <= second["high"]
    assert second["words"] in text


def test_single_runs_are_named_and_the_reader_is_warned(compare: Any) -> None:
    code, text, _ = compare("a", "c")
    assert code == 0
    assert "a: map-elites" in text
    assert "c: greedy" in text
    assert "not two ways of searching" in text


@pytest.mark.parametrize("name", ["two.png", "two.svg", "two.html"])
def test_a_picture_or_page_is_written(compare: Any, place: Any, name: str) -> None:
    code, text, _ = compare("a", "c", "-o", name)
    assert (code, text.splitlines()[-1]) == (0, name)
    data = (place.folder / name).read_bytes()
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!doctype html>"}
    assert data.startswith(begin[name.partition(".")[2]])
    if name == "two.html":
        page = data.decode()
        assert "a: map-elites" in page
        assert "data:image/svg+xml;base64," in page
    code, _, error = compare("a", "c", "-o", name)
    assert code == 2
    assert "--force" in error


def test_the_notebook_compares_runs(place: Any, execute: Callable[..., list[str]]) -> None:
    kinds = execute("compare.ipynb", EVOLVE_RUNS=",".join(str(place.run(name)) for name in "abcd"))
    assert (kinds.count("image/png"), kinds.count("text/html")) == (1, 3)


def test_what_does_not_compare_is_refused_with_the_differences(compare: Any, place: Any) -> None:
    code, _, error = compare("a", "a")
    assert (code, "two runs" in error) == (2, True)
    code, _, error = compare("a", "b", "-o", "odd.doc")
    assert code == 2
    assert ".png, .svg or .pdf" in error
    assert ".html" in error
    with closing(sqlite3.connect(place.run("of-c") / "archive.db")) as db, db:
        (text,) = db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
        changed = json.dumps({**json.loads(text), "budget": "300 s"})
        db.execute("UPDATE meta SET value = ? WHERE key = 'fingerprint'", (changed,))
    code, _, error = compare("a", "of-c")
    assert code == 2
    assert "budget: was 1 s, is 300 s" in error
    code, _, error = compare("a", "of-b")
    assert code == 2
    assert "nothing has scored yet in run of-b" in error
