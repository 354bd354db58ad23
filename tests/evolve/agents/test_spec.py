"""Agents as `--agent` names them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evolve.agents import PRESETS, AgentSpec
from evolve.agents.configuration import build_agents, limit_session
from evolve.agents.programs import find_program
from evolve.settings import OptionError, Settings


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("claude", AgentSpec("claude", preset="claude")),
        ("claude:0.5", AgentSpec("claude", 0.5, preset="claude")),
        (
            "opencode@ollama/qwen3:8b",
            AgentSpec("opencode@ollama/qwen3:8b", preset="opencode", model="ollama/qwen3:8b"),
        ),
        ("codex@o5:2", AgentSpec("codex@o5", 2.0, preset="codex", model="o5")),
        (
            "/opt/mine --do {brief} 'in {dir}'",
            AgentSpec("mine", command=("/opt/mine", "--do", "{brief}", "in {dir}")),
        ),
        ("own:3=mine -x", AgentSpec("own", 3.0, command=("mine", "-x"))),
    ],
)
def test_names_models_weights_and_commands(text: str, spec: AgentSpec) -> None:
    assert AgentSpec.parse(text) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cloude", "there is no coding agent cloude; there are claude, "),
        ("claude:0", "weight of agent claude should be above 0"),
        ("own=mine 'x", "cannot be read"),
    ],
)
def test_what_names_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        AgentSpec.parse(text)


def make_program(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/usr/bin/env python3\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_a_known_agent_is_called_with_its_model_before_its_prompt(
    name: str, tmp_path: Path
) -> None:
    program = make_program(tmp_path / "bin", PRESETS[name].words[0])
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    spec = AgentSpec.parse(f"{name}@some-model")
    found = find_program(spec, (), environ, sandboxed=True)
    words = found.write_command(tmp_path / "work", "train.py")
    assert words[0] == str(program)
    assert "some-model" in words
    assert not any("{" in word for word in words if not word.startswith("{"))
    assert PRESETS[name].words[1:] == tuple(
        word for word in found.words[1:] if word in PRESETS[name].words
    )


def test_a_program_in_a_package_is_seen_with_its_package_alone(tmp_path: Path) -> None:
    real = make_program(tmp_path / "lib" / "node_modules" / "@openai" / "codex" / "bin", "codex.js")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to(real)
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "OPENAI_API_KEY": "k"}
    found = find_program(AgentSpec.parse("codex"), (), environ, sandboxed=True)
    assert tmp_path / "lib" / "node_modules" in found.readable
    assert tmp_path / "bin" not in found.readable
    assert found.words[0] == str(real)
    assert found.variables == ["OPENAI_API_KEY"]
    assert "danger-full-access" in found.words
    alone = find_program(AgentSpec.parse("codex"), (), environ, sandboxed=False)
    assert "workspace-write" in alone.words


def test_what_is_missing_is_said_with_the_way_out(tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path)}
    with pytest.raises(OptionError, match="npm install -g @anthropic-ai/claude-code"):
        build_agents(Settings(agents=("claude",)), nothing)
    with pytest.raises(OptionError, match="--agent-env names MY_KEY, which is not set"):
        build_agents(Settings(agents=("python x.py",), agent_env=("MY_KEY",)), nothing)
    with pytest.raises(OptionError, match=r"--price mine=IN:OUT.*or cap its sessions with"):
        build_agents(Settings(agents=("mine=python x.py",), max_cost=5.0), nothing)
    build_agents(Settings(agents=("mine=python x.py",), max_cost=5.0, max_proposals=9), nothing)
    with pytest.raises(OptionError, match="two proposers are called a"):
        build_agents(Settings(agents=("a=python x", "a=python y")), nothing)
    with pytest.raises(OptionError, match="--max-proposals is for coding agents"):
        build_agents(Settings(max_proposals=3), nothing)


def test_a_session_takes_no_longer_than_two_children_unless_told() -> None:
    assert limit_session(Settings(budget=300.0), 300.0) == 600.0
    assert limit_session(Settings(budget=5.0), 20.0) == 50.0
    assert limit_session(Settings(budget=5.0, agent_seconds=90.0), 20.0) == 90.0
