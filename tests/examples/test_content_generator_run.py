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
GOOD, BROKEN = "tool-library", "river-restoration"
KEY = {"OPENAI_API_KEY": "none"}
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def replies(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    path = Path(__file__).with_name("content_generator_replies.py")
    return load(path, "content_generator_replies")


def options(server: Any) -> tuple[str, ...]:
    """Of a run; the same text scores the same, so that nothing has to be measured again."""
    model = ("--model", "openai/test", "--api-base", server.base)
    return (*model, "--seed-runs", "1", "--final-runs", "1")


def test_a_broken_topic_does_not_stop_the_others_and_a_second_call_goes_on_with_it(
    chat: Callable[[Any], Any],
    task_copy: Callable[[str], Path],
    evolve: Callable[..., Done],
    replies: ModuleType,
) -> None:
    folder = task_copy("content_generator")
    topics = folder / "topics" / "topic_list.md"
    text = topics.read_text()
    tool, river = text.index("## Tool"), text.index("## River")
    topics.write_text(text[river : text.index("## Electric")] + text[tool:river])
    aside = folder.parent / "aside"
    shutil.move(folder / "sources" / BROKEN, aside)
    (folder / "sources" / BROKEN).mkdir()
    server = chat(replies.script)

    first = evolve(folder, *options(server), env=KEY)
    assert first.returncode == 1, first.stdout + first.stderr
    assert f"{BROKEN} failed" in first.stdout
    assert [path.stem for path in articles(folder)] == [GOOD]
    assert {replies.topic_of(request) for request in server.requests} == {GOOD}
    written = articles(folder)[0].read_text()
    notes, *others = [r for r in server.requests if not r.is_for_lessons]
    assert notes.is_for_notes
    assert not any(request.is_for_notes for request in others)
    assert all("the clipboard on the garage door" in request.user for request in others)
    assert all("Nadia Brandt" in request.system for request in server.requests)

    (folder / "sources" / BROKEN).rmdir()
    shutil.move(aside, folder / "sources" / BROKEN)
    asked = len(server.requests)
    second = evolve(folder, *options(server), env=KEY)
    assert second.returncode == 0, second.stdout + second.stderr
    assert {replies.topic_of(request) for request in server.requests[asked:]} == {BROKEN}
    assert (folder / "output" / "articles" / f"{GOOD}.md").read_text() == written
    for item in (GOOD, BROKEN):
        assert item in second.stdout.rpartition("children")[2], "it is in the table"
        assert reaches_the_target(folder, item)


@pytest.mark.slow
def test_all_topics_get_their_articles(
    chat: Callable[[Any], Any],
    task_copy: Callable[[str], Path],
    evolve: Callable[..., Done],
    replies: ModuleType,
) -> None:
    folder = task_copy("content_generator")
    done = evolve(folder, *options(chat(replies.script)), env=KEY)
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
