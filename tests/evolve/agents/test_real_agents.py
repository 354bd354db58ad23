"""The real programs, where they are installed, against a scripted model on loopback.

Run with `-m slow`; a program that is not on the PATH is skipped.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evolve.agents import PRESETS, AgentSpec, Assignment
from evolve.agents.programs import find_program
from evolve.agents.session import Session, hold_session
from trainer.sandbox import Sandbox

pytestmark = pytest.mark.slow

MODELS = {
    "claude": "claude-sonnet-4-5",
    "codex": "gpt-5",
    "opencode": "x/m",
    "gemini": "gemini-2.5-flash",
    "pi": "x/m",
    "aider": "openai/gpt-4o",
}


@pytest.fixture(scope="module")
def server(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    return load(Path(__file__).with_name("agent_server.py"), "agent_server")


def write_option(agent: str, url: str) -> str:
    """The agent as `--agent` names it; Codex takes the address of a server as a setting alone."""
    if agent != "codex":
        return f"{agent}@{MODELS[agent]}"
    preset = PRESETS[agent]
    provider = f'{{name="x",base_url="{url}/v1",wire_api="responses",env_key="OPENAI_API_KEY"}}'
    settings = ("-c", "model_provider=x", "-c", f"model_providers.x={provider}", "-m", "gpt-5")
    first, exec_, *rest = preset.words
    return "codex=" + shlex.join([first, exec_, *preset.sandboxed, *settings, *rest])


def write_home(home: Path, url: str) -> None:
    """The settings that say which server and which kind of login."""
    model = {"id": "m", "contextWindow": 128_000, "maxTokens": 4096, "input": ["text"]}
    model |= {"cost": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}}
    own = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": "k", "models": [model]}
    files: dict[str, Any] = {
        ".pi/agent/models.json": {"providers": {"x": own}},
        ".gemini/settings.json": {"security": {"auth": {"selectedType": "gemini-api-key"}}},
        ".config/opencode/opencode.json": {
            "provider": {
                "x": {
                    "npm": "@ai-sdk/openai-compatible",
                    "options": {"baseURL": f"{url}/v1", "apiKey": "k"},
                    "models": {"m": {}},
                }
            }
        },
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content))


@pytest.fixture
def hold_real(server: ModuleType, sandbox: Sandbox, tmp_path: Path) -> Callable[..., Session]:
    def hold(agent: str, status: int = 200, seconds: float = 120.0) -> Session:
        if shutil.which(PRESETS[agent].words[0]) is None:
            pytest.skip(f"{agent} is not installed: {PRESETS[agent].install}")
        with server.AgentServer(agent, status) as model:
            write_home(tmp_path, model.url)
            environ = {
                **os.environ,
                "HOME": str(tmp_path),
                "ANTHROPIC_API_KEY": "sk-ant-test-test-test-test-test",
                "ANTHROPIC_BASE_URL": model.url,
                "OPENAI_API_KEY": "sk-test-test-test-test-test",
                "OPENAI_API_BASE": f"{model.url}/v1",
                "GEMINI_API_KEY": "test-test-test-test-test",
                "GOOGLE_GEMINI_BASE_URL": model.url,
            }
            spec = AgentSpec.parse(write_option(agent, model.url))
            program = find_program(spec, ("OPENAI_API_KEY",), environ, sandboxed=sandbox.protects)
            return hold_session(
                program,
                Assignment("train.py", "python", server.SOURCE, "Change the rate in train.py."),
                sandbox=sandbox,
                seconds=seconds,
                stop=threading.Event(),
                environ=environ,
            )

    return hold


@pytest.mark.parametrize("agent", MODELS)
def test_a_real_agent_changes_the_genome_in_the_sandbox(
    agent: str, hold_real: Callable[..., Session], server: ModuleType
) -> None:
    session = hold_real(agent)
    assert session.reply.source == server.CHANGED, session.output
    assert session.report.tokens_in > 0
    assert session.report.tokens_out > 0
    if agent != "aider":  # whose model gives one edit of one file here
        assert session.reply.notes == server.NOTES
        assert session.report.said == "Done."
        assert session.reply.dropped == ()
    assert (session.report.dollars is None) == (PRESETS[agent].reports != "dollars")


@pytest.mark.parametrize("agent", ["claude", "gemini", "aider"])
def test_a_key_that_is_refused_is_told_or_ends_in_silence(
    agent: str, hold_real: Callable[..., Session]
) -> None:
    session = hold_real(agent, status=401, seconds=20.0 if agent == "claude" else 120.0)
    assert session.reply.source is None
    obstacle, _ = session.report.find_obstacle()
    silent = session.ended.timed_out and not session.output.strip()
    assert silent if agent == "claude" else obstacle.name == "LOGIN", session.output
