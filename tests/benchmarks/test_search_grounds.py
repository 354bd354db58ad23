"""The ground that is fitted to trainings: a table of them comes back, and the fit knows them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from evolve.genome.masking import read_values
from population import Direction

SEED = "DEPTH = 2\nRATE = 0.01\nPOWER = 2**14\nSWITCHES = (True, 0.9)\n"


@pytest.fixture(scope="module")
def tables(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("search_trainings")


@pytest.fixture(scope="module")
def grounds(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("search_grounds")


@pytest.fixture(scope="module")
def trainings(tables: ModuleType) -> Any:
    """Trainings of a genome whose depth and rate matter, each run twice; one depth always fails."""
    rng = np.random.default_rng(0)
    values, results = [], []
    for _ in range(35):
        depth, rate = int(rng.integers(1, 6)), float(10 ** rng.uniform(-3, -1))
        for _ in range(2):
            values.append((depth, rate, 14, True, 0.9))
            loss = 2.0 + 0.1 * abs(depth - 3) + 0.1 * abs(np.log10(rate) + 2)
            scored = (loss + rng.normal(0.0, 0.01), depth * 1000.0, 500.0 / depth)
            results.append(None if depth == 5 else scored)
    return tables.Trainings(SEED, ["size", "throughput"], ["a-0"] * len(values), values, results)


def test_a_table_of_trainings_comes_back(
    tables: ModuleType, trainings: Any, tmp_path: Path
) -> None:
    trainings.write(tmp_path / "table.csv")
    again = tables.Trainings.read(tmp_path / "table.csv")
    assert (again.seed, list(again.measures)) == (SEED, ["size", "throughput"])
    assert (again.runs, again.values) == (trainings.runs, trainings.values)
    assert [one is None for one in again.results] == [one is None for one in trainings.results]
    assert again.deviation == pytest.approx(trainings.deviation, rel=1e-3)


def test_the_noise_is_that_of_what_ran_repeatedly(trainings: Any) -> None:
    assert trainings.deviation == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize("direction", Direction)
def test_what_was_measured_is_foreseen(
    grounds: ModuleType, tables: ModuleType, trainings: Any, direction: Direction
) -> None:
    sign = 1.0 if direction is Direction.MINIMIZE else -1.0
    turned = [one and (sign * one[0], *one[1:]) for one in trainings.results]
    told = tables.Trainings(SEED, trainings.measures, trainings.runs, trainings.values, turned)
    ground = grounds.Fitted(told, direction, np.random.default_rng(1))
    best, poor = (3, 0.01, 14, True, 0.9), (1, 0.001, 14, True, 0.9)
    assert sign * ground.truth(best) == pytest.approx(2.0, abs=0.05)
    assert sign * ground.truth(poor) == pytest.approx(2.3, abs=0.15)
    assert sign * ground.truth((5, 0.01, 14, True, 0.9)) > sign * ground.truth(best) + 0.1
    assert ground.measures(best) == pytest.approx({"size": 3000, "throughput": 167}, rel=0.1)
    assert ground.noise == trainings.deviation
    assert read_values(ground.seed) == (2, 0.01, 14, True, 0.9)


def test_each_seed_has_a_ground_of_its_own(grounds: ModuleType, trainings: Any) -> None:
    def judge(seed: int) -> float:
        rng = np.random.default_rng(seed)
        ground = grounds.Fitted(trainings, Direction.MINIMIZE, rng, most=40)
        return float(ground.truth(trainings.values[0]))

    made = [judge(seed) for seed in (0, 0, 1, 2)]
    assert made[0] == made[1]
    assert len(set(made)) == 3
    assert statistics.stdev(made) < 0.1
