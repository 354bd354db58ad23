"""The searches on landscapes: their genomes are texts, their truth is known, runs repeat."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from trainer.task import load_task

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def landscapes(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("search_landscapes")


@pytest.mark.parametrize("name", ["choices", "valleys", "slow"])
def test_the_seed_is_worth_what_it_is_on_the_landscape(landscapes: ModuleType, name: str) -> None:
    world = landscapes.World(landscapes.Case(name, 10, 0.0, (10,)), 3)
    assert world.truth(0) == pytest.approx(0.998, abs=1e-9)
    assert world.run(0).fitness == world.truth(0)
    assert world.runs == 1


def test_a_step_of_a_constant_is_a_step_of_the_landscape(landscapes: ModuleType) -> None:
    world = landscapes.World(landscapes.Case("valleys", 10, 0.0, (10,)), 3)
    world.sources.append(world.sources[0].replace("GENE_0 = 0.01", "GENE_0 = 0.0182211880039"))
    land = world.ground.landscape
    assert world.truth(1) == pytest.approx(land.truth(land.start + np.array([0.4, 0.0])), abs=1e-9)


@pytest.mark.parametrize("arm", ["program", "greedy", "cma"])
def test_a_search_repeats(landscapes: ModuleType, arm: str) -> None:
    case, task = landscapes.Case("slow", 16, 0.001, (8, 16)), load_task(ROOT)
    once, again = (landscapes.simulate(arm, case, task, 5) for _ in range(2))
    assert [point.evaluations for point in once] == [8, 16]
    assert [(p.claimed, p.truth) for p in once] == [(p.claimed, p.truth) for p in again]
    other = landscapes.simulate(arm, case, task, 6)
    assert [p.claimed for p in other] != [p.claimed for p in once]


def test_a_refused_proposal_makes_no_second_checkpoint(landscapes: ModuleType) -> None:
    case, task = landscapes.Case("choices", 40, 0.003, tuple(range(5, 41))), load_task(ROOT)
    points = [point for seed in range(2) for point in landscapes.simulate("cma", case, task, seed)]
    assert [point.evaluations for point in points] == 2 * list(range(5, 41))


def test_records_are_written(tmp_path: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "search.py"), "--landscapes", "choices"),
            *("--seeds", "2", "--evaluations", "10", "--arms", "greedy", "random"),
            *("--out", str(tmp_path)),
        ],
        check=True,
        capture_output=True,
    )
    lines = (tmp_path / "search_choices.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 2  # both searches, both landscapes, at 10 evaluations
    conditions = json.loads((tmp_path / "search_choices.json").read_text())
    assert conditions["arms"] == {"greedy": "greedy", "random": "independent draws"}
    assert conditions["reachable_cells"] >= 1
