"""Files that hold fences of their own: shown to a model between longer ones, and taken back so."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evolve.edits import read_reply
from evolve.operators.prompts.packing import fence_text

START = "Once upon a time there was.\n"
lines = st.sampled_from(
    [
        *("```", "```python", "````", "~~~", "~~~ text", "    ```", "`code`", "a ```` b", "`" * 9),
        *("Once there was.", "", "# A heading", "- an item", "`````md"),
    ]
)
texts = st.lists(lines, min_size=2, max_size=12).map(lambda all_: "\n".join(["Well.", *all_, "."]))


@given(texts, st.sampled_from(["", "python"]))
@example("```\ncode\n```", "")
@example("````\n```\n````", "python")
def test_a_text_stands_between_fences_that_it_does_not_have(text: str, language: str) -> None:
    first, *inner, last = fence_text(text, language).split("\n")
    assert "\n".join(inner) == text
    assert first == last + language
    assert re.fullmatch("`{3,}", last)
    assert last not in text


@given(texts)
@example("Well.\n```python\nx = 1\n.")  # opened and never closed
@example("Well.\n```\n~~~ text\n```\n.")
def test_a_whole_file_in_such_a_fence_is_taken_as_it_stands(text: str) -> None:
    edit = read_reply(f"IDEA: another story\n\n{fence_text(text)}\n", START, genome="story.md")
    assert edit.source == text + "\n"


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_block_may_hold_fences(fence: str) -> None:
    source = f"Look:\n\n{fence}python\nx = 1\n{fence}\n\nThere.\n"
    reply = (
        f"IDEA: two\n\n`````\n<<<<<<< SEARCH\n{fence}python\nx = 1\n{fence}\n=======\n"
        f"{fence}python\nx = 2\n{fence}\n>>>>>>> REPLACE\n`````\n"
    )
    assert read_reply(reply, source, genome="story.md").source == source.replace("1", "2")


def test_a_file_in_a_short_fence_is_taken_up_to_its_own_end_where_that_is_clear() -> None:
    text = "Look:\n\n```python\nx = 1\n```\n\nThere.\n"
    reply = f"IDEA: an example\n\n```\n{text}```\n"
    assert read_reply(reply, START, genome="story.md").source == text
