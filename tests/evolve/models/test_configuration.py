"""The models of a run: each with its own server, its own key and its own price."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from evolve.models import ConfiguredModel, ModelError, Price, build_models, check_model_options
from evolve.models.prices import FREE
from evolve.settings import Settings

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
OPENAIS, OTHERS = "sk-the-key-of-openai-and-nobody-else", "sk-the-key-of-anthropic-alone"
ELSEWHERE = "http://10.0.0.7:8000/v1"
Chat = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_API_BASE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", OPENAIS)
    monkeypatch.setenv("ANTHROPIC_API_KEY", OTHERS)


def models(*names: str, **options: Any) -> list[ConfiguredModel]:
    return build_models(Settings(task="/t", models=names, **options))


def prices(*names: str, **options: Any) -> list[Price | None]:
    return [one.model.price for one in models(*names, **options)]


def test_a_hosted_model_and_one_on_a_server_of_ones_own_are_asked_where_they_are(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted, own = chat(lambda request: "hosted"), chat(lambda request: "own")
    monkeypatch.setenv("OPENAI_BASE_URL", hosted.base)  # stands for OpenAI itself
    for options in ({}, {"api_base": own.base}):
        at = "" if options else f"@{own.base}"
        first, second = models("gpt-4o-mini:3", f"openai/qwen{at}", **options)
        assert (first.weight, second.weight) == (3, 1)
        assert [one.model(ASKED).reply for one in (first, second)] == ["hosted", "own"]
        assert first.server == "its provider"
        assert second.server.startswith(f"{own.base}, without OPENAI_API_KEY, which is OpenAI's")
    assert [request.authorization for request in hosted.requests] == [f"Bearer {OPENAIS}"] * 2
    assert [request.authorization for request in own.requests] == ["Bearer none"] * 2
    assert not any(OPENAIS in request.head for request in own.requests)


def test_a_hosted_models_key_does_not_reach_a_server_of_ones_own(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted, own = chat(lambda request: 401), chat(lambda request: "own")
    monkeypatch.setenv("ANTHROPIC_API_BASE", hosted.base)  # stands for Anthropic itself
    first, second = models("anthropic/claude-sonnet-4-5", "openai/qwen", api_base=own.base)
    with pytest.raises(ModelError):
        first.model(ASKED)
    assert second.model(ASKED).reply == "own"
    assert OTHERS in hosted.requests[0].head
    (request,) = own.requests
    assert OTHERS not in request.head
    assert request.authorization == f"Bearer {OPENAIS}", "no model here is asked at OpenAI"


def test_two_servers_of_ones_own_have_two_addresses_and_may_have_two_keys(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = chat(lambda request: "first"), chat(lambda request: "second")
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "key-of-the-second")
    both = models(f"openai/a@{first.base}", "hosted_vllm/b", api_base=second.base)
    assert [one.model(ASKED).reply for one in both] == ["first", "second"]
    assert both[0].server == f"{first.base}, with OPENAI_API_KEY"
    assert both[1].server == f"{second.base}, with HOSTED_VLLM_API_KEY"
    assert [request.authorization for request in first.requests] == [f"Bearer {OPENAIS}"]
    assert [request.authorization for request in second.requests] == ["Bearer key-of-the-second"]


def test_where_all_are_at_their_providers_nothing_is_said_of_it() -> None:
    assert [one.server for one in models("gpt-4o-mini", "claude-sonnet-4-5")] == ["", ""]


def test_a_price_is_the_models_own_then_the_tables_then_the_general_one() -> None:
    names = ("gpt-4o-mini", "openai/a", "openai/b", "ollama_chat/c")
    known = prices("gpt-4o-mini")[0]
    assert known is not None
    assert prices(*names) == [known, None, None, FREE]
    assert prices(*names, prices=("1:2",)) == [known, Price(1, 2), Price(1, 2), FREE]
    given = ("openai/b=3:4", "gpt-4o-mini=5:6", "1:2")
    assert prices(*names, prices=given) == [Price(5, 6), Price(1, 2), Price(3, 4), FREE]
    assert prices("openai/a:2", api_base=ELSEWHERE, prices=("openai/a=0:0",)) == [FREE]


def test_a_cap_wants_the_price_of_every_model() -> None:
    names = ("gpt-4o-mini", "openai/a", "openai/b")
    with pytest.raises(ValueError, match=r"price of openai/b is unknown.* --price openai/b=IN:OUT"):
        models(*names, max_cost=1.0, prices=("openai/a=1:2",))
    assert len(models(*names, max_cost=1.0, prices=("1:2",))) == 3


@pytest.mark.parametrize(
    ("names", "api_base", "given", "words"),
    [
        (("openai/a", "openai/a:2"), None, (), "openai/a is named twice"),
        ((f"openai/a@{ELSEWHERE}", "openai/a"), None, (), "openai/a is named twice"),
        (("anthropic/a",), ELSEWHERE, (), "--api-base is for models on a server of your own"),
        ((f"openai/a@{ELSEWHERE}",), ELSEWHERE, (), "no --model is one"),
        ((), ELSEWHERE, (), "no --model is one"),
        (("openai/a",), "http://me:pw@host/v1", (), "no password"),
        (("openai/a",), None, ("openai/b=1:2",), "names openai/b, and the models are openai/a"),
        ((), None, ("openai/b=1:2",), "names openai/b, and there is no --model"),
        (("openai/a",), None, ("cheap",), "IN:OUT"),
    ],
)
def test_what_is_said_of_no_model_is_refused(
    names: tuple[str, ...], api_base: str | None, given: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        check_model_options(names, api_base, given)


def test_what_fits_is_taken() -> None:
    check_model_options((), None, ())
    names = ("anthropic/a", f"openai/a:2@{ELSEWHERE}", "ollama_chat/qwen3:8b")
    check_model_options(names, ELSEWHERE, ("openai/a=1:2", "3:4"))


def test_what_an_older_version_has_stored_is_taken() -> None:
    stored = {"task": "/t", "models": ["openai/a:2"], "api_base": ELSEWHERE, "price": "1:2"}
    (one,) = build_models(Settings.from_json(stored))
    said = f"{ELSEWHERE}, with OPENAI_API_KEY"
    assert (one.weight, one.server, one.model.price) == (2, said, Price(1, 2))
    unpriced = Settings.from_json({**stored, "price": None})
    assert build_models(unpriced)[0].model.price is None
    hosted = Settings.from_json({**stored, "models": ["claude-sonnet-4-5"]})
    assert build_models(hosted)[0].server == "its provider", "and not at that address any more"
