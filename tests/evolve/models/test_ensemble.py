"""Several models as one, each behind a real HTTP server on this machine; only time is not real."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from archive.rows import ModelCall
from evolve.models import (
    CostBudget,
    Ensemble,
    LiteLLM,
    ModelError,
    RateLimitError,
    TooLongError,
)
from evolve.models.rate_limits import FIRST_PAUSE

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
PATIENCE = 60.0
A, B = "openai/a", "openai/b"
TOO_LONG = (400, "This model's maximum context length is 4096 tokens, you sent 5000.")


class Time:
    """Goes on when somebody sleeps, and not before."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture(autouse=True, scope="module")
def warm(serve: Any) -> None:
    """What litellm does at its first request takes longer than the timeout below."""
    LiteLLM(A, api_base=serve(lambda request: "hi").base)(ASKED)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def both(chat: Any, time: Time) -> Callable[..., tuple[Ensemble, Any]]:
    """Makes an ensemble of A and B, whose answers come from two scripts, and its server."""

    def make(
        a: Callable[[Any], Any] = lambda request: "a says so",
        b: Callable[[Any], Any] = lambda request: "b says so",
        *,
        names: tuple[str, ...] = (A, B),
    ) -> tuple[Ensemble, Any]:
        server = chat(lambda request: (a if request.model == "a" else b)(request))
        models = [
            LiteLLM(name, api_base=server.base, timeout=1, max_retries=0, clock=time)
            for name in names
        ]
        told = {"clock": time, "sleep": time.sleep, "jitter": lambda: 1.0}
        return Ensemble(models, budget=CostBudget(None), patience=PATIENCE, **told), server

    return make


def answers(*given: Any) -> Callable[[Any], Any]:
    """A script that gives one answer after another, the last one again and again."""
    left = iter(given)
    last: list[Any] = []

    def script(request: Any) -> Any:
        last[:] = [next(left, *last)]
        return last[0]

    return script


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


def test_a_model_that_failed_a_moment_ago_is_left_alone_for_a_while(both: Any, time: Time) -> None:
    ensemble, server = both(a=answers(500, 500, "a is back"))
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
    ensemble, server = both(a=answers(500, "a is back"), names=(A,))
    with pytest.raises(ModelError):
        ensemble.ask(A, ASKED, [])
    assert ensemble.ask(A, ASKED, []).reply == "a is back"
    assert len(server.requests) == 2


# -- a limit of the requests ----------------------------------------------------------------------


def test_a_limit_is_waited_for_as_long_as_the_server_says(
    both: Any, scripted: ModuleType, time: Time
) -> None:
    ensemble, server = both(a=answers(limited(scripted, 45), "a says so"))
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == A
    assert time.now == pytest.approx(45, abs=2)
    assert asked(server) == ["a", "a"]
    assert told(calls) == [(A, True)], "to be turned away is no failure"
    assert calls[0].seconds == 0, "what is waited for does not count as the model's time"


def test_a_limit_without_a_time_is_waited_for_in_pauses_that_double(
    both: Any, scripted: ModuleType, time: Time
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
    both: Any, scripted: ModuleType, time: Time, date: str
) -> None:
    value = date.encode().decode("latin-1")  # as a header can carry it
    ensemble, _ = both(a=answers(limited(scripted, value), "a says so"), names=(A,))
    assert ensemble.ask(A, ASKED, []).model == A
    assert time.now == pytest.approx(FIRST_PAUSE)


def test_a_long_limit_is_left_to_another_model(both: Any, scripted: ModuleType, time: Time) -> None:
    ensemble, server = both(a=answers(limited(scripted, 1000), "a says so"))
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
    both: Any, scripted: ModuleType, time: Time
) -> None:
    ensemble, server = both(
        a=answers(limited(scripted, 3000), "a says so"),
        b=answers(limited(scripted, 200), "b says so"),
    )
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == B
    assert time.now == pytest.approx(200, abs=2)
    assert asked(server) == ["a", "b", "b"]
    assert told(calls) == [(A, False), (B, True)]


def test_the_user_is_told_of_a_limit_once(both: Any, scripted: ModuleType) -> None:
    ensemble, _ = both(a=answers(*[limited(scripted)] * 4, "a says so"))
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


# -- models that do not respond -------------------------------------------------------------------


def test_models_are_unresponsive_when_none_has_answered_for_long(both: Any, time: Time) -> None:
    ensemble, _ = both(a=answers(500, "a is back"), b=lambda request: 500)
    time.now += 1e6
    assert ensemble.why_unresponsive() == "", "nobody has asked"
    with pytest.raises(ModelError):
        ensemble.ask(A, ASKED, [])
    assert ensemble.why_unresponsive() == ""
    time.now += PATIENCE - 1
    assert ensemble.why_unresponsive() == ""
    time.now += 1
    assert ensemble.why_unresponsive() == "no model has answered for 60 s"
    ensemble.ask(A, ASKED, [])
    assert ensemble.why_unresponsive() == ""
    time.now += 1e6
    assert ensemble.why_unresponsive() == "", "nobody waits for an answer"


def test_a_request_that_waits_has_no_answer_either(
    both: Any, scripted: ModuleType, time: Time
) -> None:
    reasons: list[str] = []

    def script(request: Any) -> Any:
        reasons.append(ensemble.why_unresponsive())
        return limited(scripted, PATIENCE) if len(reasons) == 1 else "a says so"

    ensemble, _ = both(a=script, names=(A,))
    ensemble.ask(A, ASKED, [])
    assert reasons == ["", "no model has answered for 60 s"]
    assert ensemble.why_unresponsive() == ""


def test_a_slow_model_is_not_called_unresponsive_once_it_is_known_to_be_slow(
    both: Any, time: Time
) -> None:
    reasons: list[str] = []

    def script(request: Any) -> Any:
        time.now += 100  # so long does it take
        reasons.append(ensemble.why_unresponsive())
        return "a says so"

    ensemble, _ = both(a=script, names=(A,))
    for _ in range(3):
        ensemble.ask(A, ASKED, [])
    assert reasons == ["no model has answered for 60 s", "", ""]


# -- a key that is refused, a server that is gone -------------------------------------------------


def test_a_refused_key_is_said_loudly_once_with_what_to_do(both: Any, time: Time) -> None:
    ensemble, _ = both(a=lambda request: 401)
    for _ in range(3):
        assert ensemble.ask(A, ASKED, []).model == B
        time.now += 1e3
    (news,) = ensemble.take_news()
    assert news.startswith("WARNING: the key of openai/a is refused (HTTP 401); check OPENAI_API_")
    assert "resume" in news
    assert ensemble.why_unresponsive() == "", "the other one answers"


def test_where_no_key_is_accepted_nobody_waits_for_the_models(both: Any, time: Time) -> None:
    ensemble, _ = both(a=answers(401, "a says so"), b=lambda request: 401)
    with pytest.raises(ModelError):
        ensemble.ask(A, ASKED, [])
    assert ensemble.why_unresponsive() == (
        "the key of openai/a is refused (HTTP 401); check OPENAI_API_KEY"
    ), "at once, since to wait helps nobody"
    time.now += FIRST_PAUSE
    assert ensemble.ask(A, ASKED, []).model == A
    assert ensemble.why_unresponsive() == ""
    assert ensemble.take_news()[-1] == "openai/a answers again, after 1.0 s"


@pytest.mark.parametrize("answer", [TOO_LONG, "a limit"])
def test_a_server_that_says_anything_else_has_accepted_the_key(
    both: Any, scripted: ModuleType, answer: Any
) -> None:
    other = limited(scripted, 0) if answer == "a limit" else answer
    seen: list[str] = []

    def script(request: Any) -> Any:
        seen.append(ensemble.why_unresponsive())
        return (401, other, "a says so")[min(len(seen), 3) - 1]

    ensemble, _ = both(a=script, names=(A,))
    for _ in range(3):
        with suppress(ModelError):
            ensemble.ask(A, ASKED, [])
    assert "refused" in seen[1]
    assert seen[2] == ""


def test_a_server_that_is_gone_is_said_to_be_and_that_it_is_back(both: Any, time: Time) -> None:
    ensemble, _ = both(a=answers(500, "yes", 500, 500, 500, "yes"), names=(A,))
    for _ in range(6):
        with suppress(ModelError):
            ensemble.ask(A, ASKED, [])
        time.now += 1800
    gone, back = ensemble.take_news()
    assert gone.startswith("openai/a fails repeatedly: model openai/a did not answer: ")
    assert "scripted failure 500" in gone
    assert back == "openai/a answers again, after 1 h 30 min"


# -- requests that are too long -------------------------------------------------------------------

SHORTER, LONGER = [{"role": "user", "content": "Hi?"}], [{"role": "user", "content": "Hello? " * 9}]


def test_a_request_that_is_too_long_is_the_askers_to_shorten(both: Any) -> None:
    ensemble, server = both(a=answers(TOO_LONG, "a says so"), names=(A,))
    calls: list[ModelCall] = []
    with pytest.raises(TooLongError):
        ensemble.ask(A, ASKED, calls)
    assert told(calls) == [(A, False)]
    (news,) = ensemble.take_news()
    assert "--context-tokens" in news
    assert ensemble.ask(A, ASKED, calls).model == A, "it has not failed"
    assert asked(server) == ["a", "a"]


def test_a_model_for_which_everything_is_too_long_is_unresponsive(both: Any, time: Time) -> None:
    ensemble, _ = both(a=lambda request: TOO_LONG, names=(A,))
    for _ in range(3):
        assert ensemble.why_unresponsive() == ""
        with pytest.raises(TooLongError):
            ensemble.ask(A, ASKED, [])
        time.now += PATIENCE / 3
    assert ensemble.why_unresponsive() != ""
    assert len(ensemble.take_news()) == 1, "the user is told once"


def test_what_is_too_long_for_one_model_another_one_is_asked(both: Any) -> None:
    ensemble, server = both(a=answers(TOO_LONG, "a says so"))
    calls: list[ModelCall] = []
    assert ensemble.ask(A, ASKED, calls).model == B
    assert told(calls) == [(A, False), (B, True)]
    assert ensemble.why_unresponsive() == ""
    (news,) = ensemble.take_news()
    assert news.startswith("openai/a finds a request too long: a model with more room is asked")
    assert ensemble.ask(A, LONGER, []).model == B
    assert asked(server) == ["a", "b", "b"], "nobody asks for what is known to be too long"
    assert ensemble.ask(A, SHORTER, []).model == A
    assert ensemble.take_news() == []


def test_what_is_too_long_for_all_is_the_askers_to_shorten(both: Any) -> None:
    ensemble, server = both(a=lambda request: TOO_LONG, b=lambda request: TOO_LONG)
    calls: list[ModelCall] = []
    with pytest.raises(TooLongError):
        ensemble.ask(A, ASKED, calls)
    assert told(calls) == [(A, False), (B, False)]
    with pytest.raises(TooLongError):
        ensemble.ask(B, LONGER, [])
    assert asked(server) == ["a", "b", "b"], "one that may have changed is asked, and no other"


@pytest.mark.parametrize("first", [A, B])
def test_a_request_is_made_shorter_where_the_other_model_fails(both: Any, first: str) -> None:
    ensemble, _ = both(a=lambda request: TOO_LONG, b=lambda request: 401)
    calls: list[ModelCall] = []
    with pytest.raises(TooLongError):
        ensemble.ask(first, ASKED, calls)
    assert sorted(told(calls)) == [(A, False), (B, False)]


def test_a_request_is_rather_made_shorter_than_waits_for_another_model(
    both: Any, scripted: ModuleType, time: Time
) -> None:
    ensemble, server = both(a=lambda r: TOO_LONG, b=answers(limited(scripted, 1000), "b says so"))
    with pytest.raises(TooLongError):
        ensemble.ask(B, ASKED, [])
    assert time.now == 0
    assert asked(server) == ["b", "a"]
    time.now += 1000
    assert ensemble.ask(A, ASKED, []).model == B


def test_a_model_that_takes_more_than_it_did_is_asked_for_as_much_again(both: Any) -> None:
    ensemble, server = both(a=answers(TOO_LONG, "a says so"), b=answers(401))
    with pytest.raises(TooLongError):
        ensemble.ask(A, LONGER, [])
    assert ensemble.ask(A, LONGER, []).model == A
    assert ensemble.ask(A, LONGER, []).model == A
    assert asked(server) == ["a", "b", "a", "a"]
