"""The heatmap, read back through matplotlib's own objects."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archive import Archive, Axis
from archive.axis import bounds_of_cell
from archive.comparison import FreshComparison
from population import Direction, Individual, Measurement, Noise, Status
from population.estimate import Deviation
from views import draw_heatmap

AXES = (
    Axis("size", "model size", "parameters", 1e5, 1.6e6, 4, log=True),
    Axis("speed", "throughput", "tokens/s", 1e3, 8e3, 3, log=True),
)
MINIMIZE, MAXIMIZE = Direction.MINIMIZE, Direction.MAXIMIZE
NOISE = Noise({99: Deviation(2e-4, 2.0)})  # a deviation of 0.01, by three runs of a genome


def grid(points: list[tuple[float, float, float]], direction: Direction = MINIMIZE) -> Archive:
    archive = Archive(AXES)
    for number, (fitness, size, speed) in enumerate(points):
        run = Measurement(Status.OK, fitness, {"size": size, "speed": speed}, 5.0)
        parents = () if number == 0 else (0,)
        archive.add(Individual(number, "c", parents, "tweak", "", 0, direction, (run,)))
    return archive


def texts(figure: Figure) -> list[str]:
    axes = figure.axes[0]
    legend = axes.get_legend()
    labels = legend.get_texts() if legend else []
    return [text.get_text() for text in [*axes.texts, *labels]]


def drawn(figure: Figure) -> Figure:
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    return figure


def fills(figure: Figure) -> dict[tuple[float, float], tuple[float, ...]]:
    """The colour of each elite's cell, by its lower left corner."""
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return {
        patch.get_xy(): tuple(patch.get_facecolor())
        for patch in patches
        if (patch.get_width(), patch.get_height()) == (1, 1)
    }


def test_heatmap_says_what_it_shows() -> None:
    archive = grid([(2.5, 1.5e5, 1.5e3), (2.25, 3e5, 3e3), (2.375, 1.5e6, 7e3)])
    figure = drawn(draw_heatmap(archive, metric="val_bpb", title="night", reference=2.5))
    axes, bar = figure.axes
    assert axes.get_title(loc="left") == (
        "night: the best val_bpb found for each model size and throughput"
    )
    assert axes.get_xlabel() == "model size (parameters)"
    assert axes.get_ylabel() == "throughput (tokens/s)"
    x_labels = [label.get_text() for label in axes.get_xticklabels()]
    assert x_labels == ["100 k", "200 k", "400 k", "800 k", "1.6 M"]
    assert bar.get_ylabel() == "val_bpb  (lower is fitter)"
    assert {"2.5000", "#0 seed", "★ 2.2500", "#1", "2.3750", "#2"} <= set(texts(figure))
    assert (
        "not confirmed yet\nbest val_bpb 2.2500 (#1)  ·  QD score 0.375 over 2.5000\n"
        "3 of 12 cells filled  ·  □ the seed's cell" in texts(figure)
    )


def squares(figure: Figure) -> list[tuple[int, int]]:
    """The cells that are marked as a seed's."""
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
    places = [np.asarray(mark.get_xydata(), float)[0] for mark in marks]
    return [(int(x), int(y)) for x, y in places]


def test_the_seed_is_marked_when_another_is_the_elite_of_its_cell() -> None:
    points = [(2.5, 3e5, 3e3), (2.25, 3e5, 3e3), (2.3, 1.5e6, 7e3)]
    figure = drawn(draw_heatmap(grid(points), metric="m", title="", noise=NOISE))
    assert "#0 seed" not in texts(figure)
    assert squares(figure) == [(1, 1)]
    (subtitle,) = [text for text in texts(figure) if "□ the seed's cell" in text]
    assert "best m 2.2500 ± 0.056 (#1)" in subtitle, "by Student's t, and genomes may differ"
    assert "a run varies by ± 0.01" in subtitle


def test_the_fresh_comparison_leads_the_heatmap() -> None:
    points = [(2.5, 3e5, 3e3), (2.25, 3e5, 3e3)]
    comparison = FreshComparison(0, 1, 2.5, 2.25, 0.25, 0.2, 0.3, (2, 2))
    figure = draw_heatmap(grid(points), metric="m", title="", comparison=comparison)
    said = "fresh runs: m 2.2500 (#1), the seed 2.5000: 0.25 better (95 % interval +0.2 to +0.3)\n"
    assert any(text.startswith(said) for text in texts(drawn(figure)))
    other = replace(comparison, best=7)
    figure = draw_heatmap(grid(points), metric="m", title="", comparison=other)
    assert any("+0.3); #1 is not confirmed yet\n" in text for text in texts(drawn(figure)))


def test_empty_cells_that_were_aimed_at_in_vain_have_a_ring() -> None:
    archive = grid([(2.5, 1.5e5, 1.5e3)])
    full, empty, other = (bounds_of_cell(AXES, cell) for cell in ((0, 0), (2, 1), (3, 0)))
    figure = draw_heatmap(archive, metric="m", title="r", targets=[full, empty, empty])
    rings = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings] == [(2.5, 1.5)]
    assert any("○ aimed at in vain" in text for text in texts(figure))
    moved = ((other[0][0], other[0][1] * 1.05), other[1])  # the axes have moved since
    figure = draw_heatmap(archive, metric="m", title="r", targets=[moved])
    rings = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings] == [(3.5, 0.5)]


def test_elites_beyond_an_edge_are_marked() -> None:
    points = [(2.5, 3e5, 3e3), (2.25, 9e6, 3e3)]
    figure = drawn(draw_heatmap(grid(points), metric="m", title=""))
    assert {"#0 seed", "#1 »"} <= set(texts(figure))
    assert any("» beyond an edge" in text for text in texts(figure))
    inside = drawn(draw_heatmap(grid(points[:1]), metric="m", title=""))
    assert not any("»" in text for text in texts(inside))


MEMORY = Axis("memory", "peak memory", "GiB", 1.0, 8.0, 3, log=True)


def grid_of_three(points: list[tuple[float, float, float, float]]) -> Archive:
    archive = Archive([*AXES, MEMORY])
    for number, (fitness, size, speed, memory) in enumerate(points):
        measures = {"size": size, "speed": speed, "memory": memory}
        run = Measurement(Status.OK, fitness, measures, 5.0)
        parents = () if number == 0 else (0,)
        archive.add(Individual(number, "c", parents, "tweak", "", 0, MINIMIZE, (run,)))
    return archive


def test_of_three_axes_two_are_shown_with_the_best_over_the_third() -> None:
    archive = grid_of_three(
        [(2.5, 1.5e5, 1.5e3, 1.5), (2.25, 1.5e5, 1.5e3, 7), (2.3, 1.5e6, 7e3, 7)]
    )
    figure = drawn(draw_heatmap(archive, metric="m", title="", reference=2.5))
    assert set(fills(figure)) == {(0, 0), (3, 2)}
    assert {"★ 2.2500", "#1", "2.3000", "#2"} <= set(texts(figure))
    (subtitle,) = [text for text in texts(figure) if "cells filled" in text]
    assert "3 of 36 cells filled, the best over peak memory shown" in subtitle
    assert "QD score 0.45 over" in subtitle, "which is the whole archive's"

    figure = drawn(draw_heatmap(archive, metric="m", title="", axes=["memory", "size"]))
    assert figure.axes[0].get_xlabel() == "peak memory (GiB)"
    assert set(fills(figure)) == {(0, 0), (2, 0), (2, 3)}


@pytest.mark.parametrize("axes", [["weight"], ["size", "size"], ["size", "speed", "memory"]])
def test_axes_that_cannot_be_shown_are_refused(axes: list[str]) -> None:
    with pytest.raises(ValueError, match="one or two of the axes size, speed, memory, not "):
        draw_heatmap(grid_of_three([]), metric="m", title="", axes=axes)


@pytest.mark.parametrize("cells", [1, 6, 36, 64])
def test_one_axis_is_a_strip(cells: int) -> None:
    archive = Archive([Axis("size", "model size", "parameters", 1e5, 1.6e6, cells, log=True)])
    for number in range(cells):
        measures = {"size": 1e5 * 16 ** ((number + 0.5) / cells)}
        run = Measurement(Status.OK, 2.5 - number / 100, measures, 5.0)
        parents = () if number == 0 else (0,)
        archive.add(Individual(number, "c", parents, "tweak", "", 0, MINIMIZE, (run,)))
    figure = drawn(draw_heatmap(archive, metric="m", title=""))
    assert set(fills(figure)) == {(number, 0) for number in range(cells)}
    assert figure.axes[0].get_ylabel() == ""
    assert list(figure.axes[0].get_yticks()) == []
    shown = " ".join(texts(figure))
    assert all(f"#{number}" in shown for number in range(cells))


@pytest.mark.parametrize(("cells", "named"), [(4, True), (50, False)])
def test_a_grid_has_as_much_text_as_it_has_room_for(cells: int, named: bool) -> None:
    archive = grid([(2.5, 1.5e5, 1.5e3), (2.25, 3e5, 3e3)])
    axes = [replace(axis, cells=cells) for axis in archive.axes]
    figure = drawn(draw_heatmap(archive.rebin(axes), metric="m", title=""))
    assert ("#1" in texts(figure)) == named
    (across, up) = (axis.get_ticklabels() for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis))
    for labels in (across, up):
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) > 4
        assert not any(one.overlaps(other) for one, other in pairwise(boxes)), "each can be read"
    frames = [patch for patch in figure.axes[0].patches if not patch.get_fill()]
    assert len(frames) == 1, "the best has a frame"


@pytest.mark.parametrize("direction", Direction)
def test_the_fitter_is_the_brighter_and_stands_on_top_of_the_bar(direction: Direction) -> None:
    figure = drawn(
        draw_heatmap(
            grid([(1.0, 1.5e5, 1.5e3), (2.0, 3e5, 3e3), (3.0, 1.5e6, 7e3)], direction),
            metric="score",
            title="",
        )
    )
    cells = fills(figure)
    brightness = [sum(cells[corner][:3]) for corner in ((0, 0), (1, 1), (3, 2))]
    minimize = direction is MINIMIZE
    assert brightness == sorted(brightness, reverse=minimize)
    bright = matplotlib.colormaps["viridis"](1.0)
    assert cells[(0, 0) if minimize else (3, 2)] == pytest.approx(bright)
    bottom, top = figure.axes[1].get_ylim()
    assert (top < bottom) == minimize


def test_one_awful_elite_does_not_squash_the_colours() -> None:
    points = [(2.0 + i / 100, 1.5e5 * 2 ** (i % 4), 1.5e3 * 2 ** (i // 4)) for i in range(11)]
    figure = drawn(draw_heatmap(grid([*points, (50.0, 1.5e6, 7e3)]), metric="val_bpb", title=""))
    cells = fills(figure)
    assert len({cells[corner] for corner in cells}) >= 11


def test_an_empty_archive_has_a_picture() -> None:
    figure = drawn(draw_heatmap(Archive(AXES), metric="val_bpb", title="night", reference=2.5))
    assert texts(figure) == ["no experiment has scored yet"]
    assert fills(figure) == {}


def test_a_single_elite_has_a_picture() -> None:
    figure = drawn(draw_heatmap(grid([(0.0, 1.5e5, 1.5e3)]), metric="loss", title=""))
    assert "★ 0.000" in texts(figure)
