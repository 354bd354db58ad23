"""Requests that are too long for a model: another one is asked, or they are made shorter."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from archive.rows import ModelCall
from evolve.models import TooLongError

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
PATIENCE = 60.0
A, B = "openai/a", "openai/b"
TOO_LONG = (400, "This model's maximum context length is 4096 tokens, you sent 5000.")


def limited(scripted: ModuleType, seconds: object = None) -> Any:
    """HTTP 429."""
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return scripted.Raw(b'{"error": {"message": "slow down"}}', 429, headers)


def asked(server: Any) -> list[str]:
    return [request.model for request in server.requests]


def told(calls: list[ModelCall]) -> list[tuple[str, bool]]:
    """Who was asked, and whether the answer came."""
    return [(call.model, not call.error) for call in calls]


# -- requests that are too long -------------------------------------------------------------------

SHORTER, LONGER = [{"role": "user", "content": "Hi?"}], [{"role": "user", "content": "Hello? " * 9}]


def test_a_request_that_is_too_long_is_the_askers_to_shorten(both: Any) -> None:
    ensemble, server = both(a=[TOO_LONG, "a says so"], names=(A,))
    calls: list[ModelCall] = []
    with pytest.raises(TooLongError):
        ensemble.ask(A, ASKED, calls)
    assert told(calls) == [(A, False)]
    (news,) = ensemble.take_news()
    assert "--context-tokens" in news
    assert ensemble.ask(A, ASKED, calls).model == A, "it has not failed"
    assert asked(server) == ["a", "a"]


def test_a_model_for_which_everything_is_too_long_is_unresponsive(both: Any, time: Any) -> None:
    ensemble, _ = both(a=lambda request: TOO_LONG, names=(A,))
    for _ in range(3):
        assert ensemble.why_unresponsive() == ""
        with pytest.raises(TooLongError):
            ensemble.ask(A, ASKED, [])
        time.now += PATIENCE / 3
    assert ensemble.why_unresponsive() != ""
    assert len(ensemble.take_news()) == 1, "the user is told once"


def test_what_is_too_long_for_one_model_another_one_is_asked(both: Any) -> None:
    ensemble, server = both(a=[TOO_LONG, "a says so"])
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
    both: Any, scripted: ModuleType, time: Any
) -> None:
    ensemble, server = both(a=lambda r: TOO_LONG, b=[limited(scripted, 1000), "b says so"])
    with pytest.raises(TooLongError):
        ensemble.ask(B, ASKED, [])
    assert time.now == 0
    assert asked(server) == ["b", "a"]
    time.now += 1000
    assert ensemble.ask(A, ASKED, []).model == B


def test_a_model_that_takes_more_than_it_did_is_asked_for_as_much_again(both: Any) -> None:
    ensemble, server = both(a=[TOO_LONG, "a says so"], b=[401])
    with pytest.raises(TooLongError):
        ensemble.ask(A, LONGER, [])
    assert ensemble.ask(A, LONGER, []).model == A
    assert ensemble.ask(A, LONGER, []).model == A
    assert asked(server) == ["a", "b", "a", "a"]
