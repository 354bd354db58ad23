"""The progress chart, read back through matplotlib's own objects."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from archive.comparison import FreshComparison
from population import Direction, Noise
from population.estimate import Deviation
from views import draw_progress
from views.chart import trace_best

MINIMIZE, MAXIMIZE = Direction.MINIMIZE, Direction.MAXIMIZE
NOISE = Noise({99: Deviation(2e-4, 2.0)})  # a deviation of 0.01, by three runs of a genome


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


def test_operators_differ_in_grey_too() -> None:
    many = rows(*((n, "search", f"operator {n}", 2.0 - n / 100, True) for n in range(9)))
    figure = draw_progress(many, metric="val_bpb", direction=MINIMIZE, title="")
    legend = figure.axes[0].get_legend()
    assert legend is not None
    marks = [
        handle.get_marker()
        for handle in legend.get_lines()
        if str(handle.get_label()).startswith("operator")
    ]
    assert len(set(marks)) == 9


def test_more_operators_than_colours_and_a_long_description() -> None:
    many = rows(*((n, "search", f"operator {n}", 2.0 - n / 100, True) for n in range(12)))
    many["description"] = "a very long idea " * 20 + "\nover two lines"
    figure = drawn(draw_progress(many, metric="val_bpb", direction=MINIMIZE, title=""))
    assert "operator 11 (1)" in texts(figure)
    assert max(len(text) for text in texts(figure)) < 100
