"""Children of a model that failed early are mended."""

from __future__ import annotations

import pytest

from evolve.search.search import Search
from population import Direction, Individual, Measurement, Status
from tests.evolve.search.searching import (
    EVERYTHING,
    FAILED,
    new_search,
    run,
)


def child(search: Search, operator: str, parent: int, measurement: Measurement) -> int:
    number = len(search.individuals)
    search.add_individual(Individual(number, "c", (parent,), operator, "", 1, Direction.MINIMIZE))
    search.tell(number, measurement)
    return number


def next_to_mend(search: Search, *, offline: bool = False) -> int | None:
    plan = search.ask(0, offline=offline)
    return plan.parents[0].id if plan.operator.name == "repair" else None


def test_a_models_child_that_failed_early_is_mended_twice_at_most() -> None:
    search = new_search(operators=EVERYTHING, budget=4.0)
    first = child(search, "tweak", 0, FAILED)
    assert next_to_mend(search) == first
    assert next_to_mend(search) is None, "it is asked for once"
    second = child(search, "repair", first, FAILED)
    assert next_to_mend(search, offline=True) is None
    assert next_to_mend(search) == second
    child(search, "repair", second, FAILED)
    assert next_to_mend(search) is None


def test_what_the_seed_takes_beside_its_training_is_no_training() -> None:
    slow_start = Measurement(Status.CRASH, None, {}, 2.9, reason="in its first step")
    search = new_search(operators=EVERYTHING, budget=4.0)  # and the seed took 5 seconds
    broken = child(search, "tweak", 0, slow_start)
    assert next_to_mend(search) == broken, "half of the budget, and the second of its start"


@pytest.mark.parametrize(
    ("operator", "measurement"),
    [
        ("perturb", FAILED),
        ("tweak", run(3.0)),
        ("tweak", Measurement(Status.CRASH, None, {}, 3.0, reason="after much training")),
        ("tweak", Measurement(Status.CHEAT, None, {}, 1.0, reason="it reads ahead")),
    ],
)
def test_nobody_mends_what_is_no_accident_of_a_model(
    operator: str, measurement: Measurement
) -> None:
    search = new_search(operators=EVERYTHING, budget=4.0)
    child(search, operator, 0, measurement)
    assert next_to_mend(search) is None


def test_without_the_operator_nothing_is_mended() -> None:
    search = new_search(operators={"tweak": 1.0, "crossover": 1.0}, budget=4.0)
    child(search, "tweak", 0, FAILED)
    assert next_to_mend(search) is None
