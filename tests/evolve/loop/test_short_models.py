"""Models with a short breath: replies that were cut, requests that are too long for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.rows import ModelCall
from evolve.edits import EditError, read_reply
from evolve.genome.screening import screen
from evolve.models import CostBudget, Ensemble, LiteLLM
from evolve.operators import OPERATORS, Context, Parent, Proposal, ProposalError, Section
from evolve.operators.conversation import HALVINGS, RETRIES
from population import Direction, Individual, Measurement, Status

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

MODEL = "openai/test"
SOURCE = "import given; print(given.GOAL)\n\nWIDTH = 32\nRATE = 0.1\nDECAY = 0.9\n"
CHILD = SOURCE.replace("32", "64").replace("0.9", "0.97")
CUT_AFTER = 2100  # tokens, about the limit of a reply here
LABELS = "IDEA: wider\nWHY: more room\n\n"


def block(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


BLOCKS = f"{LABELS}{block('WIDTH = 32', 'WIDTH = 64')}\n{block('DECAY = 0.9', 'DECAY = 0.97')}"
HUNK = "@@\n-WIDTH = 32\n+WIDTH = 64\n RATE = 0.1\n-DECAY = 0.9\n+DECAY = 0.97\n"
EDITS = {
    "idea": "wider",
    "edits": [
        {"search": "WIDTH = 32", "replace": "WIDTH = 64"},
        {"search": "DECAY = 0.9", "replace": "DECAY = 0.97"},
    ],
}
FORMS = {
    "blocks": BLOCKS,
    "blocks in a fence": BLOCKS.replace(LABELS, f"{LABELS}```\n") + "```\n",
    "a diff": f"{LABELS}```diff\n{HUNK}```\n",
    "a diff without a fence": f"{LABELS}--- toy.py\n+++ toy.py\n{HUNK}",
    "the whole file": f"{LABELS}```python\n{CHILD}```\nThat is all; I hope that it helps.\n",
    "JSON": json.dumps(EDITS) + "\nThat is all.",
    "constants": '{"idea": "wider", "constants": {"WIDTH": 64, "DECAY": 0.97}}',
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_child_where_it_is_whole(form: str) -> None:
    assert read_reply(FORMS[form], SOURCE, genome="toy.py").source == CHILD


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_of_a_reply_that_was_cut_all_is_taken_or_nothing(form: str, data: st.DataObject) -> None:
    reply = FORMS[form]
    rest = reply[: data.draw(st.integers(0, len(reply) - 1))]
    with suppress(EditError):
        assert read_reply(rest, SOURCE, genome="toy.py", cut=True).source == CHILD


def test_what_is_whole_although_it_was_cut_is_taken() -> None:
    for form in ("the whole file", "JSON"):
        rest = FORMS[form][:-4]
        assert read_reply(rest, SOURCE, genome="toy.py", cut=True).source == CHILD


# -- over HTTP ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(make_place: Callable[[], Any]) -> Any:
    return make_place()


def propose(
    toy: Any, server: Any, background: Sequence[Section] = ()
) -> tuple[Proposal | ProposalError, list[ModelCall]]:
    """A proposal of the operator `tweak`, or why there is none, and the requests for it."""
    runs = (Measurement(Status.OK, 2.25, {"size": 1.0, "speed": 1.0}, 5.0),)
    individual = Individual(3, "c", (), "seed", "", 0, Direction.MINIMIZE, runs)
    calls: list[ModelCall] = []
    ensemble = Ensemble(
        [LiteLLM(MODEL, api_base=server.base)],
        budget=CostBudget(None),
        patience=60,
        sleep=lambda s: None,
    )
    context = Context(
        task=toy.task,
        rng=np.random.default_rng(0),
        screen=partial(screen, task=toy.task, known=()),
        ask=partial(ensemble.ask, MODEL, calls=calls),
        background=background,
    )
    try:
        return OPERATORS["tweak"].propose([Parent(individual, SOURCE)], context), calls
    except ProposalError as error:
        return error, calls


def cut(scripted: ModuleType, text: str, tokens: int = CUT_AFTER) -> dict[str, Any]:
    """A response that ends after so many tokens though the model has not ended it."""
    answer: dict[str, Any] = scripted.completion(text)
    answer["choices"][0]["finish_reason"] = "length"
    answer["usage"]["completion_tokens"] = tokens
    return answer


@pytest.mark.parametrize(
    "text",
    [f"{LABELS}```python\n{CHILD[:40]}", BLOCKS[:-20], f"{LABELS}{block('WIDTH = 32', 'W')}", ""],
    ids=["a file", "a block", "between blocks", "nothing"],
)
def test_the_model_is_told_that_it_was_cut_and_to_answer_in_small_blocks(
    toy: Any, chat: Any, scripted: ModuleType, text: str
) -> None:
    server = chat(lambda request: BLOCKS if request.is_retry else cut(scripted, text))
    made, calls = propose(toy, server)
    assert isinstance(made, Proposal), made
    assert made.source == CHILD
    assert [call.cut for call in calls] == [True, False]
    reason = server.requests[1].last
    assert f"was cut at its length limit, after {CUT_AFTER} tokens" in reason
    assert "small SEARCH/REPLACE blocks instead of the whole file" in reason


def test_a_long_reply_that_was_cut_is_not_sent_back_whole(
    toy: Any, chat: Any, scripted: ModuleType
) -> None:
    text = f"{LABELS}```python\n" + "x = 1\n" * 9000
    server = chat(lambda request: BLOCKS if request.is_retry else cut(scripted, text))
    assert isinstance(propose(toy, server)[0], Proposal)
    assert len(server.requests[1].messages[2]["content"]) < 5000


def test_a_model_that_is_always_cut_gives_no_child_and_is_not_called_silent(
    toy: Any, chat: Any, scripted: ModuleType
) -> None:
    server = chat(lambda request: cut(scripted, BLOCKS[:-9]))
    made, calls = propose(toy, server)
    assert isinstance(made, ProposalError)
    assert not made.unreachable
    assert len(calls) == RETRIES + 1


HISTORY = [Section("Tried:", [f"- genome {n}: something: worse" for n in range(400)])]


def limited_to(characters: int, then: Any) -> Callable[[Any], Any]:
    """A script of a server whose model takes no more characters than that."""

    def script(request: Any) -> Any:
        if sum(len(message["content"]) for message in request.messages) > characters:
            return 400, "This model's maximum context length is 4096 tokens."
        return then(request) if callable(then) else then

    return script


def test_a_request_that_is_too_long_is_packed_again_in_half_the_room(toy: Any, chat: Any) -> None:
    server = chat(lambda request: BLOCKS)
    propose(toy, server, HISTORY)
    whole = server.requests[0]
    least = len(whole.system) + len(whole.user) // 4 + 500
    server = chat(limited_to(least, BLOCKS))
    made, calls = propose(toy, server, HISTORY)
    assert isinstance(made, Proposal), made
    assert [bool(call.error) for call in calls] == [True, True, False]
    lengths = [len(request.user) for request in server.requests]
    assert lengths[0] > 1.5 * lengths[1] > 2 * lengths[2]
    last = server.requests[-1].user
    assert SOURCE in last, "the genome is never cut"
    assert last.endswith(OPERATORS["tweak"].instruction), "nor the question"
    assert "- genome 3: something" in last, "what matters most comes first"


def test_where_the_context_is_full_less_is_sent_rather_than_a_longer_reply_asked_for(
    toy: Any, chat: Any, scripted: ModuleType
) -> None:
    server = chat(lambda r: BLOCKS if r.number else cut(scripted, BLOCKS[:-20], tokens=90))
    made, calls = propose(toy, server, HISTORY)
    assert isinstance(made, Proposal), made
    assert [(call.cut, call.full) for call in calls] == [(False, True), (False, False)]
    first, second = server.requests
    assert not second.is_retry, "what was said would make it longer still"
    assert len(second.user) < len(first.user)
    assert second.options["max_tokens"] == first.options["max_tokens"]


def test_a_context_that_stays_full_is_called_so(toy: Any, chat: Any, scripted: ModuleType) -> None:
    server = chat(lambda request: cut(scripted, "IDEA: wid", tokens=9))
    made, _ = propose(toy, server, HISTORY)
    assert isinstance(made, ProposalError)
    assert "the model's context was full, after 1,000 tokens of request and 9 of reply" in str(made)
    assert "--context-tokens" in str(made)


def test_what_is_whole_although_the_context_was_full_is_taken(
    toy: Any, chat: Any, scripted: ModuleType
) -> None:
    server = chat(lambda request: cut(scripted, FORMS["constants"], tokens=9))
    made, _ = propose(toy, server)
    assert isinstance(made, Proposal), made


def test_what_stays_too_long_is_given_up(toy: Any, chat: Any) -> None:
    server = chat(limited_to(10, BLOCKS))
    made, calls = propose(toy, server, HISTORY)
    assert isinstance(made, ProposalError)
    assert made.unreachable
    assert "maximum context length" in str(made)
    assert len(calls) == len(server.requests) == HALVINGS + 1


def test_a_talk_that_grows_too_long_goes_on_with_a_shorter_beginning(toy: Any, chat: Any) -> None:
    server = chat(lambda request: BLOCKS)
    propose(toy, server, HISTORY)
    room = sum(len(message["content"]) for message in server.requests[0].messages) + 50
    server = chat(
        limited_to(room, lambda request: BLOCKS if request.is_retry else "I rather not. " * 9)
    )
    made, calls = propose(toy, server, HISTORY)
    assert isinstance(made, Proposal), made
    assert [bool(call.error) for call in calls] == [False, True, False]
    before, after = server.requests[1:]
    assert before.messages[2:] == after.messages[2:], "what was said stays"
    assert len(after.user) < len(before.user)
