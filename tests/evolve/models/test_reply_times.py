"""How long a reply is waited for: as long as it makes progress, up to a limit for the whole."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.rows import ModelCall
from evolve.models import CostBudget, Ensemble, LiteLLM, ModelError, Price, SlowReplyError
from evolve.models.reply_times import LONGEST, MARGIN, WHOLE, ReplyTimes

# litellm's own types make pydantic wonder when it is imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.usefixtures("warmed_up"),
]

ASKED = [{"role": "user", "content": "Hello?"}]
A = "openai/a"


def error_of(model: LiteLLM, **options: Any) -> ModelError:
    with pytest.raises(SlowReplyError) as caught:
        model(ASKED, **options)
    return caught.value


# -- one reply -------------------------------------------------------------------------------------


def test_a_reply_is_waited_for_as_long_as_it_makes_progress(
    chat: Any, scripted: ModuleType
) -> None:
    """It takes twice as long as any part of it may."""
    whole = scripted.completion("on and on and on")
    server = chat(lambda request: scripted.stream(whole, gap=0.25))
    begun = time.monotonic()
    call = LiteLLM(A, api_base=server.base, timeout=2)(ASKED)
    assert call.reply == "on and on and on"
    assert time.monotonic() - begun > 2
    assert len(server.requests) == 1


def test_a_reply_that_stops_on_its_way_is_given_up_with_what_came_and_what_it_cost(
    chat: Any, scripted: ModuleType
) -> None:
    whole = scripted.stream(scripted.completion("IDEA: wider and wider"))
    stuck = replace(whole, gap=60, piece=len(whole.body) // 2)
    server = chat(lambda request: stuck)
    error = error_of(LiteLLM(A, api_base=server.base, timeout=0.5, price=Price(1, 1)))
    assert error.call.error == "TimeoutError: nothing more came for 0.5 s"
    assert error.call.reply
    assert "IDEA: wider and wider".startswith(error.call.reply)
    assert error.call.cost == (error.call.tokens_in + error.call.tokens_out) / 1e6
    assert len(server.requests) == 1, "what takes too long is not sent at once again"


def test_rubbish_that_drips_has_an_end(chat: Any, scripted: ModuleType) -> None:
    rubbish = scripted.completion("".join(f"{number}, " for number in range(999)))
    server = chat(lambda request: scripted.stream(rubbish, pieces=999, gap=0.05))
    error = error_of(LiteLLM(A, api_base=server.base, timeout=1))
    assert error.call.error == "TimeoutError: no whole reply within 4 s"
    assert error.call.reply.startswith("0, 1, 2")
    assert error.call.tokens_out > 0


def test_a_request_that_was_given_up_ends_at_the_server_too(
    chat: Any, scripted: ModuleType, eventually: Any
) -> None:
    rubbish = scripted.completion("".join(f"{number}, " for number in range(999)))
    server = chat(lambda request: scripted.stream(rubbish, pieces=999, gap=0.05))
    error_of(LiteLLM(A, api_base=server.base, timeout=0.2))
    eventually(lambda: server.broken)


def test_a_reply_in_one_piece_is_read_where_a_server_cannot_stream(chat: Any) -> None:
    server = chat(lambda request: "whole")
    server.streams = False
    model = LiteLLM(A, api_base=server.base)
    assert [model(ASKED).reply for _ in range(2)] == ["whole", "whole"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("unknown", ["stream_options", "stream"])
def test_a_server_that_refuses_to_stream_is_asked_without(chat: Any, unknown: str) -> None:
    def script(request: Any) -> Any:
        return (400, f"unknown field {unknown}") if unknown in request.options else "yes"

    server = chat(script)
    model = LiteLLM(A, api_base=server.base)
    assert [model(ASKED).reply for _ in range(2)] == ["yes", "yes"]
    assert unknown not in server.requests[-1].options
    assert len(server.requests) <= 4, "it is asked for wrongly but once"


def test_a_reply_that_is_all_reasoning_is_kept(chat: Any, scripted: ModuleType) -> None:
    answer = scripted.completion("")
    answer["choices"][0]["message"]["reasoning_content"] = "It might be wider."
    server = chat(lambda request: answer)
    model = LiteLLM(A, api_base=server.base)
    assert model(ASKED).reply == "<think>\nIt might be wider."
    server.streams = False
    assert model(ASKED).reply == "<think>\nIt might be wider."


def test_a_reply_that_repeats_a_word_for_ever_ends_early(chat: Any, scripted: ModuleType) -> None:
    pieces = [scripted.stream(scripted.completion("word " * 10)).body.split(b"\n\n")[1]] * 400
    body = b"\n\n".join(pieces)
    raw = scripted.Raw(body, 200, {"Content-Type": "text/event-stream"}, missing=10**6)
    server = chat(lambda request: raw)
    assert LiteLLM(A, api_base=server.base)(ASKED).reply.startswith("word word")
    assert len(server.requests) == 1


# -- what is learnt of a server --------------------------------------------------------------------


def test_a_server_that_is_slower_than_was_thought_gets_its_reply_through_in_the_end(
    chat: Any, scripted: ModuleType
) -> None:
    server = chat(lambda request: scripted.stream(scripted.completion("at last"), wait=0.9))
    model = LiteLLM(A, api_base=server.base, timeout=0.25)
    for _ in range(2):
        assert "nothing came for" in error_of(model).call.error
    assert model(ASKED).reply == "at last"


def test_the_time_for_a_first_part_doubles_up_to_a_limit_and_follows_the_server_back() -> None:
    times, waits = ReplyTimes(60), []
    for _ in range(12):
        waits.append(times.first)
        times.record_silence()
    assert waits[:3] == [60, 120, 240]
    assert waits[-1] == LONGEST
    times.record_first_part(100)
    assert times.first == MARGIN * 100
    times.record_first_part(1)
    assert (times.first, times.whole) == (60, WHOLE * 60)


@given(st.lists(st.floats(0, 1e6) | st.none()), st.floats(0.1, 1e5))
def test_there_is_always_some_time_and_never_more_than_the_limit(
    history: list[float | None], timeout: float
) -> None:
    times = ReplyTimes(timeout)
    for seconds in history:
        if seconds is None:
            times.record_silence()
        else:
            times.record_first_part(seconds)
        assert timeout <= times.first <= max(LONGEST, timeout)


class Slot:
    """A server that works on one request at a time, and the others wait."""

    def __init__(self, scripted: ModuleType, seconds: float) -> None:
        self._scripted, self._seconds = scripted, seconds
        self._lock, self._free_at = threading.Lock(), 0.0

    def __call__(self, request: Any) -> Any:
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + self._seconds
            wait = self._free_at - now
        return self._scripted.stream(self._scripted.completion("yes"), wait=wait)


def test_fewer_requests_are_sent_at_a_time_to_a_server_that_answers_too_late(
    chat: Any, scripted: ModuleType
) -> None:
    """Each reply takes 0.4 s and may take 0.6 s: of four at once, three would be lost each time."""
    server = chat(Slot(scripted, 0.4))
    model = LiteLLM(A, api_base=server.base, timeout=0.6, max_retries=0)
    ensemble = Ensemble([model], budget=CostBudget(None), patience=60)
    calls: list[ModelCall] = []

    def ask() -> None:
        for _ in range(4):
            try:
                ensemble.ask(A, ASKED, calls)
            except ModelError:
                time.sleep(0.05)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ended = Counter(bool(call.error) for call in calls)
    assert ended[True] + ended[False] == 16
    assert ended[False] >= 9, "after the first ones few are lost"
