"""Curves of several runs, read back through matplotlib's own objects."""

from __future__ import annotations

import numpy as np
import pytest

from population import Direction
from views.side_by_side import RunCurve, RunGroup, describe_result, draw_groups


def curve(*values: float, last: int = 10, start: int = 1) -> RunCurve:
    return RunCurve("r", range(start, start + len(values)), values, last, values[-1])


def test_a_group_is_its_mean_and_the_range_of_its_runs() -> None:
    groups = [RunGroup("two", [curve(3.0, 2.0), curve(4.0, 1.0)]), RunGroup("one", [curve(2.5)])]
    figure = draw_groups(groups, metric="loss", direction=Direction.MINIMIZE, title="t", noise=0.25)
    (axes,) = figure.axes
    two, one = axes.lines
    assert list(two.get_ydata())[:3] == [3.5, 1.5, 1.5]
    assert set(one.get_ydata()) == {2.5}
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert (bands[0].min(), bands[0].max()) == (1.0, 4.0)
    assert (bands[1].min(), bands[1].max()) == (2.25, 2.75)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["two (2 runs)", "one"]
    assert "lower is fitter" in axes.get_ylabel()


def test_a_curve_ends_where_the_shortest_of_its_runs_does() -> None:
    group = RunGroup("g", [curve(3.0, last=5), curve(2.0, last=9, start=3)])
    figure = draw_groups([group], metric="m", direction=Direction.MAXIMIZE, title="t")
    assert list(figure.axes[0].lines[0].get_xdata()) == [3, 4, 5]


def test_before_the_first_score_there_is_no_best() -> None:
    values = curve(3.0, 2.0, start=2).at(np.arange(1, 5))
    assert np.isnan(values[0])
    assert list(values[1:]) == [3.0, 2.0, 2.0]


@pytest.mark.parametrize(("values", "text"), [([2.0], "2.0"), ([1.0, 3.0], "2.0 ± 13")])
def test_a_result_has_an_interval_if_it_has_a_spread(values: list[float], text: str) -> None:
    group = RunGroup("g", [curve(value) for value in values])
    assert describe_result(group, "{:.1f}".format) == text
