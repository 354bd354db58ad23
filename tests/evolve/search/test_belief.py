"""Which results the search believes: repeats, the champion, the noise."""

from __future__ import annotations

import statistics

import pytest

from evolve.search.search import Search
from population.beliefs import RULES, begin_beliefs
from tests.evolve.search.searching import (
    FAILED,
    Listener,
    add,
    new_search,
    run,
)


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


@pytest.mark.parametrize(("rules", "rewards"), [(RULES, [0.05, 0.05, 0.0]), (4, [0.25, 0.5, 0.0])])
def test_who_only_fills_a_cell_is_worth_little(rules: int, rewards: list[float]) -> None:
    """No fitter than the seed: in a cell of its own, fitter than its parent there, and nowhere."""
    listener = Listener()
    search = new_search(chooser=listener)
    search.tell(0, run(2.0))
    search.beliefs = begin_beliefs(rules)
    add(search, run(5.0, size=3.0))
    add(search, run(4.0, size=9.0), 1)
    add(search, run(4.5, size=9.0))
    assert [outcome.reward for _, outcome in listener.heard] == rewards


@pytest.mark.parametrize(("rules", "reward"), [(RULES, 0.1), (6, 0.25)])
def test_an_elite_that_is_no_gain_over_its_parents_is_worth_little(
    rules: int, reward: float
) -> None:
    """It is fitter than the seed, so the QD score rises."""
    listener = Listener()
    search = new_search(chooser=listener)
    search.tell(0, run(2.0))
    search.beliefs = begin_beliefs(rules)
    add(search, run(1.0, size=3.0))
    search.tell(1, run(1.0, size=3.0))
    add(search, run(1.5, size=9.0), 1)
    assert listener.heard[-1][1].reward == reward


def test_runs_that_began_under_the_first_rules_credit_a_first_run() -> None:
    listener = Listener()
    search = new_search(chooser=listener)
    search.beliefs = begin_beliefs(1)
    add(search, run(1.0))
    assert [outcome.reward for _, outcome in listener.heard] == [1.0]


def test_the_noise_is_that_of_everyone_who_ran_more_than_once() -> None:
    search = new_search()
    assert search.noise.deviation == 0
    add(search, run(3.0))
    assert search.noise.deviation == 0, "two genomes differ for more reasons than noise"
    for result in (run(2.2), FAILED):
        search.tell(0, result)
    assert search.noise.deviation == pytest.approx(statistics.stdev([2.0, 2.2]))
