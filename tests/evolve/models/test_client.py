"""Language models: real requests to a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import ModuleType
from typing import Any

import pytest

from evolve.models import LiteLLM, ModelError, Price, RateLimitError, TooLongError
from evolve.models.client import MAX_RETRIES
from evolve.models.rate_limits import FIRST_PAUSE

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "system", "content": "Be é."}, {"role": "user", "content": "Hello?"}]

Chat = Callable[[Callable[[Any], Any]], Any]


def error_of(model: LiteLLM) -> ModelError:
    with pytest.raises(ModelError) as caught:
        model(ASKED)
    return caught.value


def test_a_reply_comes_with_its_tokens_its_cost_and_its_time(
    chat: Chat, scripted: ModuleType
) -> None:
    server = chat(lambda request: "Göd dag\n")
    times = iter([10.0, 12.5, 12.5])
    model = LiteLLM(
        "openai/test", api_base=server.base, price=Price(3, 10), clock=lambda: next(times)
    )
    call = model(ASKED)
    assert (call.model, call.reply, call.error) == ("openai/test", "Göd dag\n", "")
    assert (call.tokens_in, call.tokens_out) == (scripted.TOKENS_IN, scripted.TOKENS_OUT)
    assert call.cost == pytest.approx((3 * scripted.TOKENS_IN + 10 * scripted.TOKENS_OUT) / 1e6)
    assert call.seconds == 2.5
    assert json.loads(call.prompt) == ASKED
    (request,) = server.requests
    assert (request.model, request.messages) == ("test", ASKED)


def test_a_cost_is_unknown_rather_than_nothing_without_a_price(chat: Chat) -> None:
    server = chat(lambda request: "yes")
    assert LiteLLM("openai/test", api_base=server.base)(ASKED).cost is None
    assert LiteLLM("openai/test", api_base=server.base, price=Price(0, 0))(ASKED).cost == 0


@pytest.mark.parametrize("content", ["", None])
def test_an_empty_reply_costs_what_it_took(
    chat: Chat, scripted: ModuleType, content: str | None
) -> None:
    answer = scripted.completion("")
    answer["choices"][0]["message"]["content"] = content
    server = chat(lambda request: answer)
    call = LiteLLM("openai/test", api_base=server.base, price=Price(1, 1))(ASKED)
    assert call.reply == ""
    assert call.cost == pytest.approx((scripted.TOKENS_IN + scripted.TOKENS_OUT) / 1e6)


@pytest.mark.parametrize("count", [None, 0, -3, 10**30])
def test_what_the_server_does_not_count_is_guessed_and_not_free(chat: Chat, count: object) -> None:
    counts = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), count)
    answer = {"choices": [{"message": {"content": "word " * 400}}], "usage": counts}
    server = chat(lambda request: answer)
    call = LiteLLM("openai/test", api_base=server.base, price=Price(1, 10))(ASKED)
    assert 400 <= call.tokens_out <= 600
    assert 10 <= call.tokens_in <= 40
    assert call.cost == pytest.approx((call.tokens_in + 10 * call.tokens_out) / 1e6)


def test_the_arguments_of_a_tool_call_are_part_of_the_reply(
    chat: Chat, scripted: ModuleType
) -> None:
    answer = scripted.completion("Words.")
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    answer["choices"][0]["message"]["tool_calls"] = [call]
    server = chat(lambda request: answer)
    reply = LiteLLM("openai/test", api_base=server.base)(ASKED).reply
    assert reply == 'Words.\n{"a": 1}'


def test_a_reply_can_be_written_to_a_file_whatever_the_model_sends(chat: Chat) -> None:
    server = chat(lambda request: "half of a pair: \ud800.")
    reply = LiteLLM("openai/test", api_base=server.base)(ASKED).reply
    assert reply.encode().startswith(b"half of a pair: ")
    assert reply.endswith(".")


def test_a_refused_key_is_not_tried_again(chat: Chat) -> None:
    server = chat(lambda request: 401)
    error = error_of(LiteLLM("openai/test", api_base=server.base, clock=lambda: 1.0))
    words = "model openai/test did not answer: AuthenticationError: "
    assert str(error).startswith(words)
    assert str(error).removeprefix(words).startswith("scripted failure 401"), "said once"
    assert len(server.requests) == 1
    assert (error.call.reply, error.call.cost, error.call.seconds) == ("", None, 0)
    assert error.call.error in str(error)
    assert json.loads(error.call.prompt) == ASKED


def test_a_server_that_stumbles_is_asked_again(chat: Chat) -> None:
    server = chat(lambda request: 500 if request.number == 0 else "there")
    pauses: list[float] = []
    model = LiteLLM("openai/test", api_base=server.base, sleep=pauses.append, jitter=lambda: 0.5)
    assert model(ASKED).reply == "there"
    assert len(server.requests) == 2
    assert pauses == [0.75 * FIRST_PAUSE]


@pytest.mark.parametrize("status", [500, 502, 503, 529, 409])
def test_a_server_that_fails_for_good_is_given_up_after_some_pauses(
    chat: Chat, status: int
) -> None:
    server = chat(lambda request: status)
    pauses: list[float] = []
    error = error_of(
        LiteLLM("openai/test", api_base=server.base, sleep=pauses.append, jitter=lambda: 1.0)
    )
    assert f"scripted failure {status}" in error.call.error
    assert len(server.requests) == 1 + MAX_RETRIES
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]


@pytest.mark.parametrize("retries", [0, 1])
def test_the_number_of_retries_is_the_callers(chat: Chat, retries: int) -> None:
    server = chat(lambda request: 503)
    error_of(
        LiteLLM("openai/test", api_base=server.base, max_retries=retries, sleep=lambda s: None)
    )
    assert len(server.requests) == 1 + retries


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    chat: Chat, scripted: ModuleType
) -> None:
    server = chat(lambda request: scripted.Raw(b" " * 600, gap=0.1))
    error = error_of(LiteLLM("openai/test", api_base=server.base, timeout=1))
    assert error.call.error == "TimeoutError: no whole reply within 4 s"


def test_a_server_that_hangs_is_given_up(chat: Chat) -> None:
    release = threading.Event()

    def hang(request: Any) -> str:
        release.wait(60)
        return "too late"

    server = chat(hang)
    try:
        error = error_of(LiteLLM("openai/test", api_base=server.base, timeout=0.2))
    finally:
        release.set()
    assert error.call.error.startswith("Timeout")
    assert len(server.requests) == 1, "who hangs once may hang again, for as long"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After-Ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_a_limit_is_told_apart_with_what_the_server_says_of_it(
    chat: Chat, scripted: ModuleType, headers: dict[str, str], seconds: float | None
) -> None:
    body = b'{"error": {"message": "slow down"}}'
    server = chat(lambda request: scripted.Raw(body, 429, headers))
    error = error_of(LiteLLM("openai/test", api_base=server.base))
    assert isinstance(error, RateLimitError)
    assert error.seconds == seconds
    assert len(server.requests) == 1, "when to ask again is not decided here"


def test_a_limit_until_a_date_is_a_limit_of_so_many_seconds(
    chat: Chat, scripted: ModuleType
) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server = chat(lambda request: scripted.Raw(b"{}", 429, {"Retry-After": then}))
    error = error_of(LiteLLM("openai/test", api_base=server.base))
    assert isinstance(error, RateLimitError)
    assert error.seconds == pytest.approx(3600, abs=300)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. Your messages resulted in 5000.",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "exceed_context_size_error",
    ],
)
def test_a_request_that_is_too_long_is_told_apart(chat: Chat, message: str) -> None:
    server = chat(lambda request: (400, message))
    assert isinstance(error_of(LiteLLM("openai/test", api_base=server.base)), TooLongError)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reason", "limit", "cut", "full"),
    [
        ("stop", 200, False, False),
        ("length", 200, True, False),
        ("length", 220, True, False),
        ("length", 2000, False, True),
        (None, 200, False, False),
    ],
)
def test_a_reply_that_was_cut_says_whether_at_its_limit_or_since_the_context_was_full(
    chat: Chat, scripted: ModuleType, reason: str | None, limit: int, cut: bool, full: bool
) -> None:
    answer = scripted.completion("IDEA: so")  # of 200 tokens, as it says
    answer["choices"][0]["finish_reason"] = reason
    server = chat(lambda request: answer)
    call = LiteLLM("openai/test", api_base=server.base)(ASKED, max_tokens=limit)
    assert (call.cut, call.full) == (cut, full)


@pytest.mark.parametrize("answer", [{"hello": 1}, {"choices": []}], ids=["foreign", "no choice"])
def test_an_answer_of_another_form_is_an_error(chat: Chat, answer: dict[str, Any]) -> None:
    server = chat(lambda request: answer)
    assert error_of(LiteLLM("openai/test", api_base=server.base)).call.error


def test_a_long_error_is_one_short_line(chat: Chat) -> None:
    server = chat(lambda request: (400, "so\n\n  it  " * 900))
    error = error_of(LiteLLM("openai/test", api_base=server.base)).call.error
    assert len(error) <= 500
    assert "so it so it so" in error
