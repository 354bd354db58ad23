from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.referee.pace import is_steady
from trainer.referee.plan import Plan, make_plan, plan_again
from trainer.referee.scoring import AnswerError, normalise
from trainer.referee.text import Text
from trainer.referee.verdict import Forks, bits_per_byte, suspicion


@pytest.fixture(scope="module")
def plan(text: Text) -> Plan:
    pairs = text.diamonds.draw(10, np.random.default_rng(0))
    return make_plan(text.scored, pairs, text.spare, 8, len(text.sizes), np.random.default_rng(1))


def judged(forks: np.ndarray, hidden: np.ndarray, learnt: float = 0.0) -> str:
    losses = np.random.default_rng(5).exponential(3.0, 20_000)
    gains = np.random.default_rng(6).normal(learnt, 0.02, 32)
    return suspicion(losses, Forks(forks, hidden), gains).reason()


HIDDEN = np.random.default_rng(9).exponential(3.0, 400)


def test_a_plan_asks_every_scored_row_once_and_fills_its_batches(text: Text, plan: Plan) -> None:
    assert len(plan.rows) % 8 == 0
    assert len(set(plan.scored.tolist())) == len(text.scored)
    assert (plan.rows[plan.scored] == text.scored).all()
    for pair, first, second in plan.pairs:
        assert (plan.rows[first] == pair.rows[0]).all()
        assert (plan.rows[second] == pair.rows[1]).all()
        assert first // 8 != second // 8, "an answer to one is given before the other is seen"
    again, places = plan_again(plan, 8, np.random.default_rng(2))
    assert len(again.rows) == len(places) == 8
    assert places.max() < len(plan.rows) / 2
    assert (again.rows == plan.rows[places]).all()


def test_the_order_cannot_be_told_from_the_rows(text: Text) -> None:
    pairs = text.diamonds.draw(10, np.random.default_rng(0))
    plans = [
        make_plan(text.scored, pairs, text.spare, 8, 60, np.random.default_rng(i)) for i in range(2)
    ]
    assert plans[0].scored.tolist() != plans[1].scored.tolist()


def test_honest_answers_raise_no_alarm_in_many_runs() -> None:
    """Signs are fair coins, whatever the sizes: heavy tails and mostly zeros included."""
    rng = np.random.default_rng(0)
    for trial in range(3000):
        size = np.abs(rng.standard_t(1.5, 200)) * (rng.random(200) < rng.random())
        forks = size * rng.choice([-1, 1], 200)
        assert judged(forks, HIDDEN) == "", trial


@pytest.mark.parametrize(("shift", "noise"), [(0.05, 0.05), (0.5, 1.0), (1e-4, 0.0)])
def test_a_small_shift_towards_what_is_shown_is_seen(shift: float, noise: float) -> None:
    forks = np.random.default_rng(0).normal(shift, noise, 300)
    assert "reads ahead" in judged(forks, HIDDEN)


def test_answers_that_remember_a_row_are_seen() -> None:
    forks = np.random.default_rng(0).normal(-0.05, 0.05, 300)
    assert "remembers" in judged(forks, HIDDEN)


def test_tokens_that_are_hard_only_where_they_are_hidden_are_seen() -> None:
    forks = np.zeros(400)
    assert judged(forks, HIDDEN + 0.5) == "", "short contexts are harder, for an honest one"
    assert "only where they are shown" in judged(forks, HIDDEN + 3.0)


def test_rows_that_are_better_when_they_come_again_are_seen() -> None:
    assert judged(np.zeros(9), HIDDEN, learnt=0.001) == ""
    assert "learnt" in judged(np.zeros(9), HIDDEN, learnt=0.1)


def test_bits_per_byte_counts_only_tokens_with_bytes() -> None:
    losses, sizes = np.array([[1.0, 2.0, 4.0]]), np.array([[2, 0, 1]])
    assert bits_per_byte(losses, sizes) == pytest.approx(5 / math.log(2) / 3)


@given(st.integers(0, 2**32), st.floats(-1e4, 1e4), st.floats(0, 100))
def test_log_probabilities_are_those_of_torch(seed: int, shift: float, scale: float) -> None:
    logits = np.random.default_rng(seed).normal(shift, scale, (50, 37)).astype(np.float32)
    wanted = torch.from_numpy(logits).double().log_softmax(1).numpy()
    normalisers = normalise(logits)
    assert logits - normalisers[:, None] == pytest.approx(wanted, rel=1e-5, abs=1e-4)


def test_a_great_constant_gains_nothing() -> None:
    logits = np.full((3, 50), 2.0**27, np.float32)
    normalisers = normalise(logits)
    assert logits - normalisers[:, None] == pytest.approx(-math.log(50))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_no_answer(bad: float) -> None:
    logits = np.zeros((5, 7), np.float32)
    logits[3, 2] = bad
    with pytest.raises(AnswerError):
        normalise(logits)


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
