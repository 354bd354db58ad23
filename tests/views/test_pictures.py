"""The pictures are read back through matplotlib's own objects, and drawn for real."""

import math
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archive import Archive, Axis
from archive.comparison import FreshComparison
from population import Direction, Individual, Measurement, Noise, Status
from population.estimate import Deviation
from views import draw_heatmap, draw_progress, save_figure
from views.chart import trace_best

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


def rows(*experiments: tuple[int, str, str, float, bool]) -> pd.DataFrame:
    """Experiments; a genome's objective is the mean of its runs so far, the finals left out."""
    frame = pd.DataFrame(
        [
            {
                "experiment": number,
                "individual": individual,
                "purpose": purpose,
                "generation": 0,
                "operator": operator,
                "status": "crash" if math.isnan(fitness) else "ok",
                "fitness": fitness,
                "kept": kept,
                "description": f"idea {individual}",
            }
            for number, (individual, purpose, operator, fitness, kept) in enumerate(experiments, 1)
        ]
    )
    searched = frame["fitness"].where(frame["purpose"] != "final")
    means = searched.groupby(frame["individual"]).expanding().mean().droplevel(0)
    return frame.assign(objective=means)


RUN = rows(
    (0, "search", "seed", 2.50, True),
    (0, "search", "seed", 2.52, False),
    (1, "search", "tweak", 2.40, True),
    (2, "search", "aim", math.nan, False),
    (3, "search", "aim", 2.45, True),
    (4, "search", "tweak", 2.48, False),
    (5, "search", "tweak", 19.0, False),
    (1, "search", "tweak", 2.60, False),
    (3, "final", "aim", 2.47, False),
)


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
    assert axes.get_title(loc="left") == "night"
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
    assert "best m 2.2500 ± 0.049 (#1)" in subtitle, "by Student's t, and genomes may differ"
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


def test_best_so_far_follows_the_means_and_ignores_finals() -> None:
    line = trace_best(RUN[RUN["fitness"].notna()], MINIMIZE)
    assert line["experiment"].tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert line["individual"].tolist() == [0, 0, 1, 1, 1, 1, 3]
    assert line["objective"].tolist() == pytest.approx([2.5, 2.51, 2.4, 2.4, 2.4, 2.4, 2.45])


def test_best_so_far_of_a_maximised_metric() -> None:
    line = trace_best(RUN[RUN["fitness"].notna()], MAXIMIZE)
    assert line["individual"].tolist() == [0, 0, 0, 0, 0, 5, 5]


def test_progress_says_what_it_shows() -> None:
    figure = drawn(
        draw_progress(RUN, metric="val_bpb", direction=MINIMIZE, title="night", noise=NOISE)
    )
    assert (
        "not confirmed yet\n9 experiments  ·  2 kept  ·  1 failed\n"
        "best val_bpb 2.4500, 0.0600 better than the seed" in texts(figure)
    )
    assert "#3  2.4500  idea 3" in texts(figure)
    assert {
        *("best so far", "± 1 deviation of one run", "seed run (2)", "fresh run of #3 (1)"),
        *("tweak (4)", "aim (1)", "kept", "discarded", "1 of these, off the scale", "failed (1)"),
    } <= set(texts(figure))


ENDED = rows(
    (0, "search", "seed", 2.50, True),
    (1, "search", "tweak", 2.40, True),
    (1, "repeat", "tweak", 2.41, False),
    (0, "search", "seed", 99.0, False),
    (2, "search", "aim", 99.0, False),
    *((n, "search", "tweak", 2.45 + n / 1000, False) for n in range(3, 9)),
    *((0, "final", "seed", 2.50 + n / 100, False) for n in range(3)),
    *((1, "final", "tweak", 2.40 + n / 100, False) for n in range(2)),
    (1, "final", "tweak", 99.0, False),
)


def test_the_legend_counts_every_experiment_once() -> None:
    figure = drawn(draw_progress(ENDED, metric="m", direction=MINIMIZE, title=""))
    counted = [text for text in texts(figure) if text.endswith(")") and "\n" not in text]
    assert counted == [
        *("seed run (2)", "repeat run (1)", "fresh run of the seed (3)", "fresh run of #1 (3)"),
        *("tweak (7)", "aim (1)"),
    ]
    assert "3 of these, off the scale" in texts(figure)


def test_fresh_runs_of_seed_and_best_are_told_apart_and_compared() -> None:
    frame = ENDED[ENDED["fitness"] < 3]
    comparison = FreshComparison(0, 1, 2.51, 2.405, 0.105, 0.01, 0.2, (3, 2))
    figure = draw_progress(frame, metric="m", direction=MINIMIZE, title="", comparison=comparison)
    axes = drawn(figure).axes[0]
    colours = {
        tuple(np.asarray(dots.get_offsets(), float)[:, 1].round(6)): tuple(dots.get_facecolor()[0])
        for dots in axes.collections
        if len(dots.get_offsets()) and len(dots.get_facecolor())
    }
    assert colours[(2.5, 2.51, 2.52)] != colours[(2.4, 2.41)]
    (subtitle,) = [text for text in texts(axes.figure) if "experiments" in text]
    assert subtitle.startswith("fresh runs: m 2.4050 (#1), the seed 2.5100: 0.105 better (95 %")
    means = [np.asarray(bar.lines[0].get_ydata(), float)[0] for bar in axes.containers]
    assert means == pytest.approx([2.51, 2.405])
    assert "mean of fresh runs, 95 % interval" in texts(axes.figure)


def test_fresh_runs_of_an_earlier_end_are_not_compared() -> None:
    frame = rows(
        (0, "search", "seed", 2.5, True),
        (1, "search", "tweak", 2.4, True),
        *((0, "final", "seed", 2.5 + n / 100, False) for n in range(2)),
        *((1, "final", "tweak", 2.4 + n / 100, False) for n in range(2)),
        (2, "search", "tweak", 2.2, True),
    )
    figure = drawn(draw_progress(frame, metric="m", direction=MINIMIZE, title=""))
    assert {"fresh run of the seed (2)", "fresh run of #1 (2)"} <= set(texts(figure))
    assert "fresh runs:" not in " ".join(texts(figure))
    assert "mean of fresh runs, 95 % interval" not in texts(figure)


def test_the_runs_of_an_ablation_are_no_part_of_the_search() -> None:
    ablated = RUN.iloc[:2].assign(purpose="ablation", experiment=[10, 11], individual=[3, 6])
    both = pd.concat([RUN, ablated])
    plain, more = (
        drawn(draw_progress(frame, metric="val_bpb", direction=MINIMIZE, title="night"))
        for frame in (RUN, both)
    )
    assert texts(more) == texts(plain)
    assert more.axes[0].get_xlim() == plain.axes[0].get_xlim()


def test_an_outlier_does_not_squash_the_chart() -> None:
    figure = drawn(draw_progress(RUN, metric="val_bpb", direction=MINIMIZE, title=""))
    low, high = figure.axes[0].get_ylim()
    assert low < 2.40
    assert 2.60 < high < 4.0
    assert "± 1 deviation of one run" not in texts(figure)


@pytest.mark.parametrize(("direction", "worse_is_up"), [(MINIMIZE, True), (MAXIMIZE, False)])
def test_failures_stand_at_the_worse_edge(direction: Direction, worse_is_up: bool) -> None:
    steady = RUN[RUN["fitness"].isna() | (RUN["fitness"] < 3)]
    axes = drawn(draw_progress(steady, metric="m", direction=direction, title="")).axes[0]
    x, y = np.asarray(axes.collections[-1].get_offsets(), float)[0]
    assert x == 4
    assert (y > 2.6) if worse_is_up else (y < 2.4)
    low, high = axes.get_ylim()
    assert low < y < high


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame([]), []),
        (
            rows((0, "search", "seed", math.nan, False)),
            ["not confirmed yet\n1 experiment  ·  0 kept  ·  1 failed"],
        ),
    ],
)
def test_nothing_scored_has_a_picture(frame: pd.DataFrame, said: list[str]) -> None:
    figure = drawn(draw_progress(frame, metric="val_bpb", direction=MINIMIZE, title="night"))
    assert {"no experiment has scored yet", *said} <= set(texts(figure))


def test_more_operators_than_colours_and_a_long_description() -> None:
    many = rows(*((n, "search", f"operator {n}", 2.0 - n / 100, True) for n in range(12)))
    many["description"] = "a very long idea " * 20 + "\nover two lines"
    figure = drawn(draw_progress(many, metric="val_bpb", direction=MINIMIZE, title=""))
    assert "operator 11 (1)" in texts(figure)
    assert max(len(text) for text in texts(figure)) < 100


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_save_writes_a_whole_readable_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "artifacts" / f"heatmap.{ending}"
    figure = draw_heatmap(grid([(2.5, 1.5e5, 1.5e3)]), metric="val_bpb", title="night")
    save_figure(figure, path)
    save_figure(figure, path)
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[ending]
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & stat.S_IRUSR


def test_a_failed_save_leaves_the_old_picture(tmp_path: Path) -> None:
    class HalfWritten(Figure):
        def savefig(self, fname: str | Path, **options: object) -> None:  # type: ignore[override]
            Path(fname).write_bytes(b"half")
            raise OSError("no space left on device")

    path = tmp_path / "heatmap.png"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match=r"heatmap\.png cannot be written: no space left on device"):
        save_figure(HalfWritten(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["map.foo", "map", "map.jpeg2"])
def test_a_format_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"ends in \.png, \.svg or \.pdf, not as {name} does"):
        save_figure(Figure(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_pictures_use_no_global_figures_and_the_grid_no_plotting() -> None:
    code = (
        "import sys, archive, population.formatting; assert 'pandas' not in sys.modules;"
        "import views; assert 'matplotlib' not in sys.modules; views.draw_heatmap;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
