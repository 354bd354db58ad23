import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archive import Axis

SIZE = Axis("size", "model size", "parameters", 1e5, 1.6e6, 4, log=True)
HEAT = Axis("heat", "heat", "", -10.0, 10.0, 4, log=False)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    log = draw(st.booleans())
    bound = st.floats(1e-9, 1e15) if log else st.floats(-1e15, 1e15)
    low, high = sorted((draw(bound), draw(bound)))
    assume(high - low > 1e-6 * max(abs(low), abs(high)))
    return Axis("a", "a", "", low, high, draw(st.integers(1, 20)), log)


def test_log_cells_are_equally_wide_in_the_logarithm() -> None:
    np.testing.assert_allclose(SIZE.edges, [1e5, 2e5, 4e5, 8e5, 1.6e6])
    assert [SIZE.index_of(value) for value in (1.1e5, 2.1e5, 7.9e5, 8.1e5)] == [0, 1, 2, 3]


def test_linear_cells_are_equally_wide() -> None:
    np.testing.assert_allclose(HEAT.edges, [-10, -5, 0, 5, 10])
    assert [HEAT.index_of(value) for value in (-10, -5.1, -5, 0, 4.9, 10)] == [0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize(("value", "cell"), [(1, 0), (1e-300, 0), (5e8, 3), (1e300, 3), (2**40, 3)])
def test_values_beyond_the_bounds_fall_into_the_end_cells(value: float, cell: int) -> None:
    assert SIZE.index_of(value) == cell


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -5.0])
def test_values_without_a_place_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"model size should be a finite number above 0, not "):
        SIZE.index_of(value)


def test_a_linear_axis_takes_every_finite_number() -> None:
    assert HEAT.index_of(-1e300) == 0
    with pytest.raises(ValueError, match="heat should be a finite number, not nan"):
        HEAT.index_of(math.nan)


@given(axes(), st.floats(allow_nan=False, allow_infinity=False))
def test_index_agrees_with_bounds(axis: Axis, value: float) -> None:
    assume(not axis.log or value > 0)
    cell = axis.index_of(value)
    low, high = axis.bounds_of(cell)
    assert low <= value or cell == 0
    assert value < high or cell == axis.cells - 1


@given(axes())
def test_each_edge_opens_its_cell(axis: Axis) -> None:
    edges = axis.edges
    assert edges.shape == (axis.cells + 1,)
    assert (edges[0], edges[-1]) == (axis.low, axis.high)
    assert [axis.index_of(edge) for edge in edges[:-1]] == list(range(axis.cells))


@given(axes())
def test_survives_json(axis: Axis) -> None:
    assert Axis.from_dict(json.loads(json.dumps(axis.to_dict()))) == axis


def test_from_dict_names_the_wrong_fields() -> None:
    data = SIZE.to_dict() | {"colour": "red"}
    del data["log"]
    with pytest.raises(ValueError, match="see colour, log"):
        Axis.from_dict(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 2e6}, "low .* should be below high"),
        ({"low": 1.6e6}, "low .* should be below high"),
        ({"high": math.inf}, "should be finite"),
        ({"low": math.nan}, "should be finite"),
        ({"cells": 0}, "at least 1 cell, not 0"),
        ({"low": 0.0}, "a log axis starts above 0, not at 0.0"),
        ({"low": 1.0, "high": 1.0 + 4e-16}, "cannot be cut into 4 cells"),
        ({"low": -1.5e308, "high": 1.5e308, "log": False}, "cannot be cut into 4 cells"),
    ],
)
def test_what_makes_no_axis_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"axis `size`.*{message}"):
        Axis.from_dict(SIZE.to_dict() | changes)


def test_bounds_of_no_cell() -> None:
    with pytest.raises(IndexError, match="cells 0 to 3, not 4"):
        SIZE.bounds_of(4)
    with pytest.raises(IndexError):
        SIZE.bounds_of(-1)


def test_title_has_the_unit_if_there_is_one() -> None:
    assert (SIZE.title, HEAT.title) == ("model size (parameters)", "heat")
