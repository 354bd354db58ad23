import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from population.formatting import (
    choose_format,
    describe_noise,
    format_dollars,
    format_duration,
    format_number,
    format_score,
    format_span,
    shorten_to_words,
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
def test_format_number(value: float, text: str) -> None:
    assert format_number(value) == text


def test_format_number_with_a_unit() -> None:
    assert format_number(15_100, "tokens/s") == "15.1 k tokens/s"
    assert format_number(12, "parameters") == "12 parameters"
    assert format_number(417_792, digits=4) == "417.8 k"


@given(st.floats(1e-3, 9e14))
def test_format_number_keeps_the_value_to_three_digits(value: float) -> None:
    number, _, suffix = format_number(value).partition(" ")
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
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


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
def test_choose_format_suits_the_spread(values: tuple[float, ...], text: str) -> None:
    assert choose_format(values)(0.987654321) == text


def test_choose_format_of_big_numbers() -> None:
    assert choose_format([1e5, 2e6])(1.5e6) == "1.5 M"


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
    assert format_dollars(value) == shown


def test_unknown_noise_is_not_described() -> None:
    assert describe_noise(0.0) == ""
    assert describe_noise(0.01234) == "a run varies by ± 0.012"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (480, 640, "8 to 11 min"),
        (40, 119, "40 s to 2 min"),
        (20, 31.5, "20 to 32 s"),
        (500, 520, "about 9 min"),
        (5400, 9000, "1.5 to 2.5 h"),
        (0, 0, "about 0 s"),
        (0, 1300, "up to 22 min"),
        (3600 * 50, math.inf, "2.1 d or more"),
    ],
)
def test_a_span_has_few_digits(low: float, high: float, text: str) -> None:
    assert format_span(low, high) == text


@given(st.text(), st.integers(0, 40))
def test_a_shortened_text_has_whole_words(text: str, width: int) -> None:
    short = shorten_to_words(text, width)
    assert len(short) <= width
    words = short.removesuffix("...").split() if short != " ".join(text.split()) else text.split()
    assert words == text.split()[: len(words)]


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [
        (2.83412, 0.0087, "2.8341"),
        (2.83412, 0.02, "2.834"),
        (1234.5678, 30.0, "1235"),
        (2.8341234, 0.0, "2.83412"),
        (-0.5, 0.1, "-0.50"),
    ],
)
def test_a_score_has_the_digits_that_the_noise_leaves(
    value: float, deviation: float, text: str
) -> None:
    assert format_score(value, deviation) == text
