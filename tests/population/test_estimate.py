"""What a genome is worth: shrinkage, pooled noise and typical gains, against numpy and truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from population.estimate import FEWEST_GAINS, LATEST_GAINS, Gains, Noise, Prior, posterior_mean

fitnesses = st.floats(-1e3, 1e3)


@given(st.lists(fitnesses, min_size=1, max_size=9))
def test_without_a_prior_the_guess_is_the_mean(values: list[float]) -> None:
    assert posterior_mean(None, values) == pytest.approx(float(np.mean(values)))


@given(st.lists(fitnesses, min_size=1, max_size=9), fitnesses, st.integers(1, 9))
def test_a_prior_counts_as_so_many_runs_of_its_mean(
    values: list[float], mean: float, weight: int
) -> None:
    expected = float(np.mean([*values, *[mean] * weight]))
    assert posterior_mean(Prior(mean, weight), values) == pytest.approx(expected, abs=1e-9)


def test_the_guess_is_the_conditional_mean_of_normal_truth_and_noise() -> None:
    rng = np.random.default_rng(0)
    spread, noise = 2.0, 1.0
    truths = rng.normal(5.0, spread, 20_000)
    runs = truths + rng.normal(0.0, noise, truths.shape)
    prior = Prior(5.0, (noise / spread) ** 2)
    guesses = np.array([posterior_mean(prior, [run]) for run in runs])
    assert np.mean((guesses - truths) ** 2) < 0.85 * np.mean((runs - truths) ** 2)
    best = int(np.argmax(guesses))
    lucky = np.sort(runs - truths)[-100:].mean()
    assert abs(guesses[best] - truths[best]) < lucky


@given(st.lists(st.lists(fitnesses, max_size=5), max_size=5))
def test_the_pooled_deviation_is_that_of_the_residuals(groups: list[list[float]]) -> None:
    noise = Noise()
    for group in groups:
        for index, value in enumerate(group):
            noise.add(group[:index], value)
    repeated = [np.array(group) for group in groups if len(group) > 1]
    if not repeated:
        assert noise.deviation == 0
        return
    residuals = np.concatenate([group - group.mean() for group in repeated])
    freedom = len(residuals) - len(repeated)
    expected = float(np.sqrt(residuals @ residuals / freedom))
    assert noise.deviation == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_few_gains_say_nothing() -> None:
    gains = Gains()
    for _ in range(FEWEST_GAINS - 1):
        gains.add(0.1)
        assert gains.expected(0.0) is None
    gains.add(0.1)
    assert gains.expected(0.0) is not None


def test_the_typical_gain_and_its_spread_are_robust_and_without_the_noise() -> None:
    rng = np.random.default_rng(1)
    medians, spreads = [], []
    for _ in range(200):
        gains = Gains()
        for _ in range(LATEST_GAINS):
            gains.add(-9.0 if rng.random() < 0.1 else rng.normal(-0.5, np.hypot(1.0, 0.7)))
        expected = gains.expected(0.7)
        assert expected is not None
        medians.append(expected[0])
        spreads.append(expected[1])
    assert np.mean(medians) == pytest.approx(-0.5, abs=0.25)
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.3)


def test_where_all_is_noise_a_run_is_still_believed_a_little() -> None:
    gains = Gains()
    for gain in (-0.1, 0.0, 0.1, -0.1, 0.1):
        gains.add(gain)
    expected = gains.expected(1.0)
    assert expected is not None
    assert expected[1] == pytest.approx(0.25)


def test_old_gains_are_forgotten() -> None:
    gains = Gains()
    for gain in [5.0] * 100 + [1.0] * LATEST_GAINS:
        gains.add(gain)
    assert gains.expected(0.0) == (1.0, 0.0)
