"""The progress chart: every experiment of a run in order, and the best so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from archive.comparison import FreshComparison, describe_confirmation
from population import Direction, Noise
from population.comparison import half_width
from views.canvas import (
    ACCENT,
    GREY,
    INK,
    Look,
    add_subtitle,
    join_heading,
    lighten_axes,
    new_figure,
    say_nothing_yet,
    write_plainly,
)
from views.chart import Chart, Group, Scale, group_runs

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION, NAME = 60, 30  # characters of the best genome's idea, and of an operator's name


def draw_progress(
    frame: pd.DataFrame,
    *,
    metric: str,
    direction: Direction,
    title: str,
    noise: Noise | None = None,
    comparison: FreshComparison | None = None,
) -> Figure:
    """Draw every experiment of a run in order, and the best so far.

    The best so far is the fittest genome by what its runs until then say, so it steps back when a
    repeat shows a lucky one. Fresh runs of the finalists (purpose "final") do not count for it;
    those of the run's last end are compared, with the 95 % intervals of their means.

    Args:
        frame: One row an experiment, with the columns `experiment` (1, 2, ...), `individual` (id),
            `purpose` ("search", "repeat", "final", or "ablation", which is not drawn), `operator`
            ("seed" for the seeds), `fitness` (NaN if it failed), `objective` (the best guess of the
            genome's fitness after it), `kept` (whether it became an elite; greedy: the incumbent)
            and `description`; see `archive.read_frame`. A frame without rows needs no columns.
        metric: Name of the fitness.
        direction: Direction of the metric.
        title: Name of the run, which begins the heading.
        noise: What is known of the noise of a run; its deviation is a band around the best so far.
        comparison: The run's latest fresh comparison, which leads; None before the first.
    """
    heading = join_heading(title, f"the {metric} of every experiment, and the best so far")
    figure, axes = new_figure(heading, (11.5, 5.8), lines=3)
    lighten_axes(axes)
    axes.set_xlabel("experiment (number, in the order of their ends)", labelpad=6)
    axes.set_ylabel(f"{metric}  ({direction.fitter_end} is fitter)", labelpad=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    chart = Chart.of(frame, direction)
    axes.set_xlim(0, max(chart.last, 10) + 3 * chart.step)
    axes.set_ylim(*sorted((chart.scale.fitter_end, chart.scale.worse_end)))
    if chart.scored.empty:
        say_nothing_yet(axes)
        axes.set_yticks([])
    if len(frame):
        best = None if chart.line.empty else int(chart.line["individual"].iloc[-1])
        trusted = describe_confirmation(comparison, metric, best)
        add_subtitle(axes, [trusted], *_summary(chart, metric))
    handles = [
        *_draw_best(axes, chart, noise.deviation if noise else 0.0),
        *_draw_scored(axes, chart),
        *_draw_means(axes, chart),
        *_draw_failed(axes, chart),
    ]
    if handles:
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.005, 1.0),
            borderaxespad=0.0,
            frameon=False,
            fontsize=8.5,
            labelspacing=0.6,
        )
    return figure


def _draw_best(axes: Axes, chart: Chart, noise: float) -> Iterator[Artist]:
    """Draw the best so far as a line, and mark the genome that is the best at the end."""
    line, scale = chart.line, chart.scale
    if line.empty:
        return
    steps = np.append(line["experiment"].to_numpy(float), chart.last + 0.5)
    values = np.append(line["objective"].to_numpy(float), line["objective"].iloc[-1])
    axes.step(steps, values, where="post", color=INK, linewidth=1.5, zorder=3)
    yield Line2D([], [], color=INK, label="best so far")
    if noise > 0:
        band: Look = {"color": INK, "alpha": 0.09, "linewidth": 0}
        axes.fill_between(steps, values - noise, values + noise, step="post", zorder=1, **band)
        yield Patch(label="± 1 deviation of one run", **band)

    best, value = int(line["individual"].iloc[-1]), float(line["objective"].iloc[-1])
    born = chart.scored[chart.scored["individual"] == best].iloc[0]
    x, y = float(born["experiment"]), float(born["fitness"])
    inside = max(y, scale.worse) if scale.sign < 0 else min(y, scale.worse)
    axes.plot([x], [inside], marker="*", markersize=15, color=ACCENT, mec="white", zorder=6)
    description = write_plainly(str(born["description"]), DESCRIPTION)
    _annotate_best(axes, scale, (x, inside), f"#{best}  {scale.write(value)}  {description}")
    yield _handle("*", ACCENT, "best genome", size=11)


def _annotate_best(axes: Axes, scale: Scale, place: tuple[float, float], text: str) -> None:
    """Write beside the fitter end what the best genome is, with a line to its mark."""
    share = place[0] / axes.get_xlim()[1]
    side = "left" if share < 0.35 else "center" if share < 0.65 else "right"
    tail = {"left": 0.0, "center": 0.5, "right": 1.0}[side], 0.5 + 0.5 * scale.sign
    axes.annotate(
        text.rstrip(),
        xy=place,
        xytext=(share, 0.045 if scale.sign > 0 else 0.955),
        textcoords="axes fraction",
        ha=side,
        va="center",
        size=9.5,
        color=ACCENT,
        weight="bold",
        arrowprops={
            "arrowstyle": "-",
            "color": ACCENT,
            "linewidth": 0.8,
            "shrinkB": 6,
            "relpos": tail,
        },
        zorder=7,
    )


def _draw_scored(axes: Axes, chart: Chart) -> Iterator[Artist]:
    """Draw the experiments that scored; the legend counts each of them once."""
    scale, beyond, operators = chart.scale, 0, False
    triangle = "^" if scale.sign > 0 else "v"
    for group in group_runs(chart):
        if group.runs.empty:
            continue
        off = (group.runs["fitness"] - scale.worse) * scale.sign > 0
        _scatter(axes, group, group.runs[~off])
        marker: Look = {"marker": "^" if scale.sign > 0 else "v", "s": 22, "color": group.fill}
        height = np.full(int(off.sum()), scale.off_scale)
        axes.scatter(
            group.runs.loc[off, "experiment"], height, edgecolor=group.edge or None, **marker
        )
        beyond, operators = beyond + int(off.sum()), operators or not group.edge
        size = 5 if group.edge else 6
        label = f"{write_plainly(group.label, NAME)} ({len(group.runs)})"
        yield _handle(group.marker, group.fill, label, edge=group.edge or "none", size=size)
    if operators:
        yield _handle("o", "#c9c9c9", "kept", edge=INK, size=7)
        yield _handle("o", "#c9c9c9", "discarded", size=4.5)
    if beyond:
        yield _handle(triangle, GREY, f"{beyond} of these, off the scale", size=5)


def _scatter(axes: Axes, group: Group, runs: pd.DataFrame) -> None:
    if group.edge:
        look: Look = {"s": 22, "facecolor": group.fill, "edgecolor": group.edge, "linewidth": 1.1}
        axes.scatter(runs["experiment"], runs["fitness"], marker=group.marker, zorder=5, **look)
        return
    for kept, look in (
        (False, {"s": 18, "alpha": 0.5, "linewidth": 0, "zorder": 2}),
        (True, {"s": 46, "edgecolor": INK, "linewidth": 0.9, "zorder": 4}),
    ):
        some = runs[runs["kept"] == kept]
        axes.scatter(
            some["experiment"], some["fitness"], marker=group.marker, color=group.fill, **look
        )


def _draw_means(axes: Axes, chart: Chart) -> Iterator[Artist]:
    """Draw the means of the finalists' fresh runs with their intervals, right of all runs."""
    for number, (_, seed, values) in enumerate(chart.finalists, 1):
        half = half_width(values)
        if half is None:
            continue
        look: Look = {"color": INK if seed else ACCENT, "capsize": 3, "linewidth": 1.4}
        x = chart.last + number * chart.step
        axes.errorbar([x], [statistics.fmean(values)], yerr=[half], marker="_", zorder=5, **look)
        if number == 1:
            label = "mean of fresh runs, 95 % interval"
            yield Line2D([], [], color=INK, marker="|", linestyle="none", markersize=9, label=label)


def _draw_failed(axes: Axes, chart: Chart) -> Iterator[Artist]:
    """Draw the experiments that failed, at the worse end."""
    failed = chart.frame[chart.frame["fitness"].isna()]
    if failed.empty:
        return
    height = np.full(len(failed), chart.scale.failed)
    axes.scatter(failed["experiment"], height, marker="x", s=22, color=GREY, linewidth=1.1)
    yield _handle("x", GREY, f"failed ({len(failed)})", edge=GREY, size=5)


def _handle(marker: str, face: str, label: str, *, edge: str = "none", size: float = 6) -> Line2D:
    """An entry of the legend."""
    look: Look = {"markerfacecolor": face, "markeredgecolor": edge, "markersize": size}
    return Line2D([], [], linestyle="none", marker=marker, label=label, **look)


def _summary(chart: Chart, metric: str) -> Iterator[Sequence[str]]:
    """The counts in one line, and what was achieved in another."""
    frame, write = chart.frame, chart.scale.write
    children = frame[(frame["purpose"] == "search") & (frame["operator"] != "seed")]
    yield (
        f"{len(frame)} experiment{'s' if len(frame) != 1 else ''}",
        f"{int(children['kept'].sum())} kept",
        f"{int(frame['fitness'].isna().sum())} failed",
    )
    if chart.line.empty:
        return
    best = float(chart.line["objective"].iloc[-1])
    results = [f"best {metric} {write(best)}"]
    seeds = chart.scored[
        (chart.scored["operator"] == "seed") & (chart.scored["purpose"] != "final")
    ]
    if len(seeds) and chart.line["individual"].iloc[-1] not in set(seeds["individual"]):
        first = seeds[seeds["individual"] == seeds["individual"].min()]
        gain = chart.direction.gain(best, float(first["fitness"].mean()))
        results[0] += f", {write(abs(gain))} {_better(gain)} than the seed"
    yield results


def _better(gain: float) -> str:
    return "better" if gain >= 0 else "worse"
