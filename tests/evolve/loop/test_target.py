"""When a target counts as reached: noise does not explain it, or there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.loop.target import MOST_RUNS, is_reached, is_surely_reached, may_be_reached
from population import Direction, Individual, Measurement, Status
from population.estimate import Deviation, Noise

EXACT = Noise(exact=True)
KNOWN = Noise(repeats={0: Deviation(0.06**2 * 4, 4)}, floor=1e-4)
UNKNOWN = Noise()


def best(*values: float, direction: Direction = Direction.MINIMIZE) -> Individual:
    runs = tuple(Measurement(Status.OK, value, {}, 1.0, seed) for seed, value in enumerate(values))
    return Individual(7, "", (0,), "tune", "", 1, direction, runs)


@pytest.mark.parametrize(
    ("values", "noise", "reached", "surely", "again"),
    [
        ((2.59, 2.63), KNOWN, True, False, True),  # its truth may well be 2.75
        ((2.3, 2.4), KNOWN, True, True, False),  # so far past it that a single repeat shows it
        ((2.59, 2.75), KNOWN, False, False, False),  # the first run made it the best of many
        ((2.69, 2.69, 2.68, 2.69, 2.7), KNOWN, True, False, False),  # it stays as close as that
        ((2.7,), EXACT, True, True, False),
        ((2.71,), EXACT, False, False, False),
        ((2.7, 2.7), KNOWN, True, True, False),  # runs that are all equal may be at their limit
        ((2.5,), UNKNOWN, True, False, True),  # also where every run is believed, as by greedy
        ((2.5, 2.4), UNKNOWN, True, False, True),
        ((), KNOWN, False, False, False),
    ],
)
def test_a_target_is_reached_beyond_luck(
    values: tuple[float, ...], noise: Noise, reached: bool, surely: bool, again: bool
) -> None:
    one = best(*values)
    assert len(values) <= MOST_RUNS
    assert is_reached(one, 2.7) is reached
    assert is_surely_reached(one, 2.7, noise) is surely
    assert may_be_reached(one, 2.7, noise) is again


def test_more_is_better_where_the_task_says_so() -> None:
    one = best(100.0, 104.0, direction=Direction.MAXIMIZE)
    assert is_surely_reached(one, 90.0, KNOWN)
    assert not is_reached(one, 105.0)


def test_without_a_best_or_a_target_there_is_nothing_to_reach() -> None:
    assert not is_surely_reached(None, 2.7, KNOWN)
    assert not is_surely_reached(best(1.0, 1.0), None, KNOWN)
    assert not may_be_reached(None, 2.7, KNOWN)


def test_a_seed_owes_nothing_to_luck() -> None:
    seed = replace(best(2.6, 2.69), parents=())
    assert not is_surely_reached(best(2.6, 2.69), 2.7, KNOWN)
    assert is_surely_reached(seed, 2.7, KNOWN)
