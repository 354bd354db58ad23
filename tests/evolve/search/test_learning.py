"""What the search learns of operators, models and parents, and whom it asks then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from evolve.operators import OPERATORS
from evolve.search.bandit import Arm, Bandit, Outcome
from population import Direction, Individual, Measurement
from population.selection import Offspring
from tests.evolve.search.searching import (
    EVERYTHING,
    FAILED,
    Listener,
    add,
    asked,
    new_search,
    run,
)


def test_an_arm_is_rewarded_by_what_its_child_is_worth_and_pays_for_the_device() -> None:
    listener = Listener()
    search = new_search(operators={"tweak": 1.0}, chooser=listener, exact=True)

    def heard(measurement: Measurement) -> float:
        number = len(search.individuals)
        child = Individual(number, "c", (0,), "tweak", "", 1, Direction.MINIMIZE, model="m")
        search.add_individual(child, dollars=0.5)
        search.tell(number, replace(measurement, device="cuda:0", seconds=3600.0))
        arm, outcome = listener.heard[-1]
        assert arm == Arm("tweak", "m")
        assert (outcome.measured, outcome.cost) == (True, pytest.approx(3.0))
        return outcome.reward

    worth = [
        heard(run(1.0)),  # a new best
        heard(run(1.5)),  # fitter than its parent
        heard(run(3.0, size=9.0)),  # an empty cell
        heard(run(3.5, size=9.0)),  # nothing
        heard(FAILED),
    ]
    assert worth == sorted(worth, reverse=True)
    assert worth[0] == 1.0 > worth[1] > worth[2] > worth[3] == worth[4] == 0.0


def test_a_refused_proposal_is_less_of_a_trial_and_a_repeat_is_none() -> None:
    listener = Listener()
    search = new_search(operators={"tweak": 1.0}, chooser=listener)
    search.add_refusal(Arm("tweak", "m"), (0,), dollars=0.25)
    ((_, outcome),) = listener.heard
    assert outcome == Outcome(0.0, 0.25, measured=False)
    add(search, run(3.0))
    heard = len(listener.heard)
    search.tell(1, run(3.2))
    assert len(listener.heard) == heard


def test_models_whose_weights_differ_are_drawn_by_them() -> None:
    search = new_search(
        operators={"tweak": 1.0}, models={"a": 3.0, "b": 1.0}, chooser=Bandit(), selector="uniform"
    )
    models = Counter(search.ask(number).model for number in range(400))
    assert 250 < models["a"] < 350
    assert models["b"] == 400 - models["a"]


def test_aim_gets_a_neighbouring_cell_an_empty_one_first() -> None:
    search = new_search(operators={"aim": 1.0})
    around = {search.ask(number).target for number in range(60)}
    assert around == {(0, 1), (1, 0), (1, 1)}
    for measurement in (run(3.0, speed=3.0), run(4.0, size=3.0), run(5.0, size=3.0, speed=3.0)):
        add(search, measurement)
    plans = [search.ask(number) for number in range(99)]
    assert {plan.target for plan in plans if plan.parents[0].id == 0} == {(1, 1)}, "the weakest"


def test_parents_are_known_by_their_children_in_flight_and_by_those_fitter_than_they() -> None:
    told: dict[int, Offspring] = {}

    def select(pool: Any, offspring: Mapping[int, Offspring], unit: float, rng: Any) -> Any:
        told.update(offspring)
        return pool[0]

    search = new_search(seeds=(run(2.0), run(3.0, size=9.0)), select=select, exact=True)
    add(search, run(1.9, size=3.0), 0)
    add(search, run(2.1, size=5.0), 0)  # it takes an empty cell, and wins nothing
    add(search, FAILED, 0)
    add(search, run(2.5, speed=9.0), 0, 1)  # fitter than one parent alone
    add(search, run(2.9, speed=5.0), 1)
    search.tell(6, run(3.9, speed=5.0))  # what a repeat shows does not change what was won
    search.add_individual(Individual(7, "c", (1,), "perturb", "", 1, Direction.MINIMIZE))
    search.ask(0)
    assert told == {0: Offspring(4, 1), 1: Offspring(3, 1)}


def test_offline_the_operators_that_need_a_model_are_left_out() -> None:
    search = new_search(operators=EVERYTHING)
    single = {name for name, one in OPERATORS.items() if one.arity == 1 and not one.needs_agent}
    assert {name for _, name, _, _ in asked(search, 200)} == single - {"repair"}
    offline = asked(search, 200, offline=True)
    assert {name for _, name, _, _ in offline} == {"perturb", "tune", "illuminate"}


@pytest.mark.parametrize("names", [("tweak",), ("tweak", "crossover"), ("tweak", "recombine")])
def test_offline_there_is_an_operator_even_if_none_was_asked_for(names: tuple[str, ...]) -> None:
    search = new_search(operators=dict.fromkeys(names, 1.0))
    plan = search.ask(0, offline=True)
    assert not plan.operator.needs_model
    assert len(plan.parents) == plan.operator.arity
