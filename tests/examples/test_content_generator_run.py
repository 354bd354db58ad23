"""Runs of examples/content_generator, as a new user starts them, with a scripted language model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trainer.summary import read_summary

ROOT = Path(__file__).parents[2]
GOOD, BROKEN = ["electric-bakery", "tool-library"], "river-restoration"
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def replies(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    path = Path(__file__).with_name("content_generator_replies.py")
    return load(path, "content_generator_replies")


@pytest.mark.slow
def test_a_broken_topic_does_not_stop_the_others_and_a_second_call_goes_on_with_it(
    task_copy: Callable[[str], Path], readme_run: Callable[..., Any], replies: ModuleType
) -> None:
    folder = task_copy("content_generator")
    aside = folder.parent / "aside"
    shutil.move(folder / "sources" / BROKEN, aside)
    (folder / "sources" / BROKEN).mkdir()

    first, server = readme_run(folder, replies.brisk)
    assert first.returncode == 1, first.stdout + first.stderr
    assert f"{BROKEN} failed" in first.stdout
    written = {path.stem: path.read_text() for path in articles(folder)}
    assert sorted(written) == GOOD
    for topic in GOOD:
        asked = [r for r in server.requests if replies.topic_of(r) == topic]
        notes, *others = [request for request in asked if not request.is_for_lessons]
        assert notes.is_for_notes
        assert not any(request.is_for_notes for request in others)
        assert all(replies.NOTES[topic] in request.user for request in others)
        assert all("Nadia Brandt" in r.system for r in asked) == (topic == "tool-library")

    (folder / "sources" / BROKEN).rmdir()
    shutil.move(aside, folder / "sources" / BROKEN)
    second, server = readme_run(folder, replies.brisk)
    assert second.returncode == 0, second.stdout + second.stderr
    assert {replies.topic_of(request) for request in server.requests} == {BROKEN}
    assert all((folder / "output" / "articles" / f"{t}.md").read_text() == written[t] for t in GOOD)
    for topic in (*GOOD, BROKEN):
        assert topic in second.stdout.rpartition("children")[2], "it is in the table"
        assert reaches_the_target(folder, topic)


@pytest.mark.slow
def test_the_readmes_command_writes_all_articles(
    task_copy: Callable[[str], Path], readme_run: Callable[..., Any], replies: ModuleType
) -> None:
    folder = task_copy("content_generator")
    done, _ = readme_run(folder, replies.script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(articles(folder)) == 3
    assert all(reaches_the_target(folder, path.stem) for path in articles(folder))


def test_without_a_model_the_run_says_what_is_missing(
    task_copy: Callable[[str], Path], evolve: Callable[..., Done]
) -> None:
    done = evolve(task_copy("content_generator"))
    assert done.returncode != 0
    assert "--model" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def articles(folder: Path) -> list[Path]:
    return sorted((folder / "output" / "articles").glob("*.md"))


def reaches_the_target(folder: Path, item: str) -> bool:
    """Whether the script, by hand, says so of the article that a run wrote."""
    done = subprocess.run(
        [sys.executable, "evaluate.py", f"output/articles/{item}.md"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    numbers = read_summary(done.stdout)
    return numbers["score"] >= 9 and numbers["missing"] == numbers["invented"] == 0
