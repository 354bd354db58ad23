"""The pictures' scales: ranges, labels, and colours under text."""

from hypothesis import given
from hypothesis import strategies as st

from population import Direction
from views.scales import find_limits, is_bright, label_ticks


def test_ticks_of_a_narrow_axis_differ() -> None:
    assert label_ticks([104_448, 167e3, 1.67e6]) == ["104 k", "167 k", "1.67 M"]
    assert label_ticks([10_000, 10_010, 10_020]) == ["10 k", "10.01 k", "10.02 k"]


def test_limits_leave_out_only_what_is_far_worse() -> None:
    values = [2.20, 2.21, 2.22, 2.23, 2.24, 9.0]
    low, high = find_limits(values, Direction.MINIMIZE)
    assert low == 2.20
    assert 2.24 <= high < 2.4
    low, high = find_limits(values, Direction.MAXIMIZE)
    assert high == 9.0
    assert low == 2.20


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from(Direction))
def test_limits_are_a_range_with_the_fittest(values: list[float], direction: Direction) -> None:
    low, high = find_limits(values, direction)
    assert low < high
    assert low <= (min(values) if direction is Direction.MINIMIZE else max(values)) <= high


def test_black_text_on_bright_colours_only() -> None:
    assert is_bright(1.0, 1.0, 0.0)
    assert not is_bright(0.27, 0.0, 0.33)
