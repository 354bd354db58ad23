"""When a model may be asked, when the offline operators go on without it, and the hours."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.models import Availability, BudgetSpentError, CostBudget
from evolve.models.rate_limits import FIRST_PAUSE, LONGEST_PAUSE


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Models:
    """Says why nobody should wait for them."""

    reason = ""

    def why_unresponsive(self) -> str:
        return self.reason


def allowance(
    *,
    has_models: bool = True,
    budget: CostBudget | None = None,
    deadline: float | None = None,
    clock: Clock | None = None,
    models: Models | None = None,
) -> Availability:
    return Availability(
        has_models=has_models,
        budget=budget or CostBudget(None),
        deadline=deadline,
        clock=clock or Clock(),
        why_unresponsive=(models or Models()).why_unresponsive,
        jitter=lambda: 1.0,
    )


def test_without_a_model_none_is_asked() -> None:
    allowed = allowance(has_models=False)
    assert allowed.why_offline() == "no model is configured"
    assert not allowed.may_ask(0)
    assert not allowed.may_recover


def test_models_that_answer_are_asked_as_often_as_there_is_need() -> None:
    allowed = allowance()
    for in_flight in range(99):
        assert allowed.may_ask(in_flight)
        allowed.record_outcome(unreachable=False)
    assert allowed.why_offline() == ""


def test_when_the_money_is_spent_the_reason_says_how_much_and_nobody_waits() -> None:
    budget = CostBudget(2.0, spent=1.996)
    allowed = allowance(budget=budget)
    with pytest.raises(BudgetSpentError):
        budget.reserve(0.1)
    budget.exhausted = True
    assert allowed.why_offline() == "the models took $2.00 of the $2.00 allowed"
    assert not allowed.may_ask(0)
    allowed.record_outcome(unreachable=True)
    assert not allowed.may_recover


def test_models_that_failed_get_a_rest_which_grows_and_are_asked_one_at_a_time() -> None:
    clock = Clock()
    allowed = allowance(clock=clock)
    for number in range(12):
        assert allowed.may_ask(0)
        allowed.record_outcome(unreachable=True)
        rest = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
        clock.now += rest - 0.01
        assert not allowed.may_ask(0)
        assert allowed.why_offline() == "", "they may be back in a moment"
        assert allowed.may_recover
        clock.now += 0.02
        assert not allowed.may_ask(1)
    assert allowed.may_ask(0)
    allowed.record_outcome(unreachable=False)
    assert allowed.may_ask(5)
    assert not allowed.may_recover


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 400)), max_size=40))
def test_models_that_fail_are_never_given_up(steps: list[tuple[bool, float]]) -> None:
    clock = Clock()
    allowed = allowance(clock=clock)
    for unreachable, seconds in steps:
        clock.now += seconds
        allowed.record_outcome(unreachable=unreachable)
    clock.now += LONGEST_PAUSE + 1e-6
    assert allowed.may_ask(0)


def test_while_models_are_unresponsive_others_go_on_and_one_request_waits_for_them() -> None:
    models = Models()
    allowed = allowance(models=models)
    assert not allowed.unresponsive
    models.reason = "no model has answered for 60 s"
    assert allowed.unresponsive
    assert allowed.why_offline() == models.reason
    assert allowed.may_recover
    assert allowed.may_ask(0), "somebody must notice that they are back"
    assert not allowed.may_ask(1)
    models.reason = ""
    assert allowed.why_offline() == ""
    assert allowed.may_ask(1)


@pytest.mark.parametrize(
    ("deadline", "over"),
    [(None, False), (50.5, False), (50.0, True), (49.0, True), (math.inf, False)],
)
def test_the_time_is_over_at_the_deadline(deadline: float | None, over: bool) -> None:
    assert allowance(deadline=deadline).out_of_time is over


def test_the_clock_is_read_anew_each_time() -> None:
    clock = Clock()
    allowed = allowance(deadline=51.5, clock=clock)
    seen = []
    for _ in range(4):
        seen.append(allowed.out_of_time)
        clock.now += 1
    assert seen == [False, False, True, True]
