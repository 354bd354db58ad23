"""The operators that ask a language model, which is here a list of replies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.rows import ModelCall
from evolve.genome import RefusedError, screen
from evolve.models import ModelError
from evolve.operators import (
    Operator,
    ProposalError,
    estimate_tokens,
)
from evolve.operators.conversation import RAISE, RETRIES
from evolve.operators.crossover import Crossover
from evolve.operators.mutations import AIM, REPAIR, REWORK, SIMPLIFY, TWEAK
from evolve.operators.prompts.reply_forms import EDIT_TOKENS
from tests.evolve.operators.asking import (
    CUT,
    FIRST,
    GOOD,
    SECOND,
    Model,
    Reply,
    context,
    edit,
    parent,
    tweak,
)
from trainer.task import Task

DOWN = ModelError(
    "model m did not answer: no route", ModelCall("m", "prompt", error="no route", seconds=2.0)
)


def failure(task: Task, *replies: Reply, **options: Any) -> tuple[ProposalError, Model]:
    model = Model(*replies)
    with pytest.raises(ProposalError) as caught:
        TWEAK.propose([parent()], context(task, model, **options))
    return caught.value, model


CHILD = FIRST.replace("WIDTH = 32  # é", "WIDTH = 64")


# -- from a reply to a child ----------------------------------------------------------------------


def test_a_reply_becomes_a_child_with_its_idea_and_its_expectation(task: Task) -> None:
    proposal, model = tweak(task, GOOD)
    assert proposal.source == CHILD
    assert (proposal.description, proposal.notes) == ("wider", "more room")
    assert len(model.asked) == 1


def test_a_whole_file_becomes_a_child_too(task: Task) -> None:
    proposal, _ = tweak(task, f"IDEA: wider\n```python\n{CHILD}```\n")
    assert (proposal.source, proposal.notes) == (CHILD, "")


# -- a reply that cannot be used ------------------------------------------------------------------

UNUSABLE = [
    ("I would rather not.", "neither a SEARCH/REPLACE block nor the whole file"),
    (edit("DEPTH = 3", "DEPTH = 4"), "is not in the file"),
    (GOOD.replace("IDEA", "THOUGHT"), "`IDEA: what the change is, in one line` is missing"),
    (edit("WIDTH = 32  # é", "WIDTH = 32  # é"), "changes nothing"),
    (edit("WIDTH = 32  # é", "WIDTH = ("), "no valid Python"),
    (edit("import given; print(given.GOAL)", ""), "no longer uses `GOAL`, which the task demands"),
    ("", "neither a SEARCH/REPLACE block nor the whole file"),
]


@pytest.mark.parametrize(("reply", "reason"), UNUSABLE)
def test_it_goes_back_to_the_model_with_the_reason(task: Task, reply: str, reason: str) -> None:
    proposal, model = tweak(task, reply, GOOD)
    assert proposal.source == CHILD
    first, second = model.asked
    assert second[:2] == first
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert second[2]["content"] == (reply or "(an empty reply)")
    assert reason in second[3]["content"]


def test_the_lines_that_come_closest_go_back_too_and_of_a_long_reply_only_its_beginning(
    task: Task,
) -> None:
    long = edit("WIDTH = 31  # é", "x") + "y" * 10**6
    _, model = tweak(task, long, GOOD)
    *_, again, reason = model.asked[1]
    assert "it comes closest to line 4:\n\nWIDTH = 32  # é\n\nAnswer again" in reason["content"]
    assert long.startswith(again["content"])
    assert len(GOOD) < len(again["content"]) < 10**5


@pytest.mark.parametrize(("reply", "reason"), UNUSABLE)
def test_three_times_is_once_too_often(task: Task, reply: str, reason: str) -> None:
    error, model = failure(task, edit("nowhere", "x"), edit("no", "x"), reply, GOOD)
    assert reason in str(error)
    assert not error.unreachable
    assert len(model.asked) == RETRIES + 1 == 3


def test_a_known_child_is_refused_in_the_words_of_the_screen(task: Task) -> None:
    def refuse(source: str) -> None:
        if source == CHILD:
            raise RefusedError("seen before")

    other = edit("RATE = 0.1", "RATE = 0.2")
    proposal, model = tweak(task, GOOD, other, screen=refuse)
    assert "RATE = 0.2" in proposal.source
    assert "WIDTH = 32" in proposal.source, "the edit is of the file as it was first shown"
    assert "seen before" in model.asked[1][-1]["content"]
    error, _ = failure(task, GOOD, GOOD, GOOD, screen=refuse)
    assert str(error) == "seen before"


# -- how long a reply may be ----------------------------------------------------------------------

ENDLESS = "IDEA: wider\nWHY: " + "it is wider, and " * 900 + CUT


def test_a_reply_has_room_for_the_whole_file_and_its_reasons(task: Task) -> None:
    _, model = tweak(task, GOOD)
    (limit,) = model.limits
    assert limit >= EDIT_TOKENS + estimate_tokens(FIRST)
    long = FIRST + "# a comment\n" * 9000
    whole = Model(edit("RATE = 0.1", "RATE = 0.2"))
    TWEAK.propose([parent(long)], context(task, whole, request_tokens=10**6))
    assert whole.limits[0] > limit + estimate_tokens(long[len(FIRST) :])


@pytest.mark.parametrize(
    ("reply", "factor"),
    [
        ("IDEA: wider\nWHY: more room\n\n<<<<<<< SEARCH\nWIDTH" + CUT, RAISE),
        ("<think>\nLet me see what could be wider: " + CUT, RAISE),
        (CUT, RAISE),
        (ENDLESS, 1),
        ("I think that it should be wider, for several good reasons. First," + CUT, 1),
        ("no edit, but it is whole", 1),
    ],
    ids=["an edit", "reasoning", "hidden reasoning", "endless", "chatter", "whole"],
)
def test_the_limit_is_raised_where_a_reply_was_cut_and_good(
    task: Task, reply: str, factor: int
) -> None:
    _, model = tweak(task, reply, GOOD)
    first, second = model.limits
    assert second == factor * first


# -- a model that does not answer -----------------------------------------------------------------


def test_an_unresponsive_model_is_not_the_replys_fault(task: Task) -> None:
    error, model = failure(task, DOWN, GOOD)
    assert error.unreachable
    assert str(error) == "model m did not answer: no route"
    assert len(model.asked) == 1


def test_a_model_that_stops_responding_is_not_asked_once_more(task: Task) -> None:
    error, model = failure(task, "What?", DOWN)
    assert error.unreachable
    assert len(model.asked) == 2


@pytest.mark.parametrize("operator", [TWEAK, REWORK, SIMPLIFY, AIM, REPAIR, Crossover()])
def test_without_a_model_it_says_how_to_name_one(task: Task, operator: Operator) -> None:
    assert operator.needs_model
    parents = [parent(FIRST, 3), parent(SECOND, 8)][: operator.arity]
    with pytest.raises(ProposalError, match="--model") as caught:
        operator.propose(parents, context(task, None))
    assert not caught.value.unreachable


# -- whatever comes -------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        *("IDEA: x\n", "WHY: y\n", "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "```\n"),
        *("WIDTH = 32  # é\n", "RATE = 0.1\n", "RATE = 0.2\n", "GOAL = (\n", FIRST, SECOND, "\0"),
    ]
)
replies = st.lists(pieces | st.text(max_size=6), max_size=8).map("".join) | st.sampled_from(
    [GOOD, DOWN]
)


@settings(max_examples=200, deadline=None)
@given(replies, replies)
def test_any_replies_make_a_child_or_a_reason(task: Task, one: Reply, two: Reply) -> None:
    model, proposal, refusal = Model(one, two, one), None, None
    try:
        proposal = TWEAK.propose([parent()], context(task, model))
    except ProposalError as error:
        refusal = error
    if proposal is not None:
        screen(proposal.source, task, ())  # raises if this is not worth a run
        assert proposal.source != FIRST
        assert proposal.description == " ".join(proposal.description.split()) != ""
    else:
        assert refusal is not None
        assert str(refusal)
        assert refusal.unreachable == (DOWN in (one, two, one)[: len(model.asked)])
    assert 1 <= len(model.asked) <= RETRIES + 1
