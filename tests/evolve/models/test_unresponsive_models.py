"""Models that do not respond, or whose key is refused: when nobody should wait for them."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest

from evolve.models import ModelError
from evolve.models.rate_limits import FIRST_PAUSE

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


# -- models that do not respond -------------------------------------------------------------------


def test_models_are_unresponsive_when_none_has_answered_for_long(both: Any, time: Any) -> None:
    ensemble, _ = both(a=[500, "a is back"], b=lambda request: 500)
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
    both: Any, scripted: ModuleType, time: Any
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
    both: Any, time: Any
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


def test_a_refused_key_is_said_loudly_once_with_what_to_do(both: Any, time: Any) -> None:
    ensemble, _ = both(a=lambda request: 401)
    for _ in range(3):
        assert ensemble.ask(A, ASKED, []).model == B
        time.now += 1e3
    (news,) = ensemble.take_news()
    assert news.startswith("WARNING: the key of openai/a is refused (HTTP 401); check OPENAI_API_")
    assert "resume" in news
    assert ensemble.why_unresponsive() == "", "the other one answers"


def test_where_no_key_is_accepted_nobody_waits_for_the_models(both: Any, time: Any) -> None:
    ensemble, _ = both(a=[401, "a says so"], b=lambda request: 401)
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


def test_a_server_that_is_gone_is_said_to_be_and_that_it_is_back(both: Any, time: Any) -> None:
    ensemble, _ = both(a=[500, "yes", 500, 500, 500, "yes"], names=(A,))
    for _ in range(6):
        with suppress(ModelError):
            ensemble.ask(A, ASKED, [])
        time.now += 1800
    gone, back = ensemble.take_news()
    assert gone.startswith("openai/a fails repeatedly: model openai/a did not answer: ")
    assert "scripted failure 500" in gone
    assert back == "openai/a answers again, after 1 h 30 min"
