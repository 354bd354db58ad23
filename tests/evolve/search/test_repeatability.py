"""The same results in the same order make the same search, from its record, too."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.rows import ProposalRow, Purpose
from evolve.runs.history import restore_search
from evolve.runs.run import Run, begin_run, open_run
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from evolve.settings import Settings
from population import Direction, Individual, Measurement
from population.selection import SELECTORS
from tests.evolve.search.searching import (
    AXES,
    FAILED,
    add,
    asked,
    new_search,
    populated,
    run,
)


def test_asking_changes_nothing() -> None:
    search = populated("map-elites")
    first = asked(search)
    assert asked(search) == first
    assert [asked(search, 9)[8]] == first[8:9], "a plan depends on its number alone"


@pytest.mark.parametrize("selector", SELECTORS)
def test_another_seed_asks_for_other_things(selector: str) -> None:
    def plans(seed: int) -> list[tuple[Any, ...]]:
        search = new_search(selector=selector, seed=seed)
        add(search, run(2.2, size=9.0))
        return asked(search)

    assert plans(1) == plans(1) != plans(2)


# In each step an elite has a child, or a child that waits for its result gets it, late or early.
fates = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(0, 3),
        st.none() | st.tuples(*[st.integers(1, 9).map(float)] * 3),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(fates, st.sampled_from(sorted(STRATEGIES)), st.sampled_from(sorted(SELECTORS)))
def test_the_same_results_in_the_same_order_make_the_same_search(
    steps: list[tuple[bool, int, tuple[float, float, float] | None]], strategy: str, selector: str
) -> None:
    live = new_search(strategy, selector=selector)
    told, waiting = list[tuple[int, Measurement]](), list[int]()
    for number, (ask, which, result) in enumerate(steps):
        if ask or not waiting:
            plan = live.ask(number)
            drawn = tuple(parent.id for parent in plan.parents)
            child = Individual(len(live.individuals), "c", drawn, "x", "", 1, Direction.MINIMIZE)
            live.add_individual(child)
            waiting.append(child.id)
        else:
            individual = waiting.pop(which % len(waiting))
            told.append((individual, FAILED if result is None else run(*result)))
            live.tell(*told[-1])
    again = new_search(strategy, selector=selector)
    for child in list(live.individuals.values())[1:]:
        again.add_individual(
            Individual(child.id, "c", child.parents, "x", "", 1, Direction.MINIMIZE)
        )
    for individual, measurement in told:
        again.tell(individual, measurement)
    assert asked(again) == asked(live)
    assert again.individuals == live.individuals


def grown(record_of: Run, count: int) -> Search:
    """A search that works on a run as a loop would, its record included, with made-up results."""
    search, rng = restore_search(record_of), np.random.default_rng(3)
    record, places = record_of.record, iter(range(1, 1000))

    def measure(number: int, result: Measurement) -> None:
        kept = search.tell(number, result)
        record.add_measurement(number, result, Purpose.SEARCH, kept, next(places))

    for fitness in (2.1, 2.2):
        measure(0, run(fitness))
    search.open_archive(AXES)
    record.set_meta({"axes": [axis.to_dict() for axis in AXES]})
    waiting: list[int] = []
    for number in range(count):
        plan, asked_at = search.ask(number), next(places)
        drawn = tuple(parent.id for parent in plan.parents)
        name, child_id = plan.operator.name, len(search.individuals)
        child = None
        if rng.random() < 0.8:
            prior = search.prior(drawn)
            child = Individual(child_id, "c", drawn, name, "", 1, Direction.MINIMIZE, prior=prior)
        row = ProposalRow(
            *(number, name, drawn, child.id if child else None, "" if child else "no", 1.0, 1.0),
            asked=asked_at,
            told=next(places),
        )
        record.begin_proposal(row)
        record.end_proposal(row, child, digest=str(number))
        if child is None:
            search.add_refusal(plan.arm, drawn)
            continue
        search.add_individual(child)
        waiting.append(child.id)
        if len(waiting) > 3:
            size, speed = rng.uniform(1, 16, size=2)
            result = run(float(rng.normal(2, 0.3)), size, speed)
            failed = rng.random() < 0.2
            measure(waiting.pop(int(rng.integers(4))), FAILED if failed else result)
    record.add_measurement(0, run(9.0), Purpose.FINAL, False, next(places))
    return search


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_restored_from_its_record_is_the_live_one(here: Any, strategy: str) -> None:
    options = Settings(task=str(here.task_folder), strategy=strategy, seed=5, devices="cpu")
    with closing(begin_run(options, "one", [], lambda line: None)) as begun:
        live = grown(begun, 40)
    with closing(open_run("one")) as looked:
        restored = restore_search(looked)
    assert 25 < len(live.individuals) < 40
    assert restored.individuals == live.individuals
    assert (restored.incumbent, restored.reference) == (live.incumbent, live.reference)
    assert (restored.best, restored.noise) == (live.best, live.noise)
    assert restored.archive is not None
    assert live.archive is not None
    assert restored.archive.elites == live.archive.elites
    assert restored.archive.individuals == live.archive.individuals
    assert asked(restored) == asked(live)


def test_a_run_whose_seeds_are_not_measured_yet_is_restored_without_an_archive(here: Any) -> None:
    options = Settings(task=str(here.task_folder), devices="cpu")
    with closing(begin_run(options, "one", [], lambda line: None)) as begun:
        begun.record.add_measurement(0, run(2.0), Purpose.SEARCH, True)
    with closing(open_run("one")) as looked:
        restored = restore_search(looked)
    assert restored.archive is None
    assert restored.individuals[0].objective == 2.0
