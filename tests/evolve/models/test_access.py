"""Access to hosted models: what is refused before a run, and what is said of a refused key."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from evolve.models import AccessError, LiteLLM, build_models
from evolve.models.access import ALTERNATIVES
from evolve.settings import OptionError, Settings

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
HELD = ("_KEY", "_TOKEN", "_ACCESS_KEY_ID", "_API_BASE", "_BASE_URL")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith(HELD)]:
        monkeypatch.delenv(name)


def build(name: str) -> None:
    build_models(Settings(task="/t", models=(name,)))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("gpt-4o", "OPENAI_API_KEY"),
        ("openai/of-tomorrow", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5:2", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-pro", "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("openrouter/a/b", "OPENROUTER_API_KEY"),
    ],
)
def test_without_its_key_a_hosted_model_is_refused_with_the_keys_name(
    name: str, keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionError, match=rf"needs a key, .* has none: set {keys}$"):
        build(name)
    monkeypatch.setenv(keys.rpartition(" ")[2], "sk-a-key")
    build(name)


@pytest.mark.parametrize("key", ALTERNATIVES)
def test_a_key_under_another_name_that_litellm_knows_is_one(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {
        "COHERE_API_KEY": "cohere/a",
        "FIREWORKS_AI_API_KEY": "fireworks_ai/a",
        "HUGGINGFACE_API_KEY": "huggingface/a/b",
        "OPENROUTER_API_KEY": "openrouter/a/b",
        "PERPLEXITYAI_API_KEY": "perplexity/a",
        "TOGETHERAI_API_KEY": "together_ai/a",
    }
    with pytest.raises(OptionError, match=f"set {key}"):
        build(names[key])
    for variable in ALTERNATIVES[key]:
        with monkeypatch.context() as patch:
            patch.setenv(variable, "a-key")
            build(names[key])


@pytest.mark.parametrize(
    "name",
    [
        *("bedrock/anthropic.claude-x", "vertex_ai/gemini-2.5-pro", "azure/mine"),
        *("ollama/qwen3:8b", "openai/a@http://127.0.0.1:9/v1", "hosted_vllm/a@http://h/v1"),
    ],
)
def test_credentials_that_may_come_from_elsewhere_are_not_asked_for(name: str) -> None:
    build(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nosuchmodel", "no provider of model nosuchmodel: .* PROVIDER/NAME"),
        ("opnai/gpt-4o", r"model opnai/gpt-4o \(did you mean openai/gpt-4o\?\)"),
        ("antropic/claude", r"did you mean anthropic/claude\?"),
        ("/", "no provider"),
    ],
)
def test_a_provider_that_does_not_exist_is_refused_with_the_nearest_one(
    name: str, words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        build(name)


# -- while a run goes on --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (401, r"the key of openai/a is refused \(HTTP 401\); check OPENAI_API_KEY"),
        (403, r"the key of openai/a is refused \(HTTP 403\)"),
        (404, r"openai/a is unknown to its server \(HTTP 404\); check .* /v1"),
        ((400, "no system role"), r"openai/a refuses the request \(HTTP 400: .*no system role"),
        (422, r"refuses the request \(HTTP 422"),
        (402, "no credit left"),
        ((429, "You exceeded your current quota, please check your plan"), "no credit left"),
        ((400, "Your credit balance is too low to access the API"), "no credit left"),
    ],
)
def test_what_no_retry_mends_says_what_does(chat: Any, answer: Any, words: str) -> None:
    server = chat(lambda request: answer)
    with pytest.raises(AccessError) as caught:
        LiteLLM("openai/a", api_base=server.base)(ASKED)
    assert len(server.requests) == 1
    assert re.search(words, caught.value.remedy)
