from __future__ import annotations

import math

import numpy as np
import pytest

from trainer.referee.pace import is_steady
from trainer.referee.rules import Rules, Wait

RULES = Rules(10.0, setup=5.0, evaluation=30.0)
EXACT = Rules(10.0, setup=5.0, evaluation=30.0, exact=True)


def wait(*seconds: float, whole: bool = True) -> list[Wait]:
    return [Wait(one, whole) for one in seconds]


def test_answers_of_one_pace_count_as_no_training() -> None:
    waits = wait(3.9, *[0.1, 0.15, 0.12] * 8)
    assert RULES.count_as_training(waits, trained=5.0) == 0
    assert RULES.count_as_training(wait(3.9), trained=1.0) == 0, "the first one may be compiled for"
    assert RULES.count_as_training([], trained=1.0) == 0


@pytest.mark.parametrize(
    ("rules", "usual", "counts"), [(EXACT, 2.0, 3.5), (EXACT, math.inf, 0.0), (RULES, 2.0, 0.0)]
)
def test_a_start_counts_where_it_is_known_what_one_takes(
    rules: Rules, usual: float, counts: float
) -> None:
    assert math.isclose(rules.count_as_warmup(8.0, lambda: usual), counts)


def test_by_processor_time_a_first_answer_that_trains_for_long_counts() -> None:
    waits = wait(3.0, *[0.1] * 20)
    assert math.isclose(EXACT.count_as_training(waits, trained=math.inf), 3.0 - EXACT.warmup)
    slow = wait(2.0, *[1.0] * 20)
    assert EXACT.count_as_training(slow, trained=math.inf) == 0, "it is always that slow"


@pytest.mark.parametrize("budget", [0.5, 2.0, 5.0, 60.0, 300.0])
def test_what_is_granted_beside_a_budget_is_a_tenth_of_it_by_processor_time(budget: float) -> None:
    rules = Rules(budget, setup=5.0, evaluation=30.0, exact=True)
    assert rules.warmup <= max(0.1 * budget, 0.25)
    assert 0.02 * budget <= rules.grace <= max(0.05 * budget, 0.25)
    assert rules.answer >= 2.0, "a slow answer is no crime, it only counts"


def test_answers_to_whole_batches_may_take_longer_than_those_to_a_few_positions() -> None:
    waits = [*wait(3.9, *[0.02] * 128, whole=False), *wait(*[0.4] * 16), *wait(0.03, whole=False)]
    assert RULES.count_as_training(waits, trained=math.inf) == 0


def test_answers_that_are_shorter_than_the_clock_can_tell_are_not_long() -> None:
    """Processor time comes in hundredths of a second: most batches of 4 ms seem to take none."""
    rng = np.random.default_rng(0)
    waits = wait(0.5, *(0.01 * rng.poisson(0.4, 1000)))
    assert RULES.count_as_training(waits, trained=10.0) < 0.1


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_that_takes_much_longer_than_others_of_its_kind_counts(whole: bool) -> None:
    waits = [*wait(*[0.1] * 20, whole=whole), *wait(*[5.0] * 20, whole=not whole)]
    waits += wait(4.3, whole=whole)
    assert math.isclose(RULES.count_as_training(waits, trained=math.inf), 4.0)


def test_answers_that_all_take_longer_than_training_on_them_count() -> None:
    waits = [*wait(*[0.5] * 11), *wait(*[0.5] * 10, whole=False)]
    assert math.isclose(RULES.count_as_training(waits, trained=2.0), 10.0 - 3.0)
    assert RULES.count_as_training(waits, trained=math.inf) == 0


def test_work_between_the_answers_counts_too() -> None:
    waits = wait(0.5, *[0.1] * 20)
    assert EXACT.count_as_training(waits, trained=2.0, worked=2.5) == 0
    assert math.isclose(EXACT.count_as_training(waits, trained=2.0, worked=9.5), 9.0 - 3.0)


def test_a_pace_is_steady_once_compilation_is_over() -> None:
    times = np.cumsum([30.0, 20.0, 9.0] + [0.3] * 60).tolist()
    steady = next(n for n in range(len(times)) if is_steady(times[:n], budget=300))
    assert 20 < steady < 50


def test_bursts_of_calls_are_a_pace_too() -> None:
    step = [0.001] * 15 + [0.5]
    times = np.cumsum([40.0, *step * 30]).tolist()
    assert is_steady(times, budget=300)
    assert not is_steady(times[:40], budget=300), "a few steps's bursts are none"


def test_calls_that_slow_down_or_are_few_are_no_pace() -> None:
    assert not is_steady(np.cumsum(1.5 ** np.arange(60)).tolist(), budget=5)
    assert not is_steady([0.1 * i for i in range(10)], budget=5)
    assert not is_steady([], budget=5)
