"""Which replies that were cut were on a good way: the beginnings of edits, but nothing endless."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.edits import is_on_track
from evolve.edits.cut_replies import LEAST_TAIL, repeats_itself

ROOT = Path(__file__).parents[3]
FILE = (ROOT / "train.py").read_text()


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  \n",
        "IDEA: wider",
        "Sure!\n\n**IDEA:** wider\n",
        "Here it is:\n<<<<<<< SEARCH\nWIDTH = 3",
        f"IDEA: all new\n```python\n{FILE[:6000]}",
        f"```python\n{FILE[:6000]}",
        '{"idea": "wider", "constants": {"WIDTH": ',
        "<think>\nThe learning rate is",
        "[THINK] The learning rate is",
    ],
)
def test_the_beginning_of_an_edit_or_of_reasoning_is_on_a_good_way(reply: str) -> None:
    assert is_on_track(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I think that the learning rate should be higher, because",
        "IDEA: wider\nWHY: " + "because it is wider, " * 200,
        "<think>\n" + "Wait, let me check that again.\n" * 200,
        "IDEA: wider\n```python\n" + "x = 1\n" * 2000,
        "IDEA: wider\n" + "\n" * 5000,
    ],
)
def test_chatter_and_what_repeats_itself_is_not(reply: str) -> None:
    assert not is_on_track(reply)


@given(st.integers(0, len(FILE) - LEAST_TAIL), st.integers(0, 5000))
def test_no_piece_of_a_program_is_taken_for_a_repetition(start: int, length: int) -> None:
    assert not repeats_itself(FILE[start : start + length])


@given(st.text(min_size=1, max_size=60), st.text(max_size=900))
def test_any_short_text_said_often_is_one(piece: str, before: str) -> None:
    assert repeats_itself(before + piece * (4000 // len(piece)))
