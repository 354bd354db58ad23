"""How long a reply may be: a model that never stops is stopped."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.models import CostBudget, Ensemble, LiteLLM, TooLongError
from evolve.models.catalogue import REASONING_TOKENS, ReplyRoom, find_reply_room
from evolve.models.client import REPLY_LIMIT
from evolve.models.context_window import LEAST_REPLY, ContextWindow
from evolve.models.route import GROWTH, LONGEST_REPLY

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
A = "openai/a"


def limits(server: Any) -> list[object]:
    """The limit of each request that came, whatever it is called."""
    names = ("max_tokens", "max_completion_tokens")
    return [next((r.options[n] for n in names if n in r.options), None) for r in server.requests]


# -- a limit with every request -------------------------------------------------------------------


def test_every_request_limits_its_reply(chat: Any) -> None:
    server = chat(lambda request: 500 if request.number == 0 else "yes")
    model = LiteLLM(A, api_base=server.base, sleep=lambda seconds: None)
    model(ASKED)
    model(ASKED, max_tokens=123)
    assert limits(server) == [REPLY_LIMIT, REPLY_LIMIT, 123]


def test_a_model_that_never_stops_is_stopped_before_the_time_is_over(
    chat: Any, scripted: ModuleType
) -> None:
    """Its server writes a token a millisecond, as long as nobody stops it."""

    def script(request: Any) -> Any:
        tokens = request.options.get("max_tokens", 10**6)
        answer = scripted.completion("on and " * min(tokens, 50))
        answer["choices"][0]["finish_reason"] = "length"
        return scripted.Raw(json.dumps(answer).encode(), wait=tokens / 1000)

    call = LiteLLM(A, api_base=chat(script).base, timeout=20)(ASKED, max_tokens=100)
    assert call.cut
    assert call.reply.startswith("on and on and")


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ("max_completion_tokens", ["max_tokens", "max_completion_tokens", "max_completion_tokens"]),
        (None, ["max_tokens", "max_completion_tokens", None, None]),
    ],
)
def test_a_server_that_calls_the_limit_by_another_name_gets_that(
    chat: Any, known: str | None, sent: list[str | None]
) -> None:
    def script(request: Any) -> Any:
        for name in ("max_tokens", "max_completion_tokens"):
            if name in request.options and name != known:
                return 400, f"Unsupported parameter: '{name}' is not supported with this model."
        return "yes"

    server = chat(script)
    model = LiteLLM(A, api_base=server.base)
    assert [model(ASKED).reply for _ in range(2)] == ["yes", "yes"]
    names = [[name for name in request.options if "tokens" in name] for request in server.requests]
    assert [(found or [None])[0] for found in names] == sent, "it is asked for wrongly but once"


def refuse_above(window: int) -> Any:
    """A server with room for so many tokens, request and reply together, which says so."""

    def script(request: Any) -> Any:
        limit = request.options["max_tokens"]
        size = len(json.dumps(request.messages)) // 4
        if size + limit <= window:
            return "yes"
        return 400, (
            f"This model's maximum context length is {window} tokens. However, you requested "
            f"{size + limit} tokens ({size} in the messages, {limit} in the completion)."
        )

    return script


def test_where_the_context_has_no_room_for_the_limit_it_is_lowered_once_and_for_all(
    chat: Any,
) -> None:
    server = chat(refuse_above(4096))
    model = LiteLLM(A, api_base=server.base)
    for _ in range(2):
        assert model(ASKED, max_tokens=8000).reply == "yes"
    assert limits(server) == [8000, 2000, 2000]
    long = [{"role": "user", "content": "word " * 2400}]
    assert model(long, max_tokens=2000).reply == "yes", "there is room for a thousand tokens"
    with pytest.raises(TooLongError):
        model([{"role": "user", "content": "word " * 4000}], max_tokens=2000)
    assert limits(server)[-1] == LEAST_REPLY


def test_a_request_that_is_too_long_by_itself_is_sent_once(chat: Any) -> None:
    server = chat(lambda request: (400, "the request exceeds the available context size"))
    with pytest.raises(TooLongError):
        LiteLLM(A, api_base=server.base)(ASKED)
    assert len(server.requests) == 1


def test_a_limit_above_what_the_model_can_give_is_lowered(chat: Any) -> None:
    message = "max_tokens: {} > 1500, which is the maximum allowed number of output tokens"

    def script(request: Any) -> Any:
        limit = request.options["max_tokens"]
        return (400, message.format(limit)) if limit > 1500 else "yes"

    assert LiteLLM(A, api_base=chat(script).base)(ASKED, max_tokens=9000).reply == "yes"


@given(
    st.integers(1, 100_000), st.lists(st.integers(1, 60_000), max_size=20), st.integers(1, 64_000)
)
def test_a_reply_is_never_lowered_below_the_least_nor_raised(
    window: int, sizes: list[int], wanted: int
) -> None:
    known = ContextWindow()
    for size in sizes:
        limit = known.fit_reply(size, wanted)
        assert min(wanted, LEAST_REPLY) <= limit <= wanted
        refusals = 0
        while size + limit > window and known.record_refusal(size, limit):
            refusals += 1
            assert known.fit_reply(size, wanted) < limit, "each refusal lowers it"
            limit = known.fit_reply(size, wanted)
        assert refusals <= 5


@pytest.mark.parametrize(
    ("name", "api_base", "room"),
    [
        ("gpt-4o", None, ReplyRoom(0, 16384)),
        ("anthropic/claude-sonnet-4-5", None, ReplyRoom(REASONING_TOKENS, 64000)),
        ("groq/of-tomorrow", None, ReplyRoom()),
        ("openai/gpt-4o", "http://127.0.0.1:9/v1", ReplyRoom()),
    ],
)
def test_what_is_known_of_a_hosted_models_replies_counts(
    name: str, api_base: str | None, room: ReplyRoom
) -> None:
    assert find_reply_room(name, api_base) == room
    assert room.limit(10**9) == min(10**9 + room.extra, room.most)
    assert room.limit(3000) == 3000 + room.extra


# -- a model with long replies --------------------------------------------------------------------


def test_a_model_whose_whole_replies_are_long_may_write_such_ones_again(
    chat: Any, scripted: ModuleType
) -> None:
    def script(request: Any) -> Any:
        answer = scripted.completion("a reply")
        answer["usage"]["completion_tokens"] = (20, 9000, 9000, 90_000, 5)[request.number]
        if request.number == 1:
            answer["choices"][0]["finish_reason"] = "length"
        return answer

    server = chat(script)
    ensemble = Ensemble([LiteLLM(A, api_base=server.base)], budget=CostBudget(None), patience=60)
    for _ in range(5):
        ensemble.ask(A, ASKED, [], max_tokens=3000)
    expected = [3000, 3000, 3000, GROWTH * 9000, LONGEST_REPLY]
    assert limits(server) == expected, "a reply that was cut shows nothing"
