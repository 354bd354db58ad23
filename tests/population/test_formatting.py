import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from population import Direction
from population.formatting import (
    dark_text,
    dollars,
    duration,
    fitter_end,
    formatter,
    human,
    limits,
    ticks,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.6, "1 k"),
        (1200, "1.2 k"),
        (15_100, "15.1 k"),
        (417_792, "418 k"),
        (999_499, "999 k"),
        (999_999, "1 M"),
        (50_332_176, "50.3 M"),
        (1.24e9, "1.24 B"),
        (3e12, "3 T"),
        (4.5e15, "4500 T"),
        (-2500, "-2.5 k"),
        (0.0213, "0.0213"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_human(value: float, text: str) -> None:
    assert human(value) == text


def test_human_with_a_unit() -> None:
    assert human(15_100, "tokens/s") == "15.1 k tokens/s"
    assert human(12, "parameters") == "12 parameters"
    assert human(417_792, digits=4) == "417.8 k"


@given(st.floats(1e-3, 9e14))
def test_human_keeps_the_value_to_three_digits(value: float) -> None:
    number, _, suffix = human(value).partition(" ")
    factor = {"": 1, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[suffix]
    assert float(number) * factor == pytest.approx(value, rel=0.0051)
    assert "e" not in number
    assert float(number) < 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (3.44, "3.4 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.7, "1 min 00 s"),
        (500, "8 min 20 s"),
        (3599.7, "1 h 00 min"),
        (18_180, "5 h 03 min"),
        (86_390, "1 d 00 h"),
        (187_200, "2 d 04 h"),
        (-500, "-8 min 20 s"),
        (math.nan, "–"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ticks_of_a_narrow_axis_differ() -> None:
    assert ticks([104_448, 167e3, 1.67e6]) == ["104 k", "167 k", "1.67 M"]
    assert ticks([10_000, 10_010, 10_020]) == ["10 k", "10.01 k", "10.02 k"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.97, 1.1), "0.9877"),
        ((2.2, 2.6), "0.988"),
        ((0.0, 100.0), "1.0"),
        ((1.0, 5000.0), "1"),
        ((0.98, 0.98 + 1e-9), "0.987654"),
        ((2.5,), "0.9877"),
        ((3e-7, 4e-7), "0.9876543210"),
        ((0.0,), "0.9877"),
        ([0.97, *[1.0] * 5, *[1.02] * 5, 1.05, 1e4], "0.9877"),
    ],
)
def test_formatter_suits_the_spread(values: tuple[float, ...], text: str) -> None:
    assert formatter(values)(0.987654321) == text


def test_formatter_of_big_numbers() -> None:
    assert formatter([1e5, 2e6])(1.5e6) == "1.5 M"


def test_limits_leave_out_only_what_is_far_worse() -> None:
    values = [2.20, 2.21, 2.22, 2.23, 2.24, 9.0]
    low, high = limits(values, Direction.MINIMIZE)
    assert low == 2.20
    assert 2.24 <= high < 2.4
    low, high = limits(values, Direction.MAXIMIZE)
    assert high == 9.0
    assert low == 2.20


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from(Direction))
def test_limits_are_a_range_with_the_fittest(values: list[float], direction: Direction) -> None:
    low, high = limits(values, direction)
    assert low < high
    assert low <= (min(values) if direction is Direction.MINIMIZE else max(values)) <= high


def test_fitter_end() -> None:
    assert [fitter_end(direction) for direction in Direction] == ["lower", "higher"]


def test_dark_text_on_bright_colours_only() -> None:
    assert dark_text(1.0, 1.0, 0.0)
    assert not dark_text(0.27, 0.0, 0.33)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "$0.00"),
        (1234.567, "$1234.57"),
        (1.996, "$2.00"),
        (0.1, "$0.10"),
        (0.0996, "$0.10"),
        (0.0994, "$0.099"),
        (0.05, "$0.050"),
        (0.00123, "$0.0012"),
        (4e-7, "$0.00000040"),
    ],
)
def test_small_sums_of_money_keep_two_digits(value: float, shown: str) -> None:
    assert dollars(value) == shown
