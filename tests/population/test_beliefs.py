"""What follows from results: whom to expect, what is beyond luck, who runs once more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from population import Direction, Individual, Measurement, Status
from population.beliefs import RULES, Beliefs, FirstRunBeliefs, begin_beliefs
from population.estimate import Noise, posterior_mean


def born(number: int, parent: int | None = None, direction: Direction = Direction.MINIMIZE):  # type: ignore[no-untyped-def]
    parents = () if parent is None else (parent,)
    return Individual(number, f"c{number}", parents, "x", "", 0, direction)


class History:
    """Individuals that run one after the other, and what is believed of them."""

    def __init__(self, beliefs: Beliefs | None = None) -> None:
        self.beliefs = beliefs or Beliefs()
        self.individuals: dict[int, Individual] = {}

    def run(self, number: int, value: float, parent: int | None = None) -> Individual:
        before = self.individuals.get(number)
        if before is None:
            known = None if parent is None else self.individuals[parent]
            prior = None if known is None else self.beliefs.prior(known)
            before = replace(born(number, parent), prior=prior)
        mother = self.individuals[before.parents[0]] if before.parents else None
        self.beliefs = self.beliefs.with_run(before, value, mother)
        measurement = Measurement(Status.OK, value, {}, 1.0)
        self.individuals[number] = before.measured(measurement)
        return self.individuals[number]


@pytest.fixture
def history() -> History:
    """A seed of 2.83 that ran three times, and six children that do nothing."""
    history = History()
    for value in (2.83, 2.84, 2.82):
        history.run(0, value)
    for number, value in enumerate((2.83, 2.835, 2.82, 2.845, 2.825, 2.83), 1):
        history.run(number, value, parent=0)
    return history


def test_a_breakthrough_is_shown_as_it_was_measured_and_credited_alone(history: History) -> None:
    jump = history.run(7, 1.062, parent=4)
    assert jump.objective == pytest.approx(1.062, abs=0.005)
    assert history.beliefs.is_beyond_luck(jump, history.individuals[0])
    for number, value in enumerate((1.07, 1.055, 1.062), 8):
        child = history.run(number, value, parent=7)
        assert child.objective == pytest.approx(1.062, abs=0.02)
        assert not history.beliefs.is_beyond_luck(child, jump)


def test_what_would_be_the_best_runs_again_and_is_then_believed(history: History) -> None:
    seed, jump = history.individuals[0], history.run(7, 1.062, parent=4)
    assert not history.beliefs.is_confirmed(jump)
    assert history.beliefs.needs_repeat(jump, seed)
    jump = history.run(7, 1.071)
    assert history.beliefs.is_confirmed(jump)
    assert not history.beliefs.needs_repeat(jump, seed), "one repeat is enough"


def test_a_small_lead_is_shrunk_and_only_a_likely_one_is_worth_a_run(history: History) -> None:
    seed = history.individuals[0]
    lucky = history.run(7, 2.81, parent=0)
    assert 2.815 < lucky.objective < seed.objective, "most children do nothing"
    worse = history.run(8, 2.84, parent=0)
    assert not history.beliefs.needs_repeat(worse, seed)
    likely = history.run(9, 2.8, parent=0)
    assert history.beliefs.needs_repeat(likely, seed)
    assert not history.beliefs.needs_repeat(likely, seed, spent=True), "but none to spare"
    sure = history.run(10, 2.5, parent=0)
    assert history.beliefs.needs_repeat(sure, seed, spent=True)


def test_the_best_itself_is_not_repeated(history: History) -> None:
    seed = history.individuals[0]
    assert not history.beliefs.needs_repeat(seed, seed)


def test_as_long_as_nothing_is_known_of_the_noise_a_result_is_taken_as_it_seems() -> None:
    history = History()
    seed, child = history.run(0, 2.0), history.run(1, 1.9, parent=0)
    assert child.prior is None
    assert history.beliefs.is_beyond_luck(child, seed)
    assert not history.beliefs.is_beyond_luck(seed, child)
    assert history.beliefs.needs_repeat(child, seed), "and repeated, which shows the noise"


def test_on_a_deterministic_task_nothing_is_expected_repeated_or_doubted() -> None:
    history = History(begin_beliefs(RULES, exact=True))
    history.run(0, 2.0)
    seed, child = history.run(0, 2.0), history.run(1, 1.99999, parent=0)
    assert child.prior is None
    assert child.margin(history.beliefs.noise) == 0.0
    assert history.beliefs.is_confirmed(child)
    assert history.beliefs.is_beyond_luck(child, seed)
    assert not history.beliefs.needs_repeat(child, seed)


@pytest.mark.parametrize("direction", Direction)
def test_a_lead_points_to_the_fitter_one_in_either_direction(direction: Direction) -> None:
    sign = -1 if direction is Direction.MINIMIZE else 1
    low, high = (
        replace(
            born(number, None, direction),
            measurements=tuple(Measurement(Status.OK, value + e, {}, 1.0) for e in (0, 0.01)),
        )
        for number, value in enumerate((1.0, 2.0))
    )
    beliefs = Beliefs()
    for one in (low, high):
        beliefs = Beliefs(beliefs.noise.with_run(one.id, one.values[:1], one.values[1]))
    assert beliefs.lead(high, low).mean == pytest.approx(sign)
    assert beliefs.is_beyond_luck(high, low) is (direction is Direction.MAXIMIZE)
    prior = beliefs.prior(high)
    assert prior is not None
    assert prior.typical == pytest.approx(high.objective)


def test_a_parent_that_is_hardly_known_is_hardly_a_measure_of_its_children(
    history: History,
) -> None:
    once, often = history.run(7, 1.062, parent=4), history.individuals[0]
    doubtful, sure = (history.beliefs.prior(parent) for parent in (once, often))
    assert doubtful is not None
    assert sure is not None
    narrowest = [max(one.weight for one in prior.components) for prior in (doubtful, sure)]
    assert narrowest[0] < narrowest[1]


def test_children_are_guessed_better_than_their_runs_say_where_most_do_nothing() -> None:
    rng = np.random.default_rng(4)
    history, errors, raw = History(), [], []
    for _ in range(3):
        history.run(0, rng.normal())
    for number in range(1, 120):
        truth = -100.0 if rng.random() < 1 / 30 else 0.0
        value = truth + rng.normal()
        child = history.run(number, value, parent=0)
        errors.append((child.objective - truth) ** 2)
        raw.append((value - truth) ** 2)
    assert np.mean(errors) < 0.6 * np.mean(raw)
    assert max(errors) < 9, "no breakthrough is doubted"


def test_a_run_keeps_the_rules_under_which_it_began() -> None:
    first = begin_beliefs(1)
    assert isinstance(first, FirstRunBeliefs)
    assert not first.credits_when_confirmed
    assert begin_beliefs(RULES).credits_when_confirmed
    history = History(first)
    for value in (2.0, 2.0):
        history.run(0, value)
    assert history.beliefs.noise.deviation == 0.0, "two runs that agreed showed no noise"
    history.run(0, 2.1)
    child = history.run(1, 1.9, parent=0)
    lead = history.individuals[0].objective - child.objective
    assert history.beliefs.is_beyond_luck(child, history.individuals[0]) is (
        lead > history.beliefs.noise.deviation
    )
    assert isinstance(history.beliefs, FirstRunBeliefs)


def test_what_is_shown_is_the_posterior_mean_of_the_prior_at_birth(history: History) -> None:
    child = history.run(7, 2.81, parent=0)
    for number in range(8, 12):
        history.run(number, 2.7, parent=0)
    assert child.objective == posterior_mean(child.prior, child.values)
    assert history.individuals[7] == child, "nothing cascades"
    assert child.estimate(Noise()).mean == child.objective


@pytest.mark.parametrize(("rules", "deviations"), [(1, 3.0), (3, 3.0), (RULES, 2.0)])
def test_parents_are_told_apart_by_gaps_that_stay_as_a_run_began_with_them(
    rules: int, deviations: float
) -> None:
    history = History(begin_beliefs(rules))
    for value in (2.83, 2.84, 2.82):
        history.run(0, value)
    for number in range(1, 9):  # children that do nothing: the gains have hardly any spread
        history.run(number, 2.83, parent=0)
    least = history.beliefs.unit / history.beliefs.noise.deviation
    assert least == pytest.approx(deviations, rel=0.3)
