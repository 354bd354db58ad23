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
