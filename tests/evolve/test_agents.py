"""AGENTS.md: an agent that knows this page alone works through five experiments."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "AGENTS.md").read_text(encoding="utf-8")
IDEAS = ("RATE = 0.2", "RATE = 0.28", "WIDTH = 48", "DEPTH = 5", "DECAY = 0.96")


def read_commands(heading: str) -> list[list[str]]:
    """The arguments of the commands below a heading, without what calls the program."""
    section = PAGE.split(f"## {heading}\n")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block
    lines = [line.partition("  #")[0].strip().removesuffix("&") for line in block[1].splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("./go")]


def apply(idea: str, source: str) -> str:
    """Give a constant of a genome another value."""
    name = idea.partition(" ")[0]
    return re.sub(rf"^{name} = [^ #\n]*", idea, source, flags=re.M)


@pytest.mark.slow
def test_a_scripted_agent_works_through_five_experiments(place: Any, eventually: Any) -> None:
    listed, begin = read_commands("Once")
    brief, submit = read_commands("The loop")
    assert "no runs" in place.evolve(*listed).stderr + place.evolve(*listed).stdout
    process = place.start(*begin, "--task", "toy", "--devices", "cpu:0")
    results = place.run("night") / "results.tsv"
    eventually(lambda: results.exists() and place.rows("night", "SELECT 1 FROM epochs"))

    scores = []
    for idea in IDEAS:
        done = place.evolve(*brief)
        assert done.returncode == 0, done.stderr
        parent = json.loads(place.evolve(*brief, "--json").stdout)["parents"][0]
        source = (place.folder / "work" / f"{parent['id']}.py").read_text()
        (place.folder / "work" / "mine.py").write_text(apply(idea, source))
        done = place.evolve(*submit, "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["parents"] == [parent["id"]]
        scores.append(said["objective"])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert scores[-1] < scores[0] - 0.1
    assert place.count("night", "individuals WHERE operator = 'submitted'") == len(IDEAS)
    ideas = place.rows("night", "SELECT description FROM individuals WHERE id > 0")
    assert {idea for (idea,) in ideas} == {submit[submit.index("-m") + 1]}


def test_other_names_lead_there() -> None:
    for name in ("CLAUDE.md", "GEMINI.md", ".claude/skills/evolve/SKILL.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        (target,) = set(re.findall(r"\]\((.*?AGENTS\.md)\)", text))
        assert ((ROOT / name).parent / target).resolve() == ROOT / "AGENTS.md"
