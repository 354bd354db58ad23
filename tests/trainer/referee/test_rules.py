from __future__ import annotations

import math

import numpy as np

from trainer.referee.pace import is_steady
from trainer.referee.rules import Rules

RULES = Rules(10.0, setup=5.0, evaluation=30.0)


def test_answers_of_one_pace_count_as_no_training() -> None:
    waits = [9.0] + [0.1, 0.15, 0.12] * 8
    assert RULES.count_as_training(waits, trained=5.0) == 0
    assert RULES.count_as_training([9.0], trained=1.0) == 0, "the first one may be compiled for"


def test_an_answer_that_takes_much_longer_than_the_others_counts() -> None:
    waits = [0.1] * 20 + [4.3]
    assert math.isclose(RULES.count_as_training(waits, trained=math.inf), 4.0)


def test_answers_that_all_take_longer_than_training_on_them_count() -> None:
    waits = [0.5] * 21
    assert math.isclose(RULES.count_as_training(waits, trained=2.0), 10.0 - 3.0)
    assert RULES.count_as_training(waits, trained=math.inf) == 0


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
