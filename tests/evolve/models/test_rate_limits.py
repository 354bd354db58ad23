"""When a model may be asked: pauses that grow, limits that halve the traffic, and rests."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.models.rate_limits import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    MANY,
    TURN,
    RateLimiter,
    compute_backoff,
)


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limiter_at(clock: Clock) -> RateLimiter:
    return RateLimiter(clock, jitter=lambda: 1.0)


def let_in(limiter: RateLimiter, most: int = 100) -> int:
    """How many requests of some may begin now."""
    return sum(limiter.enter() == 0 for _ in range(most))


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_pause_is_random_within_the_upper_half_of_what_doubles_up_to_a_limit(
    count: int, drawn: float
) -> None:
    longest = min(FIRST_PAUSE * 2 ** min(count - 1, 60), LONGEST_PAUSE)
    assert longest / 2 <= compute_backoff(count, lambda: drawn) <= longest
    assert compute_backoff(count, lambda: 1.0) == longest


def test_pauses_of_those_who_wait_differ() -> None:
    jitter = random.Random(0).random
    assert len({compute_backoff(5, jitter) for _ in range(20)}) == 20


def test_without_a_limit_all_may_pass(clock: Clock) -> None:
    assert let_in(limiter_at(clock), 500) == 500


@pytest.mark.parametrize(
    ("told", "wait"),
    [(20.0, 20.0), (0.0, FIRST_PAUSE), (None, FIRST_PAUSE), (1e9, LONGEST_RETRY_AFTER)],
)
def test_after_a_limit_nobody_passes_until_the_server_wants_it(
    clock: Clock, told: float | None, wait: float
) -> None:
    limiter = limiter_at(clock)
    assert limiter.enter() == 0
    clock.now += 3
    assert limiter.record_limit(clock.now - 3, told)
    assert limiter.enter() == pytest.approx(wait)
    clock.now += wait - 0.01
    assert limiter.enter() > 0
    clock.now += 0.02
    assert limiter.enter() == 0


def test_limits_in_a_row_double_the_pause_until_an_answer_comes(clock: Clock) -> None:
    limiter, waits = limiter_at(clock), []
    for number in range(1, 13):
        assert limiter.enter() == 0
        assert limiter.record_limit(clock.now, None) == (number == 1), "only the first is news"
        waits.append(limiter.enter())
        clock.now += waits[-1]
    assert waits == pytest.approx([min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(12)])
    assert limiter.enter() == 0
    limiter.record_answer()
    assert limiter.enter() == 0
    assert limiter.record_limit(clock.now, None)
    assert limiter.enter() == pytest.approx(FIRST_PAUSE)


def test_a_limit_halves_what_may_be_on_its_way_and_every_answer_allows_one_more(
    clock: Clock,
) -> None:
    limiter = limiter_at(clock)
    assert let_in(limiter, 16) == 16
    clock.now += 1
    for number in range(16):  # all of them were sent before the first was turned away
        limiter.record_limit(clock.now - 1, None)
        assert limiter.enter() == pytest.approx(FIRST_PAUSE), f"{number} more say nothing new"
    clock.now += FIRST_PAUSE
    assert let_in(limiter) == 8
    assert limiter.enter() == TURN, "the others look again in a moment"
    limiter.record_answer()
    assert let_in(limiter) == 2


def test_one_request_at_a_time_is_always_possible(clock: Clock) -> None:
    limiter = limiter_at(clock)
    for _ in range(5):
        assert limiter.enter() == 0
        limiter.record_limit(clock.now, None)
        clock.now += LONGEST_PAUSE
    assert let_in(limiter) == 1


def test_after_many_answers_nothing_is_counted_any_more(clock: Clock) -> None:
    limiter = limiter_at(clock)
    assert limiter.enter() == 0
    limiter.record_limit(clock.now, None)
    clock.now += FIRST_PAUSE
    for _ in range(MANY + 1):
        assert limiter.enter() == 0
        limiter.record_answer()
    assert let_in(limiter, 200) == 200


def test_a_request_that_is_not_made_leaves_its_place(clock: Clock) -> None:
    limiter = limiter_at(clock)
    assert limiter.enter() == 0
    limiter.record_limit(clock.now, None)
    clock.now += FIRST_PAUSE
    for _ in range(10):
        assert let_in(limiter) == 1
        limiter.leave()


def test_another_model_is_better_while_a_limit_is_long_or_a_failure_is_fresh(clock: Clock) -> None:
    limiter = limiter_at(clock)
    assert limiter.seconds_to_avoid(patience=60) == 0
    assert limiter.enter() == 0
    limiter.record_limit(clock.now, 50.0)
    assert limiter.seconds_to_avoid(patience=60) == 0, "this one is waited for"
    clock.now += 50
    assert limiter.enter() == 0
    limiter.record_limit(clock.now, 100.0)
    assert limiter.seconds_to_avoid(patience=60) == 100
    clock.now += 41
    assert limiter.seconds_to_avoid(patience=60) == 0
    clock.now += 59
    waits = []
    for _ in range(3):
        assert limiter.enter() == 0, "it may be asked all the same, if there is no other"
        limiter.record_failure(clock.now)
        waits.append(limiter.seconds_to_avoid(patience=60))
    assert waits == pytest.approx([FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE])
    assert limiter.enter() == 0
    limiter.record_answer()
    clock.now += 4 * FIRST_PAUSE
    assert limiter.seconds_to_avoid(patience=60) == 0


def test_a_model_that_hung_is_left_alone_for_as_long(clock: Clock) -> None:
    limiter = limiter_at(clock)
    assert limiter.enter() == 0
    clock.now += 300
    limiter.record_failure(clock.now - 300)
    assert limiter.seconds_to_avoid(patience=60) == 300
