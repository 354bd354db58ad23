"""The options about language models, as the program takes, stores and explains them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import COMMANDS, main
from evolve.commands import start

ROOT = Path(__file__).parents[3]
# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")
COMMON = ("--task", "toy", "--run", "m", "--generations", "0", "--devices", "cpu:0")
BASE, PASSWORD = "http://127.0.0.1:9/v1", "pass-word"


def settings(place: Any) -> dict[str, Any]:
    (row,) = place.rows("m", "SELECT value FROM meta WHERE key = 'settings'")
    stored: dict[str, Any] = json.loads(row[0])
    return stored


def test_a_hosted_model_with_a_cap_runs_as_the_readme_says(
    here: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-anthropic")
    assert main([*COMMON, "--model", "anthropic/claude-sonnet-4-5", "--max-cost", "20"]) == 0
    output = capsys.readouterr().out
    assert "model anthropic/claude-sonnet-4-5: some 0 requests, about $0.00\n" in output


def test_options_of_models_are_stored_and_resumed_and_replaced(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("--model", f"openai/a:2@{BASE}", "--model", "openai/b", "--api-base", f"{BASE}/b")
    assert main([*COMMON, *names, "--price", "openai/a=1:2", "--price", "3:4"]) == 0
    first = settings(here)
    assert first["models"] == [f"openai/a:2@{BASE}", "openai/b"]
    assert (first["api_base"], first["prices"]) == (f"{BASE}/b", ["openai/a=1:2", "3:4"])
    assert f"about $0.00; asked at {BASE}\n" in capsys.readouterr().out
    for wrong, words in (
        (("--api-base", f"http://me:{PASSWORD}@host/v1"), "no password"),
        (("--model", f"openai/a@http://me:{PASSWORD}@host/v1"), "no password"),
        (("--price", "openai/c=1:2"), "the models are openai/a, openai/b"),
        (("--model", "anthropic/c", "--api-base", BASE), "no --model is one"),
        (("--model", "anthropic/c"), "set ANTHROPIC_API_KEY"),
        (("--model", "nosuchmodel"), "no provider of model nosuchmodel"),
    ):
        assert main(["resume", "m", *wrong]) == 2
        told = capsys.readouterr()
        assert words in told.err
        assert PASSWORD not in told.err + told.out
        assert settings(here) == first, "what is refused is not stored"
    assert main(["resume", "m", "--price", "openai/b=0:0", "--api-base", BASE]) == 0
    assert settings(here) == {**first, "api_base": BASE, "prices": ["openai/b=0:0"]}
    assert "model openai/b: some 0 requests, free; asked at" in capsys.readouterr().out
    assert main(["resume", "m", "--model", "ollama_chat/c"]) == 0
    assert settings(here)["models"] == ["ollama_chat/c"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "openai/x", "--api-base", f"http://me:{PASSWORD}@host/v1"), "OPENAI_API_KEY"),
        (("--model", f"openai/x@https://{PASSWORD}@host/v1"), "OPENAI_API_KEY"),
        (("--model", f"anthropic/x@{BASE}"), "only its provider may see its key"),
        (("--model", "anthropic/x", "--api-base", BASE), "openai/NAME"),
        (("--model", "openai/x", "--price", "openai/y=1:2"), "the models are openai/x"),
        (("--model", "openai/x", "--price", "openai/x=cheap"), "IN:OUT"),
        (("--model", "openai/gpt-4o"), "set OPENAI_API_KEY"),
        (("--model", "nosuchmodel"), "no provider of model nosuchmodel"),
        (("--model", f"openai/a@{BASE}", "--max-cost", "5"), "the price of openai/a is unknown"),
    ],
)
def test_what_may_not_be_stored_is_refused_before_anything_is(
    here: Any, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMON, *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("evolve: ")
    assert words in told
    assert PASSWORD not in told
    assert not here.run("m").exists()


# -- help -----------------------------------------------------------------------------------------

GROUPS = ["what to do", "how long", "where it runs", "the search", "language models"]


def test_help_goes_from_what_to_do_to_the_language_models() -> None:
    text = start.arguments().format_help()
    assert sorted(GROUPS, key=lambda title: text.index(f"\n{title}")) == GROUPS
    assert "if their weights differ they are drawn by these" in " ".join(text.split())


@pytest.mark.parametrize("name", ["start", *(module for module, *_ in COMMANDS.values())])
def test_every_option_is_explained_by_a_phrase(name: str) -> None:
    command: Any = importlib.import_module(f"evolve.commands.{name}")
    for action in command.arguments()._actions:
        words = (action.help or "").split()
        assert len(words) > 2, action.dest
        assert words[0] not in {"of", "in", "that", "for", "by", "as"}, action.help


# -- litellm --------------------------------------------------------------------------------------

WATCH = """
import sys
reached = []
sys.addaudithook(
    lambda event, args: reached.append((event, args[1:]))
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname") else None
)
from evolve.models import LiteLLM, count_tokens
model = LiteLLM("anthropic/claude-sonnet-4-5")
assert model.estimate([{"role": "user", "content": "Hello?"}]) > 0 and count_tokens("Hello?") == 2
assert "litellm" in sys.modules
print("reached:", reached)
"""


def test_litellm_is_made_ready_without_a_network() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WATCH],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("LITELLM")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("reached: []\n"), done.stdout + done.stderr
