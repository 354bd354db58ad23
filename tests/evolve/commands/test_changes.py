"""The story of a genome: what still stands in its text, and nothing that was undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

SEED = """\
import os
from given import GOAL

WIDTH = 32
RATE = 0.1
DEPTH = 1
# idle
IDLE = 1

print("score:", 2 + abs(RATE - GOAL) + 8 / WIDTH + 1 / DEPTH)
print("size:", WIDTH)
print("work:", 100)
"""


def with_values(**values: object) -> str:
    text = SEED
    for name, value in values.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    return text


STEPS = (
    with_values(RATE=0.2),
    with_values(RATE=0.2, WIDTH=48, DEPTH=2),
    with_values(RATE=0.25, WIDTH=48, DEPTH=2),
    with_values(RATE=0.25, WIDTH=64, DEPTH=2),
    with_values(RATE=0.25, WIDTH=64, DEPTH=2).replace("# idle\nIDLE = 1\n", ""),
    with_values(RATE=0.25, WIDTH=64, DEPTH=4).replace("# idle\nIDLE = 1\n", ""),
)


@pytest.fixture(scope="module")
def grown(steps: ModuleType, make_place: Callable[[], Any]) -> Any:
    """A run of which each child is better than its parent, if only by 1e-5."""
    stage = steps.Stage(make_place())
    texts = [
        step.replace("+ 1 / DEPTH", f"+ 1 / DEPTH - {number}e-5")
        for number, step in enumerate(STEPS, 1)
    ]
    stage.output = stage.evolve(*texts, seed=SEED)
    stage.story = (stage.folder / "artifacts" / "changes.md").read_text()
    return stage


def headings(story: str) -> list[str]:
    return re.findall(r"^### (\d+):", story, re.MULTILINE)


def test_the_story_has_the_steps_that_still_stand_and_names_the_others(grown: Any) -> None:
    assert headings(grown.story) == ["3", "4", "5", "6"]
    assert "2 other ancestors left nothing in it: #1, #2" in grown.story
    listed = re.findall(r"^  #(\d+) step\d: ", grown.output, re.MULTILINE)
    assert listed == ["3", "4", "5", "6"]


def test_it_begins_with_what_differs_from_the_start(grown: Any) -> None:
    assert "In the search the start, genome 0, had score 3.45" in grown.story
    differs = grown.story.partition("## What differs from the start\n\n")[2].partition("\n\n")[0]
    assert differs.splitlines() == [
        "- constant WIDTH: 32 -> 64",
        "- constant RATE: 0.1 -> 0.25",
        "- constant DEPTH: 1 -> 4",
        "- constant IDLE: 2 lines removed",
        "- top-level code near line 8: ... DEPTH) -> ... DEPTH - 6e-5)",
    ]


def test_of_a_step_that_stands_in_part_it_says_which_part(grown: Any) -> None:
    third = grown.story.partition("### 3: ")[2].partition("### 4: ")[0]
    assert "- 1 of its 2 lines still stands: `RATE = 0.25`" in third
    assert "- score 2.71" in third
    assert "better than its parent" in third
    fifth = grown.story.partition("### 5: ")[2].partition("### 6: ")[0]
    assert "- its removal of 2 lines still stands" in fifth
    assert "still stands" not in grown.story.partition("### 6: ")[2]


def test_what_an_operator_says_of_every_child_is_said_once(grown: Any) -> None:
    assert grown.story.count("expected: another score") == 1
    shown = grown.call("show", "a", "best")
    assert shown.count("expected: another score") == 1


def test_show_lists_what_still_stands_of_any_genome(grown: Any) -> None:
    shown = grown.call("show", "a", "4")
    before = shown.partition("the changes before it that still stand:")[2]
    assert re.findall(r"^#(\d+) step", before, re.MULTILINE) == ["2", "3"]
    assert "1 of its 3 lines still stands: `DEPTH = 2`" in before
    assert "1 other ancestor left nothing in it: #1" in before
    assert "before it" not in grown.call("show", "a", "1")
