"""How two groups of runs compare."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from population import Direction
from population.comparison import compare_runs, half_width

some = st.lists(st.floats(-10, 10), min_size=2, max_size=9).filter(
    lambda v: statistics.stdev(v) > 1e-3
)


def test_the_interval_is_welchs() -> None:
    values, reference = [2.0, 2.1, 2.3], [2.5, 2.9]
    comparison = compare_runs(values, reference, Direction.MINIMIZE)
    interval = stats.ttest_ind(reference, values, equal_var=False).confidence_interval(0.95)
    assert comparison.gain == pytest.approx(2.7 - 32 / 15)
    assert (comparison.low, comparison.high) == pytest.approx((interval.low, interval.high))
    assert comparison.interval.startswith("95 % interval ")


@given(some, some)
def test_the_directions_mirror_each_other(values: list[float], reference: list[float]) -> None:
    lower = compare_runs(values, reference, Direction.MINIMIZE)
    higher = compare_runs(reference, values, Direction.MAXIMIZE)
    assert lower.gain == pytest.approx(higher.gain)
    assert lower.low is not None
    assert lower.high is not None
    assert lower.low <= lower.gain + 1e-9
    assert lower.gain <= lower.high + 1e-9
    assert (lower.low, lower.high) == pytest.approx((higher.low, higher.high))


def test_one_run_has_no_interval() -> None:
    comparison = compare_runs([2.0], [3.0, 3.1], Direction.MAXIMIZE)
    assert comparison.gain == pytest.approx(-1.05)
    assert (comparison.low, comparison.high, comparison.interval) == (None, None, "")
    assert half_width([2.0]) is None


def test_equal_runs_have_an_interval_without_width() -> None:
    comparison = compare_runs([2.0, 2.0], [3.0, 3.0], Direction.MINIMIZE)
    assert (comparison.gain, comparison.low, comparison.high) == (1.0, 1.0, 1.0)
    assert half_width([2.0, 2.0]) == 0.0


def test_the_mean_of_five_runs() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert half_width(values) == pytest.approx(2.776445 * math.sqrt(2.5 / 5), rel=1e-6)
