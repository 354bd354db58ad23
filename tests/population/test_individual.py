"""Measurements and individuals: what counts as a score, and how scores compare."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from population import Direction, Individual, Measurement, Status

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def run(fitness: float | None, **measures: float) -> Measurement:
    status = Status.OK if fitness is not None else Status.CRASH
    return Measurement(status, fitness, measures, seconds=1.0)


def one(*measurements: Measurement, direction: Direction = Direction.MINIMIZE) -> Individual:
    return Individual(0, "c0", (), "seed", "", 0, direction, measurements)


@given(finite, finite)
def test_fitness_compares_by_direction(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    assert (Direction.MINIMIZE.fitness(low) > Direction.MINIMIZE.fitness(high)) == (low < high)
    assert (Direction.MAXIMIZE.fitness(high) > Direction.MAXIMIZE.fitness(low)) == (low < high)
    assert Direction.MINIMIZE.gain(low, high) == Direction.MAXIMIZE.gain(high, low) >= 0


def test_the_fitter_end_of_a_direction() -> None:
    assert [direction.fitter_end for direction in Direction] == ["lower", "higher"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_fitness_is_made_of_what_is_not_finite(value: float) -> None:
    for direction in Direction:
        with pytest.raises(ValueError, match="finite"):
            direction.fitness(value)
    with pytest.raises(ValueError, match="exactly if"):
        run(value)


def test_a_failure_carries_no_fitness_and_a_score_carries_one() -> None:
    with pytest.raises(ValueError, match="exactly if"):
        Measurement(Status.CRASH, 1.0, {}, 1.0)
    with pytest.raises(ValueError, match="exactly if"):
        Measurement(Status.OK, None, {}, 1.0)
    assert not one(run(None)).fitness.valid


def test_repeats_give_the_mean_fitness_and_the_median_measures() -> None:
    individual = one(run(1.0, size=5), run(None), run(2.0, size=7), run(6.0, size=600))
    assert individual.objective == pytest.approx(3.0)
    assert individual.measures == {"size": 7}
    assert individual.fitness.values == (3.0,)
    assert len(individual.scored) == 3


def test_status_is_ok_once_it_scored_else_the_last_failure() -> None:
    timeout = Measurement(Status.TIMEOUT, None, {}, 1.0)
    assert one().status is None
    assert one().objective is None
    assert one().measures == {}
    assert one(run(None), timeout).status is Status.TIMEOUT
    assert one(run(1.0), timeout).status is Status.OK


def test_a_new_measurement_makes_a_new_individual() -> None:
    before = one(run(4.0))
    after = before.measured(run(2.0))
    assert (before.objective, after.objective) == (4.0, 3.0)
    assert after.fitness > before.fitness
    with pytest.raises(FrozenInstanceError):
        before.generation = 3  # type: ignore[misc]
