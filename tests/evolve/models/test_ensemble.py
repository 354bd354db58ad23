"""Several models as one, each behind a real HTTP server on this machine; only time is not real."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from archive.rows import ModelCall
from evolve.models import CostBudget, Ensemble, LiteLLM, ModelError, RateLimitError
from evolve.models.rate_limits import FIRST_PAUSE

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
PATIENCE = 60.0
A, B = "openai/a", "openai/b"


def limited(scripted: ModuleType, seconds: object = None) -> Any:
    """HTTP 429."""
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return scripted.Raw(b'{"error": {"message": "slow down"}}', 429, headers)


def asked(server: Any) -> list[str]:
    return [request.model for request in server.requests]


def told(calls: list[ModelCall]) -> list[tuple[str, bool]]:
    """Who was asked, and whether the answer came."""
    return [(call.model, not call.error) for call in calls]


# -- another model takes over ---------------------------------------------------------------------

FAILURES = ["500", "503", "401", "404", "closed", "hang", "no JSON", "another form"]


def failing(scripted: ModuleType, name: str) -> Any:
    return {
        "closed": scripted.Raw(None),
        "hang": scripted.Raw(b"", wait=60),
        "no JSON": scripted.Raw(b"<html>"),
        "another form": {"hello": 1},
    }.get(name) or int(name)


@pytest.mark.parametrize("name", FAILURES)
def test_what_a_model_fails_to_answer_another_one_is_asked(
    both: Any, scripted: ModuleType, name: str
) -> None:
    ensemble, server = both(a=lambda request: failing(scripted, name))
    calls: list[ModelCall] = []
    answer = ensemble.ask(A, ASKED, calls)
    assert (answer.model, answer.reply) == (B, "b says so")
    assert told(calls) == [(A, False), (B, True)]
    assert calls[-1] == answer
    first, second = server.requests
    assert first.messages == second.messages == ASKED


def test_the_one_that_was_drawn_is_asked_if_it_answers(both: Any) -> None:
    ensemble, server = both()
    for name in (A, B, B, A):
        calls: list[ModelCall] = []
        assert ensemble.ask(name, ASKED, calls).model == name
        assert told(calls) == [(name, True)]
    assert asked(server) == ["a", "b", "b", "a"]


def test_where_all_fail_every_request_is_told(both: Any) -> None:
    ensemble, _ = both(a=lambda request: 401, b=lambda request: 500)
    calls: list[ModelCall] = []
    with pytest.raises(ModelError, match="openai/a did not answer: Auth"):
        ensemble.ask(B, ASKED, calls)
    assert told(calls) == [(B, False), (A, False)]


def test_a_model_that_failed_a_moment_ago_is_left_alone_for_a_while(both: Any, time: Any) -> None:
    ensemble, server = both(a=[500, 500, "a is back"])
    for _ in range(3):
        assert ensemble.ask(A, ASKED, []).model == B
    assert asked(server) == ["a", "b", "b", "b"]
    time.now += FIRST_PAUSE
    assert ensemble.ask(A, ASKED, []).model == B
    assert asked(server)[-2:] == ["a", "b"], "it fails once more, and is left alone for longer"
    time.now += FIRST_PAUSE
    assert ensemble.ask(A, ASKED, []).model == B
    time.now += FIRST_PAUSE
    assert ensemble.ask(A, ASKED, []).model == A
    assert ensemble.ask(A, ASKED, []).model == A


def test_the_only_model_is_asked_again_although_it_failed(both: Any) -> None:
    ensemble, server = both(a=[500, "a is back"], names=(A,))
    with pytest.raises(ModelError):
        ensemble.ask(A, ASKED, [])
    assert ensemble.ask(A, ASKED, []).reply == "a is back"
    assert len(server.requests) == 2


# -- a limit of the requests ----------------------------------------------------------------------


def test_a_limit_is_waited_for_as_long_as_the_server_says(
    both: Any, scripted: ModuleType, time: Any
) -> None:
    ensemble, server = both(a=[limited(scripted, 45), "a says so"])
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == A
    assert time.now == pytest.approx(45, abs=2)
    assert asked(server) == ["a", "a"]
    assert told(calls) == [(A, True)], "to be turned away is no failure"
    assert calls[0].seconds == 0, "what is waited for does not count as the model's time"


def test_a_limit_without_a_time_is_waited_for_in_pauses_that_double(
    both: Any, scripted: ModuleType, time: Any
) -> None:
    times: list[float] = []

    def script(request: Any) -> Any:
        times.append(time.now)
        return limited(scripted, "soon") if len(times) < 6 else "a says so"

    ensemble, _ = both(a=script, names=(A,))
    ensemble.ask(A, ASKED, [])
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == pytest.approx([FIRST_PAUSE * 2**n for n in range(5)])


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "-5", "nan", "", "\N{SNOWMAN}"])
def test_a_time_to_wait_that_makes_no_sense_is_none(
    both: Any, scripted: ModuleType, time: Any, date: str
) -> None:
    value = date.encode().decode("latin-1")  # as a header can carry it
    ensemble, _ = both(a=[limited(scripted, value), "a says so"], names=(A,))
    assert ensemble.ask(A, ASKED, []).model == A
    assert time.now == pytest.approx(FIRST_PAUSE)


def test_a_long_limit_is_left_to_another_model(both: Any, scripted: ModuleType, time: Any) -> None:
    ensemble, server = both(a=[limited(scripted, 1000), "a says so"])
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == B
    assert told(calls) == [(A, False), (B, True)]
    assert "RateLimitError" in calls[0].error
    assert time.now == 0
    calls = []
    assert ensemble.ask(A, ASKED, calls).model == B
    assert told(calls) == [(B, True)], "nobody knocks at a door that says when it opens"
    time.now += 1000 - PATIENCE
    assert ensemble.ask(A, ASKED, []).model == A
    assert asked(server) == ["a", "b", "b", "a"]


def test_where_all_are_limited_the_first_that_opens_is_asked(
    both: Any, scripted: ModuleType, time: Any
) -> None:
    ensemble, server = both(
        a=[limited(scripted, 3000), "a says so"],
        b=[limited(scripted, 200), "b says so"],
    )
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == B
    assert time.now == pytest.approx(200, abs=2)
    assert asked(server) == ["a", "b", "b"]
    assert told(calls) == [(A, False), (B, True)]


def test_the_user_is_told_of_a_limit_once(both: Any, scripted: ModuleType) -> None:
    ensemble, _ = both(a=[*[limited(scripted)] * 4, "a says so"])
    ensemble.ask(A, ASKED, [])
    assert ensemble.take_news() == ["openai/a takes no more requests for now (HTTP 429)"]
    assert ensemble.take_news() == []


class Watched:
    """A model that counts its requests: how many were on their way at most, since the limit."""

    name = A

    def __init__(self, base: str) -> None:
        self._model = LiteLLM(A, api_base=base, max_retries=0)
        self._lock, self._now, self._limited = threading.Lock(), 0, False
        self.most = 0

    def __call__(self, messages: Any, *, max_tokens: int) -> ModelCall:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now) if self._limited else 0
        try:
            return self._model(messages, max_tokens=max_tokens)
        except RateLimitError:
            self._limited = True
            raise
        finally:
            with self._lock:
                self._now -= 1

    def estimate(self, messages: Any, reply_tokens: int = 0) -> float | None:
        return None


def test_fewer_requests_are_on_their_way_after_a_limit(chat: Any, scripted: ModuleType) -> None:
    body, yes = b'{"error": {"message": "slow down"}}', scripted.completion("yes")
    answer = scripted.Raw(json.dumps(yes).encode(), wait=0.2)
    server = chat(lambda r: scripted.Raw(body, 429, wait=0.2) if r.number < 8 else answer)
    model, calls = Watched(server.base), list[ModelCall]()
    ensemble = Ensemble([model], budget=CostBudget(None), patience=PATIENCE)
    threads = [
        threading.Thread(target=ensemble.ask, args=(A, ASKED, calls), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert told(calls) == [(A, True)] * 8
    assert 1 <= model.most < 8
