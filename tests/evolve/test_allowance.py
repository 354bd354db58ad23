"""What a run may spend: dollars with the requests in flight, patience, and hours."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.rows import Spend
from evolve.allowance import FAILURES, REST, Allowance


def allowance(
    *, has_models: bool = True, max_cost: float | None = None, deadline: float | None = None
) -> Allowance:
    return Allowance(
        has_models=has_models, max_cost=max_cost, deadline=deadline, clock=lambda: 50.0
    )


def spent(cost: float) -> Spend:
    return Spend(calls=1, answered=1, tokens_in=1, tokens_out=1, cost=cost, unpriced=0)


def resting(allowed: Allowance, upto: int) -> list[int]:
    """The proposals, of those up to a number, that may not ask a model."""
    return [n for n in range(upto) if allowed.why_offline(n, spent(0), 0)]


def test_without_a_model_none_is_asked() -> None:
    assert allowance(has_models=False).why_offline(0, spent(0), 0) == "no model is configured"


def test_without_a_cap_money_does_not_matter() -> None:
    assert allowance().why_offline(0, spent(1e9), 99) == ""


def test_when_the_money_is_spent_the_reason_says_how_much() -> None:
    allowed = allowance(max_cost=2.0)
    assert allowed.why_offline(0, spent(1.99), 0) == ""
    reason = allowed.why_offline(0, spent(2.004), 0)
    assert reason == "the models took $2.00 of the $2.00 allowed"


def test_a_cap_of_nothing_allows_nothing() -> None:
    assert allowance(max_cost=0.0).why_offline(0, spent(0), 0) != ""


def test_a_request_in_flight_counts_as_the_dearest_so_far() -> None:
    allowed = allowance(max_cost=1.0)
    for number, cost in enumerate((0.125, 0.25, 0.125)):
        allowed.note(number, cost, unreachable=False)
    assert allowed.why_offline(3, spent(0.5), 0) == ""
    assert allowed.why_offline(3, spent(0.5), 1) == ""
    assert "$0.50 of the $1.00" in allowed.why_offline(3, spent(0.5), 2)


@given(
    st.lists(st.sampled_from(["ask", "answer"]), max_size=60),
    st.floats(0.01, 0.4),
)
def test_requests_of_one_price_never_exceed_the_cap(steps: list[str], price: float) -> None:
    allowed = allowance(max_cost=1.0)
    allowed.note(0, price, unreachable=False)  # from the first answer on the price is known
    answered, in_flight, refused = 1, 0, False
    for step in [*steps, *["answer"] * len(steps)]:
        if step == "ask":
            if allowed.why_offline(1, spent(answered * price), in_flight):
                refused = True
            else:
                in_flight += 1
        elif in_flight:
            in_flight -= 1
            answered += 1
            allowed.note(1, price, unreachable=False)
    assert answered * price <= 1 + 1e-9
    assert not refused or (answered + 1) * price > 1 - 1e-9, "nothing is refused that fits"


def test_failures_in_a_row_give_the_models_a_rest() -> None:
    allowed = allowance()
    for number in range(FAILURES - 1):
        allowed.note(number, 0.0, unreachable=True)
    assert resting(allowed, 100) == []
    allowed.note(FAILURES, 0.0, unreachable=True)
    assert len(resting(allowed, 100)) == FAILURES + 1 + REST
    assert max(resting(allowed, 100)) == FAILURES + REST
    assert allowed.why_offline(FAILURES + 1, spent(0), 0) == "the last 3 requests had no answer"


def test_after_the_rest_the_models_have_the_same_patience_again() -> None:
    allowed = allowance()
    for number in range(FAILURES):
        allowed.note(number, 0.0, unreachable=True)
    over = max(resting(allowed, 100)) + 1
    for number in range(over, over + FAILURES - 1):
        allowed.note(number, 0.0, unreachable=True)
        assert allowed.why_offline(number + 1, spent(0), 0) == ""
    allowed.note(over + FAILURES, 0.0, unreachable=True)
    assert allowed.why_offline(over + FAILURES + 1, spent(0), 0) != ""


def test_an_answer_forgives_the_failures_before_it() -> None:
    allowed = allowance()
    for number in range(5 * FAILURES):
        allowed.note(number, 0.0, unreachable=number % FAILURES != 0)
    assert resting(allowed, 200) == []


@pytest.mark.parametrize(
    ("deadline", "over"),
    [(None, False), (50.5, False), (50.0, True), (49.0, True), (math.inf, False)],
)
def test_the_time_is_over_at_the_deadline(deadline: float | None, over: bool) -> None:
    assert allowance(deadline=deadline).out_of_time is over


def test_the_clock_is_read_anew_each_time() -> None:
    times = iter([1.0, 2.0, 3.0, 4.0])
    allowed = Allowance(has_models=True, max_cost=None, deadline=3.0, clock=lambda: next(times))
    assert [allowed.out_of_time for _ in range(4)] == [False, False, True, True]
