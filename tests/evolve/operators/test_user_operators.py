"""Operators of the user's own, as the example shows them, in real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "operators" / "halve.py"
COMMON = ("--task", "toy", "--run", "own", "--generations", "2", "--final-runs", "0")


@pytest.mark.parametrize(
    "where", [pytest.param("command line", marks=pytest.mark.slow), "program.md"]
)
def test_the_example_makes_children_beside_the_others(place: Any, where: str) -> None:
    options: tuple[str, ...] = ()
    if where == "command line":
        options = ("--operators", f"{EXAMPLE}:Halve:3,perturb:1")
    else:
        (place.task_folder / "halve.py").write_text(EXAMPLE.read_text())
        program = place.task_folder / "program.md"
        line = 'operators = ["halve.py:Halve:3", "perturb:1"]\nmetric ='
        program.write_text(program.read_text().replace("metric =", line))
    done = place.evolve(*COMMON, *options)
    assert done.returncode == 0, done.stderr
    halved = place.rows("own", "SELECT id, description FROM individuals WHERE operator = 'halve'")
    assert halved
    for number, description in halved:
        name, old, _, new = description.split()
        assert int(new) == int(old) // 2
        assert f"\n{name} = {new}" in place.git("own", "show", f"refs/genomes/{number}:toy.py")
    again = place.evolve("resume", "own", "--generations", "3")
    assert again.returncode == 0, again.stderr
    assert place.count("own", "individuals WHERE id > 0") == 15


BAD = """
from __future__ import annotations
from dataclasses import dataclass
from evolve.operators import Operator, Proposal

@dataclass(frozen=True)
class Bad(Operator):
    text: str = "it fell over"
    name = "bad"

    def propose(self, parents, context):
        if parents[0].individual.id % 2:
            raise ValueError(self.text)
        return Proposal("print('nothing of the task')", "nothing")
"""


def test_one_that_fails_or_breaks_the_contract_is_told_and_does_not_end_the_run(place: Any) -> None:
    (place.task_folder / "bad.py").write_text(BAD)
    done = place.evolve(*COMMON, "--operators", "toy/bad.py:Bad,perturb")
    assert done.returncode == 0, done.stderr
    assert place.count("own", "individuals WHERE operator = 'bad'") == 0
    reasons = {reason for (reason,) in place.rows("own", "SELECT reason FROM proposals")}
    assert any("what bad made is refused: the file no longer uses `GOAL`" in r for r in reasons)
    failed = "the operator bad failed: ValueError: it fell over"
    if failed in reasons:
        assert place.count("own", "events WHERE kind = 'defect' AND text LIKE '%Traceback%'")


def test_a_run_can_be_looked_at_without_the_file_of_its_operator(place: Any) -> None:
    own = place.task_folder / "halve.py"
    own.write_text(EXAMPLE.read_text())
    assert place.evolve(*COMMON, "--operators", "toy/halve.py:Halve,perturb").returncode == 0
    own.unlink()
    for look in (("list",), ("list", "own"), ("show", "own"), ("heatmap", "own")):
        done = place.evolve(*look)
        assert done.returncode == 0, done.stderr
    gone_on = place.evolve("resume", "own", "--generations", "3")
    assert gone_on.returncode == 2
    assert "halve.py" in gone_on.stderr
