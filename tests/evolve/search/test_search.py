"""The search by ask and tell: who may be a parent, what is kept, and that it can be repeated."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import Axis
from archive.rows import ProposalRow, Purpose
from evolve.operators import OPERATORS
from evolve.runs.history import restore_search
from evolve.runs.run import Run, begin_run, open_run
from evolve.search.axes import axes_around
from evolve.search.bandit import Arm, Bandit, Chooser, FixedMix, Outcome
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from evolve.settings import Settings
from population import Direction, Individual, Measurement, Status
from population.beliefs import RULES, begin_beliefs
from population.selection import SELECTORS, Offspring, ParentSelector
from trainer.axes import AxisSpec
from trainer.formula import Formula

AXES = (
    Axis("size", "model size", "", 1, 16, 4, log=True),
    Axis("speed", "throughput", "", 1, 16, 4, log=True),
)
FAILED = Measurement(Status.CRASH, None, {}, 1.0, reason="it fell over")


def run(fitness: float, size: float = 1.5, speed: float = 1.5) -> Measurement:
    return Measurement(Status.OK, fitness, {"size": size, "speed": speed}, 5.0)


OFFLINE = {"perturb": 0.7, "recombine": 0.3}
EVERYTHING = dict.fromkeys(OPERATORS, 1.0)
ONE_MODEL = {"m": 1.0}


def mixed(operators: Mapping[str, float], models: Mapping[str, float]) -> FixedMix:
    return FixedMix(
        {
            Arm(name, model): weight
            for name, weight in operators.items()
            for model in (models if OPERATORS[name].needs_model else [""])
        }
    )


class Scripted(ParentSelector):
    """Draws as a test says."""

    name = "scripted"

    def __init__(self, draw: Callable[..., Individual]) -> None:
        self._draw = draw

    def select(self, *told: Any) -> Individual:
        return self._draw(*told)


def new_search(
    strategy: str = "map-elites",
    operators: Mapping[str, float] = OFFLINE,
    models: Mapping[str, float] = ONE_MODEL,
    chooser: Chooser | None = None,
    selector: str = "uniform",
    seed: int = 0,
    seeds: tuple[Measurement, ...] = (run(2.0),),
    budget: float = 0.0,
    select: Callable[..., Any] | None = None,
    opened: bool = True,
    exact: bool = False,
    max_repeats: float = math.inf,
) -> Search:
    """A search whose seeds, genomes 0 and on, are measured."""
    chosen = SELECTORS[selector] if select is None else Scripted(select)
    search = Search(
        strategy=STRATEGIES[strategy](chosen),
        operators={name: OPERATORS[name] for name in operators},
        models=models,
        chooser=chooser or mixed(operators, models),
        seed=seed,
        budget=budget,
        beliefs=begin_beliefs(RULES, exact=exact),
        max_repeats=max_repeats,
    )
    for number, measurement in enumerate(seeds):
        search.add_individual(Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE))
        search.tell(number, measurement)
    if opened:
        search.open_archive(AXES)
    return search


def add(search: Search, measurement: Measurement, *parents: int) -> bool:
    """A child of genome 0, if no other is named, is born and measured; whether it was kept."""
    number = len(search.individuals)
    search.add_individual(
        Individual(number, "c", parents or (0,), "perturb", "", 1, Direction.MINIMIZE)
    )
    return search.tell(number, measurement)


def asked(search: Search, count: int = 60, *, offline: bool = False) -> list[tuple[Any, ...]]:
    """What the next plans are, their randomness included."""
    plans = [search.ask(number, offline=offline) for number in range(count)]
    return [(p.number, p.operator.name, p.parents, p.rng.random()) for p in plans]


def parents(search: Search) -> set[int]:
    """The ids that are drawn as parents."""
    return {parent.id for _, _, drawn, _ in asked(search) for parent in drawn}


# -- how it begins --------------------------------------------------------------------------------


def test_a_search_cannot_begin_with_seeds_that_all_failed() -> None:
    with pytest.raises(ValueError, match="no seed genome has scored"):
        new_search(seeds=(FAILED, FAILED))


def test_the_reference_is_the_first_seed_that_scored_and_the_incumbent_the_fittest() -> None:
    search = new_search(seeds=(FAILED, run(3.0), run(2.0), run(2.5)))
    assert search.reference is not None
    assert search.incumbent is not None
    assert search.best is not None
    assert (search.reference.id, search.incumbent.id, search.best.id) == (1, 2, 2)


def test_of_a_seed_only_the_first_score_counts_as_kept() -> None:
    search = new_search("greedy", opened=False, seeds=())
    search.add_individual(Individual(0, "c", (), "seed", "", 0, Direction.MINIMIZE))
    assert [search.tell(0, m) for m in (FAILED, run(2.0), run(1.0))] == [False, True, False]
    assert search.best is None, "nobody is best before the archive is open"


# -- what is believed -----------------------------------------------------------------------------


def noisy_search(strategy: str = "map-elites") -> Search:
    """A search that knows its noise, and five gains of children: -0.4, -0.2, 0, 0.2 and 0.4."""
    search = new_search(strategy, seeds=(run(2.0),))
    for value in (2.1, 1.9, 2.1, 1.9):
        search.tell(0, run(value))
    for value in (2.4, 2.2, 2.0, 1.8, 1.6):
        add(search, run(value, size=9.0))
    return search


def test_a_child_is_expected_to_be_like_its_parent_where_runs_are_noisy() -> None:
    search = noisy_search()
    prior = search.prior([0])
    assert prior is not None
    assert prior.components[0].mean == pytest.approx(2.0)
    fittest = search.best
    assert fittest is not None
    other = search.prior([0, fittest.id])
    assert other is not None
    assert other.components[0].mean == pytest.approx(fittest.objective), "the fitter one counts"


def test_nothing_is_expected_without_noise_or_by_the_strategies_that_believe_every_run() -> None:
    calm = new_search()
    for value in (2.4, 2.2, 2.0, 1.8, 1.6):
        add(calm, run(value, size=9.0))
    assert calm.prior([0]) is None
    assert noisy_search("greedy").prior([0]) is None
    assert noisy_search("greedy").doubtful() is None
    assert calm.doubtful() is calm.best, "a repeat shows whether there is any noise"


def test_of_a_genome_that_failed_the_last_ancestor_that_scored_counts() -> None:
    search = noisy_search()
    add(search, FAILED, 0)
    failed = len(search.individuals) - 1
    assert search.prior([failed]) == search.prior([0])


def test_a_narrow_lead_is_doubted_until_a_second_run() -> None:
    search = noisy_search()
    best = search.best
    assert best is not None
    add(search, run(best.objective - 0.05, size=9.0))
    doubtful = search.doubtful()
    assert doubtful is not None
    assert doubtful.id == len(search.individuals) - 1
    search.tell(doubtful.id, run(best.objective + 0.5, size=9.0))
    assert search.best is not None
    assert search.best.id == best.id, "a lucky elite is demoted, and the runner-up has its cell"


def test_a_breakthrough_is_repeated_once_then_announced_and_credited() -> None:
    """The children of 2.83 do nothing, until one jumps by ninety deviations."""
    listener = Listener()
    search = new_search(seeds=(run(2.83),), chooser=listener)
    for value in (2.85, 2.81, 2.83):
        search.tell(0, run(value))
    for value in (2.83, 2.84, 2.82, 2.85, 2.81, 2.83):
        add(search, run(value, size=3.0))
    while doubtful := search.doubtful():  # a lucky one, if there is any
        search.tell(doubtful.id, run(2.83, size=3.0))
    announced = search.champion
    add(search, run(1.062, size=3.0))
    jump = search.best
    assert jump is not None
    assert jump.objective == pytest.approx(1.062, abs=0.005)
    assert search.doubtful() is jump
    assert search.champion is announced, "it is not announced before it is repeated"
    heard = len(listener.heard)
    search.tell(jump.id, run(1.07, size=3.0))
    assert search.doubtful() is None
    assert search.champion is not None
    assert search.champion.id == jump.id, "one repeat is enough"
    assert [outcome.reward for _, outcome in listener.heard[heard:]] == [1.0]
    for value in (1.07, 1.05, 1.06, 1.08, 1.055, 1.062, 1.07):
        add(search, run(value, size=3.0), jump.id)
    rewards = [outcome.reward for _, outcome in listener.heard[heard + 1 :]]
    assert max(rewards) <= 0.25, "its children do nothing more"


def test_when_the_repeats_are_used_up_only_a_lead_beyond_luck_is_repeated() -> None:
    search = new_search(max_repeats=0)
    for value in (2.1, 1.9, 2.1, 1.9):
        search.tell(0, run(value))
    add(search, run(1.85, size=9.0))
    assert search.best is not search.champion
    assert search.doubtful() is None
    add(search, run(0.5, size=9.0))
    assert search.doubtful() is search.best


def test_a_seed_that_ran_once_stands_in_as_champion_until_somebody_is_believed() -> None:
    search = new_search()
    add(search, run(1.0))
    assert search.champion is search.reference
    search.tell(1, run(1.1))
    assert search.champion is search.individuals[1]


def test_a_seed_that_ran_once_stays_champion_over_a_worse_child_that_ran_twice() -> None:
    search = new_search()
    add(search, run(2.001))
    search.tell(1, run(2.002))
    assert search.best is search.reference
    assert search.champion is search.reference


def test_where_the_score_is_deterministic_every_run_is_believed() -> None:
    search = new_search(exact=True)
    add(search, run(1.99999))
    assert search.doubtful() is None
    assert search.champion is search.individuals[1]
    assert search.prior([1]) is None


def test_runs_that_began_under_the_first_rules_credit_a_first_run() -> None:
    listener = Listener()
    search = new_search(chooser=listener)
    search.beliefs = begin_beliefs(1)
    add(search, run(1.0))
    assert [outcome.reward for _, outcome in listener.heard] == [1.0]


# -- what failed early --------------------------------------------------------------------------


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


# -- who may be a parent --------------------------------------------------------------------------


def populated(strategy: str) -> Search:
    """The elites are 0 (a seed), 3 (the best) and 4; 1 is worse than 0, 2 failed."""
    search = new_search(strategy)
    add(search, run(2.5))
    add(search, FAILED)
    add(search, run(1.0, size=3.0))
    add(search, run(4.0, speed=9.0), 3)
    return search


def test_map_elites_draws_from_all_elites() -> None:
    assert parents(populated("map-elites")) == {0, 3, 4}


def test_greedy_draws_the_best_so_far() -> None:
    search = populated("greedy")
    assert parents(search) == {3}
    add(search, run(0.5))
    assert parents(search) == {5}
    search.tell(5, run(9.0))
    assert parents(search) == {3}, "the mean of two runs is not the best any more"


def test_random_draws_the_first_seed_for_ever() -> None:
    search = new_search("random", seeds=(FAILED, run(3.0), run(2.0)))
    add(search, run(0.5), 1)
    assert parents(search) == {1}


# -- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("child", "takes_a_cell", "is_fitter"),
    [
        (run(1.9), True, True),
        (run(2.1), False, False),
        (run(2.0), False, False),
        (run(2.1, size=9.0), True, False),
        (run(1.9, size=9.0), True, True),
        (FAILED, False, False),
    ],
    ids=["fitter", "worse", "equal", "worse elsewhere", "fitter elsewhere", "failed"],
)
def test_map_elites_keeps_what_takes_a_cell_and_the_others_what_is_fitter(
    child: Measurement, takes_a_cell: bool, is_fitter: bool
) -> None:
    assert add(new_search("map-elites"), child) is takes_a_cell
    assert add(new_search("greedy"), child) is is_fitter
    assert add(new_search("random"), child) is is_fitter


def test_every_child_joins_the_archive_whether_it_is_kept_or_not() -> None:
    search = new_search("greedy")
    add(search, run(2.1, size=9.0))
    assert search.archive is not None
    assert [elite.id for elite in search.archive] == [0, 1]


def test_a_higher_score_is_fitter_where_the_metric_is_maximised() -> None:
    search = new_search("greedy", opened=False, seeds=())
    for number, parents_of in enumerate([(), (0,), (0,)]):
        search.add_individual(Individual(number, "c", parents_of, "x", "", 0, Direction.MAXIMIZE))
    search.tell(0, run(2.0))
    search.open_archive(AXES)
    assert [search.tell(1, run(1.9)), search.tell(2, run(2.1))] == [False, True]
    assert search.best is search.individuals[2]


# -- what is drawn --------------------------------------------------------------------------------


def test_operators_are_drawn_by_their_weights() -> None:
    search = new_search(operators={"tweak": 3, "perturb": 1, "rework": 4})
    names = Counter(name for _, name, _, _ in asked(search, 400))
    assert 110 < names["tweak"] < 190
    assert 25 < names["perturb"] < 75
    assert 160 < names["rework"] < 240


def crossed(search: Search) -> list[set[int]]:
    """The pairs that the next plans cross."""
    drawn = [parents for _, name, parents, _ in asked(search) if name == "recombine"]
    return [{parent.id for parent in pair} for pair in drawn]


def test_a_crossover_waits_for_a_second_elite_and_takes_every_pair_once() -> None:
    search = new_search(operators={"perturb": 1, "recombine": 1}, seeds=(run(2.0), run(9.0)))
    assert crossed(search) == []
    add(search, run(3.0, size=9.0), 1)
    assert crossed(search) == [{0, 2}]
    assert crossed(search) == []


def test_nobody_is_crossed_with_an_ancestor() -> None:
    search = new_search(operators={"perturb": 1, "recombine": 1})
    add(search, run(3.0, size=9.0), 0)
    add(search, run(3.0, size=5.0), 1)
    assert crossed(search) == [], "0 is the parent of 1, and 1 that of 2"
    add(search, run(3.0, speed=9.0), 0)
    assert sorted(map(sorted, crossed(search))) == [[1, 3], [2, 3]]


def test_a_pair_that_was_refused_is_not_tried_again() -> None:
    search = new_search(
        operators={"perturb": 1, "recombine": 1}, seeds=(run(2.0), run(3.0, size=9.0))
    )
    search.add_refusal(Arm("recombine"), (1, 0))
    assert crossed(search) == []


# -- what is learnt of operators and models -------------------------------------------------------


class Listener:
    """A chooser that draws the first arm and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Arm, Outcome]] = []

    def draw(self, arms: Any, rng: Any) -> Arm:
        return arms[0]  # type: ignore[no-any-return]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        self.heard.append((arm, outcome))


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


# -- it can be repeated ---------------------------------------------------------------------------


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


# -- noise and axes -------------------------------------------------------------------------------

fitnesses = st.floats(-1e3, 1e3)


def test_the_noise_is_that_of_everyone_who_ran_more_than_once() -> None:
    search = new_search()
    assert search.noise.deviation == 0
    add(search, run(3.0))
    assert search.noise.deviation == 0, "two genomes differ for more reasons than noise"
    for result in (run(2.2), FAILED):
        search.tell(0, result)
    assert search.noise.deviation == pytest.approx(statistics.stdev([2.0, 2.2]))


def spec(name: str, *, log: bool = True, bounds: tuple[float, float] | None = None) -> AxisSpec:
    return AxisSpec(name, Formula.parse("x"), name.upper(), "units", log, (0.5, 4.0), bounds, None)


def test_axes_lie_around_what_the_seed_measured_or_within_the_bounds_of_the_task() -> None:
    axes = axes_around(
        [spec("size"), spec("speed", log=False, bounds=(-5, 5))], {"size": 8.0, "speed": 99.0}, 6
    )
    assert axes == (
        Axis("size", "SIZE", "units", 4.0, 32.0, 6, log=True),
        Axis("speed", "SPEED", "units", -5, 5, 6, log=False),
    )


@pytest.mark.parametrize("measured", [0.0, -1.0])
def test_around_nothing_there_is_no_axis(measured: float) -> None:
    with pytest.raises(ValueError, match=r"axis `speed` has no bounds around -?\d; give"):
        axes_around([spec("size"), spec("speed")], {"size": 8.0, "speed": measured}, 6)
