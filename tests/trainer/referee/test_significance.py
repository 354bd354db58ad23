from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from trainer.referee.significance import (
    bound_sampled_sum,
    bound_symmetric_sum,
    compute_sign_test,
)

TRIALS = 4000
MAGNITUDES = {
    "equal": lambda rng: np.ones(40),
    "heavy tails": lambda rng: np.abs(rng.standard_t(1.5, 40)),
    "mostly zeros": lambda rng: rng.random(40) * (rng.random(40) < 0.2),
    "one outweighs all": lambda rng: np.append(rng.random(39), 1e6),
}
TABLES = {
    "normal": lambda rng: rng.normal(size=(30, 20)),
    "one outlier": lambda rng: np.where(rng.random((30, 20)) < 1 / 600, 50.0, 0.0),
    "rows differ": lambda rng: rng.normal(size=(30, 1)) + 0.1 * rng.normal(size=(30, 20)),
    "two values": lambda rng: (rng.random((30, 20)) < 0.1).astype(float),
}


def sample(rng: np.random.Generator, shape: tuple[int, int], rows: int, each: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for row in rng.permutation(shape[0])[:rows]:
        mask[row, rng.permutation(shape[1])[:each]] = True
    return mask


@pytest.mark.parametrize("draw", MAGNITUDES.values(), ids=MAGNITUDES)
def test_sums_of_fair_signs_are_bounded(draw) -> None:
    """At every level, no more of many honest sums are found guilty than it promises."""
    rng = np.random.default_rng(0)
    found = [bound_symmetric_sum(draw(rng) * rng.choice([-1, 1], 40)) for _ in range(TRIALS)]
    for level in (0.1, 0.01, 0.001):
        assert np.mean(np.array(found) <= math.log(level)) <= level


def test_a_sign_test_is_exact_and_ignores_zeros() -> None:
    assert compute_sign_test(np.array([0.3, 0, 2, -1])) == pytest.approx(math.log(0.5))
    assert compute_sign_test(np.ones(20)) == pytest.approx(-20 * math.log(2))
    assert compute_sign_test(-np.ones(20)) == pytest.approx(0)
    assert compute_sign_test(np.zeros(5)) == 0
    mixed = np.repeat([1.0, -1.0], [4400, 4000])
    assert compute_sign_test(mixed) == pytest.approx(binom.logsf(4399, 8400, 0.5))


@pytest.mark.parametrize("draw", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("rows", "each"), [(12, 1), (15, 4), (30, 5)])
def test_sums_of_random_samples_are_bounded(draw, rows: int, each: int) -> None:
    rng = np.random.default_rng(1)
    for within_rows in (True, False):
        found = []
        for _ in range(TRIALS // 8):
            values = draw(rng)
            mask = sample(rng, values.shape, rows, each)
            found.append(bound_sampled_sum(values, mask, within_rows=within_rows))
        for level in (0.1, 0.03):
            assert np.mean(np.array(found) <= math.log(level)) <= level


def test_a_bound_is_not_much_weaker_than_the_normal_tail() -> None:
    """What exactness costs: for the same alarms about a seventh more deviations."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200, 50))
    mask = sample(rng, values.shape, 200, 1)
    shift = (0.45 - values[mask].mean()) / 0.995  # the table's mean moves along
    values[mask] += shift
    found = bound_sampled_sum(values, mask, within_rows=False)
    deviations = math.sqrt(200) * (values[mask].mean() - values.mean()) / values.std()
    assert -found == pytest.approx(deviations**2 / 2, rel=0.1)
    assert found < norm.logsf(deviations * 0.86)


def test_only_high_sums_are_guilty() -> None:
    values = np.arange(20.0).reshape(2, 10)
    low = values < 3
    assert bound_sampled_sum(values, low, within_rows=True) == 0
    assert bound_sampled_sum(values, np.zeros_like(low), within_rows=False) == 0
    assert bound_symmetric_sum(-np.ones(50)) == 0
    assert bound_symmetric_sum(np.zeros(50)) == 0


def test_rows_that_were_sampled_are_compared_with_the_others_or_with_themselves() -> None:
    values = np.repeat([[0.0], [1.0]], 40, axis=0).repeat(30, axis=1)
    mask = np.zeros(values.shape, bool)
    mask[40:, 0] = True  # one place of each high row
    assert bound_sampled_sum(values, mask, within_rows=True) == 0
    assert bound_sampled_sum(values, mask, within_rows=False) < -20


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 1000))
def test_a_bound_does_not_depend_on_the_unit(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, (40, 12))
    mask = sample(rng, values.shape, 20, 2)
    one = bound_sampled_sum(values, mask, within_rows=False)
    other = bound_sampled_sum(scale * values, mask, within_rows=False)
    assert other == pytest.approx(one, rel=0.02, abs=1e-3)
    assert one <= 0
