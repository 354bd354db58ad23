"""A model reads what to do about a refusal; a person reads the reason alone."""

from __future__ import annotations

from typing import Any

import pytest

from evolve.edits import EditError, read_reply
from evolve.genome import RefusedError, identify, screen
from evolve.operators.prompts.retries import explain_refusal

SOURCE = "A = 1\nB = 2\n"


def test_a_genome_that_was_tried_before(place: Any) -> None:
    genome = "from given import GOAL\nA = GOAL\n"
    with pytest.raises(RefusedError) as caught:
        screen(genome, place.task, {identify(genome, "python").exact})
    assert str(caught.value) == "the same program was tried before"
    expected = "the same program was tried before; change something that matters"
    assert explain_refusal(caught.value) == expected


def test_a_reply_with_two_files() -> None:
    files = "```python\nA = 2\nB = 2\n```\n```python\nA = 3\nB = 2\n```\n"
    with pytest.raises(EditError) as caught:
        read_reply(f"IDEA: two\nWHY: both\n\n{files}", SOURCE)
    assert str(caught.value) == "the reply has more than one whole file"
    assert explain_refusal(caught.value).endswith("; give one")


def test_the_lines_that_a_reason_refers_to_stand_below_it() -> None:
    error = EditError("it comes closest to line 1", "A = 1", advice="quote it")
    assert explain_refusal(error) == "it comes closest to line 1; quote it:\n\nA = 1"


@pytest.mark.parametrize("error", [RefusedError("the file is empty"), EditError("no edit")])
def test_a_reason_without_advice_stays_as_it_is(error: EditError | RefusedError) -> None:
    assert explain_refusal(error) == str(error)
