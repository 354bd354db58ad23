"""`python -m evolve report`, by the real program on runs of the toy task."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest


@pytest.fixture(scope="module")
def finished(make_place: Callable[[], Any]) -> Any:
    """A place with a short run `a`."""
    place = make_place()
    done = place.evolve("--task", "toy", "--run", "a", "--generations", "2", "--final-runs", "2")
    assert done.returncode == 0, done.stderr
    return place


def test_a_report_is_written_into_the_run(finished: Any) -> None:
    done = finished.evolve("report", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("runs/a/artifacts/report.html (")
    page = (finished.run("a") / "artifacts" / "report.html").read_text(encoding="utf-8")
    for words in ("fresh runs of the seed and the best", "perturb", "units/s", "Make the score"):
        assert words in page
    again = finished.evolve("report", "a")
    assert again.returncode == 0, "its own file is replaced"


def test_a_file_of_somebody_is_not_replaced_unasked(finished: Any) -> None:
    path = finished.folder / "mine.html"
    path.write_text("mine")
    refused = finished.evolve("report", "a", "-o", str(path))
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert path.read_text() == "mine"
    assert finished.evolve("report", "a", "-o", str(path), "--force").returncode == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_run_that_cannot_be_read_has_a_page_that_says_so(finished: Any) -> None:
    finished.evolve("--task", "toy", "--run", "torn", "--generations", "0", "--final-runs", "0")
    database = finished.run("torn") / "archive.db"
    with closing(sqlite3.connect(database)) as db:
        db.execute("DELETE FROM meta WHERE key = 'begun'")
        db.commit()
    done = finished.evolve("report", "torn")
    assert done.returncode == 2
    assert "never fully made" in done.stderr
    page = (finished.run("torn") / "artifacts" / "report.html").read_text(encoding="utf-8")
    assert "This run cannot be read" in page
    assert "never fully made" in page


def test_a_run_that_is_not_there_has_no_page(finished: Any) -> None:
    done = finished.evolve("report", "nowhere")
    assert done.returncode == 2
    assert "there are: a" in done.stderr
    assert not finished.run("nowhere").exists()


def test_a_run_without_a_score_has_a_page(finished: Any) -> None:
    finished.write('GOAL = 1\nraise ValueError("no luck")\n')
    finished.evolve("--task", "toy", "--run", "luckless", "--generations", "1")
    done = finished.evolve("report", "luckless")
    assert done.returncode == 0, done.stderr
    page = (finished.run("luckless") / "artifacts" / "report.html").read_text(encoding="utf-8")
    assert "No genome has scored yet" in page
    assert "ValueError: no luck" in page
