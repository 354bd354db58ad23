"""Runs with coding agents: scripted ones, beside a model and offline operators."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AGENT = """
import json, pathlib, re, sys, time
pause, name = float(sys.argv[1]), sys.argv[2]
time.sleep(pause)
genome = pathlib.Path("toy.py")
source = genome.read_text()
width = int(re.search(r"^WIDTH = (\\d+)", source, re.M)[1])
change = time.time_ns() % 89 + 1
genome.write_text(re.sub(r"^WIDTH = .*", f"WIDTH = {width + change}", source, flags=re.M))
pathlib.Path("notes.md").write_text(f"width {width + change} by {name}\\n\\nwider is better\\n")
pathlib.Path("scratch.txt").write_text("dropped")
print(json.dumps({"type": "result", "subtype": "success", "total_cost_usd": 0.25,
                  "usage": {"input_tokens": 100, "output_tokens": 20}, "result": "done"}))
"""
TOY = ("--task", "toy", "--run", "a", "--devices", "cpu:0", "--final-runs", "0")


def write_agent(place: Any, name: str, pause: float) -> tuple[str, str]:
    """An option with an agent that works for so many seconds."""
    path = place.folder / "agent.py"
    path.write_text(AGENT)
    return "--agent", f"{name}=python {path} {pause} {name} {place.mark}"


def read_intervals(place: Any, model: str) -> list[tuple[float, float]]:
    """When the proposals of a model or an agent began and ended."""
    rows = place.rows(
        "a", f"SELECT ended - seconds, ended FROM proposals WHERE ended > 0 AND model = '{model}'"
    )
    return [(begun, ended) for begun, ended in rows]


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def list_workspaces() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("evolve-agent-*"))


@pytest.fixture(scope="module")
def shared(make_place: Callable[[], Any], serve: Any, scripted: Any) -> Any:
    """A run of two agents and a model."""
    place, server = make_place(), serve(scripted.tweaked)
    place.before = list_workspaces()
    done = place.evolve(
        *(*TOY, "--generations", "3", "--operators", "tweak:2,agent:2,agent-crossover,perturb"),
        *(*write_agent(place, "ann", 1.2), *write_agent(place, "bob", 1.2)),
        *("--model", "openai/test", "--api-base", server.base, "--price", "2:10"),
        env={"OPENAI_API_KEY": "sk-a-key-that-no-agent-may-see"},
    )
    assert done.returncode == 0, done.stderr
    place.output = done.stdout
    return place


def test_two_agents_and_a_model_share_a_run_and_none_waits_for_another(shared: Any) -> None:
    ann, bob, model = (read_intervals(shared, name) for name in ("ann", "bob", "openai/test"))
    assert ann
    assert bob
    assert any(overlap(one, other) for one in ann for other in bob)
    whole = [one for one in model if any(a[0] < one[0] and one[1] < a[1] for a in [*ann, *bob])]
    assert whole, "a model proposed while an agent worked"
    ends = [ended for (ended,) in shared.rows("a", "SELECT ended FROM measurements")]
    assert any(a[0] < end < a[1] for end in ends for a in ann), "the device did not wait"


def test_its_children_have_their_notes_their_cost_and_a_transcript(shared: Any) -> None:
    rows = shared.rows(
        "a", "SELECT id, description, operator FROM individuals WHERE model IN ('ann', 'bob')"
    )
    assert rows
    for number, description, operator in rows:
        width = description.split()[1]
        assert f"\nWIDTH = {width}\n" in shared.git("a", "show", f"refs/genomes/{number}:toy.py")
        message = shared.git("a", "log", "-1", "--format=%B", f"refs/genomes/{number}")
        assert message.startswith(f"#{number} {operator}: {description}\n\nwider is better")
    calls = shared.rows(
        "a",
        "SELECT proposal, cost, tokens_in FROM calls WHERE model != 'openai/test' AND error = ''",
    )
    for proposal, cost, tokens in calls:
        assert (cost, tokens) == (0.25, 100)
        log = shared.run("a") / "logs" / f"agent-p{proposal}.log"
        assert "total_cost_usd" in log.read_text()


def test_prompts_show_status_and_log_know_the_agents(shared: Any) -> None:
    spent = shared.evolve("prompts", "a").stdout
    assert "agent" in spent
    assert "ann" in spent
    number, proposal = shared.rows(
        "a", "SELECT individual, id FROM proposals WHERE model = 'ann' AND individual > 0"
    )[0]
    said = shared.evolve("prompts", "a", str(number)).stdout
    assert "## What to do" in said
    assert "===== changed besides it, and dropped =====\nscratch.txt" in said
    assert "ann" in shared.evolve("show", "a", str(number)).stdout
    assert "total_cost_usd" in shared.evolve("log", "a", f"p{proposal}").stdout
    assert "agent ann: " in shared.output
    assert "THE NETWORK IS OPEN" in shared.output


def test_its_decisions_are_the_same_when_replayed_and_nothing_is_left(shared: Any) -> None:
    done = shared.evolve("replay", "a")
    assert done.returncode == 0, done.stdout
    asked = shared.count("a", "asks")
    assert f"{asked} of {asked} proposals are the same" in done.stdout
    assert shared.count("a", "asks WHERE without LIKE '%ann%'") > 0, "a busy agent is not drawn"
    assert shared.living() == []
    assert list_workspaces() <= shared.before


@pytest.mark.slow
def test_a_killed_run_goes_on_with_its_agent_and_can_be_replayed(
    place: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    before = list_workspaces()
    mix = ("--operators", "agent:2,agent-crossover:2,perturb")
    options = (*TOY, *mix, "--generations", "5", "--children", "6")
    process = place.start(*options, *write_agent(place, "ann", 3.0))

    database = place.run("a") / "archive.db"

    def is_amid_a_session() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return bool(
                database.exists()
                and place.count("a", "measurements") > 3
                and place.count("a", "proposals WHERE ended > 0 AND model = 'ann'") > 0
                and place.count("a", "proposals WHERE ended = 0 AND model = 'ann'")
            )
        except sqlite3.OperationalError:  # its tables are not there yet
            return False

    eventually(is_amid_a_session)
    process.kill()
    process.communicate(timeout=60)
    eventually(lambda: not place.living())
    done = place.evolve("resume", "a", *write_agent(place, "ann", 0.0))
    assert done.returncode == 0, done.stderr
    assert place.count("a", "measurements WHERE purpose = 'search' AND individual > 0") == 30
    assert place.count("a", "individuals WHERE model = 'ann'") > 0
    lost = place.count("a", "calls WHERE error LIKE 'the run ended before%'")
    assert lost == 1, "the session that was cut off is paid for, too"
    done = place.evolve("replay", "a")
    assert done.returncode == 0, done.stdout
    assert list_workspaces() <= before, "also what the killed process has left is gone"


def test_a_device_waits_for_an_agent_alone_no_longer_than_offline_after(place: Any) -> None:
    done = place.evolve(
        *(*TOY, "--generations", "1", "--operators", "agent", "--offline-after", "0.5"),
        *write_agent(place, "hung", 600),
    )
    assert done.returncode == 0, done.stderr
    operators = place.rows("a", "SELECT DISTINCT operator FROM individuals WHERE id > 0")
    assert operators == [("perturb",)]
    assert place.living() == []


@pytest.mark.slow
def test_max_proposals_caps_the_sessions_of_a_run(place: Any) -> None:
    agent = write_agent(place, "ann", 0.0)
    options = (*TOY, "--children", "2", "--operators", "agent,perturb:0.001")
    done = place.evolve(*options, *agent, "--generations", "1", "--max-proposals", "2")
    assert done.returncode == 0, done.stderr
    done = place.evolve("resume", "a", "--generations", "2")
    assert done.returncode == 0, done.stderr
    assert place.count("a", "calls") == 2


def test_an_agent_that_operators_leave_out_is_refused(place: Any) -> None:
    done = place.evolve(*TOY, "--operators", "perturb", *write_agent(place, "ann", 0.0))
    assert done.returncode == 2
    assert "add agent" in done.stderr
    done = place.evolve(*TOY, "--operators", "agent,perturb")
    assert done.returncode == 2
    assert "add --agent NAME" in done.stderr
