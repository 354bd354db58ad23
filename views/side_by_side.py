"""Several runs side by side: the best so far of each group of runs as a curve with a band."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from population import Direction
from population.comparison import half_width
from views.canvas import (
    COLOURS,
    DASHES,
    GREY,
    Look,
    add_subtitle,
    join_heading,
    lighten_axes,
    new_figure,
    write_plainly,
)
from views.scales import find_limits

LABEL = 60  # characters of a group's name in the legend


@dataclass(frozen=True)
class RunCurve:
    """The course of one run.

    Attributes:
        name: Name of the run.
        experiments: Numbers of the experiments at which the best changed its value, ascending.
        objectives: Best so far from each of them on, in the metric's unit.
        last: Number of the last experiment of the search.
        result: Value that the run is judged by: the mean of its best in fresh runs where there are
            any, else the search's best guess.
        fresh: Fitnesses of its best in fresh runs; empty if there are none.
    """

    name: str
    experiments: Sequence[int]
    objectives: Sequence[float]
    last: int
    result: float
    fresh: Sequence[float] = ()

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """The best so far at some experiments; NaN before the first."""
        index = np.searchsorted(np.asarray(self.experiments), places, side="right") - 1
        values = np.asarray(self.objectives, dtype=float)[np.maximum(index, 0)]
        return np.where(index < 0, np.nan, values)


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in nothing but their seeds.

    Attributes:
        label: Name of the group: what sets it apart from the others.
        runs: Its runs, at least one.
    """

    label: str
    runs: Sequence[RunCurve]

    @property
    def results(self) -> list[float]:
        """The results of its runs, in the metric's unit."""
        return [run.result for run in self.runs]

    @property
    def mean(self) -> float:
        """The mean result."""
        return statistics.fmean(self.results)


def draw_groups(
    groups: Sequence[RunGroup],
    *,
    metric: str,
    direction: Direction,
    title: str,
    noise: float = 0.0,
) -> Figure:
    """Draw the best so far of each group over the experiments.

    A group of several runs is the mean of its runs with a band from the worst of them to the best;
    a single run has a band of one deviation of a run's noise. A curve ends where the shortest run
    of its group does.

    Args:
        groups: Groups to draw, at least one.
        metric: Name of the metric.
        direction: Direction of the metric.
        title: Name of what is compared, which begins the heading.
        noise: Standard deviation of one run, in the metric's unit; 0 if unknown.
    """
    heading = join_heading(title, f"the best {metric} so far, as the search goes on")
    figure, axes = new_figure(heading, (10.5, 5.4), lines=1)
    lighten_axes(axes)
    axes.set_xlabel("experiment (number)", labelpad=6)
    axes.set_ylabel(f"best {metric} so far  ({direction.fitter_end} is fitter)", labelpad=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown: list[float] = []
    for number, group in enumerate(groups):
        places = np.arange(1, min(run.last for run in group.runs) + 1)
        curves = np.array([run.at(places) for run in group.runs])
        places, curves = places[~np.isnan(curves).any(axis=0)], curves[:, ~np.isnan(curves).any(0)]
        if not len(places):
            continue
        mean, low, high = curves.mean(axis=0), curves.min(axis=0), curves.max(axis=0)
        if len(group.runs) == 1:
            low, high = mean - noise, mean + noise
        colour = COLOURS[number % len(COLOURS)]
        several = f" ({len(group.runs)} runs)" if len(group.runs) > 1 else ""
        look: Look = {
            "color": colour,
            "linestyle": DASHES[number % len(DASHES)],
        }
        label = write_plainly(group.label, LABEL) + several
        axes.step(places, mean, where="post", label=label, linewidth=1.8, **look)
        axes.fill_between(places, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
        shown += [*mean, *low, *high]
    if shown:
        low_end, high_end = find_limits(shown, direction)
        margin = 0.05 * (high_end - low_end)
        axes.set_ylim(low_end - margin, high_end + margin)
        axes.legend(frameon=False, loc="best")
    bands = ["band: from the worst run of a group to its best"]
    if noise and any(len(group.runs) == 1 for group in groups):
        bands.append(f"of a single run: ± {noise:.2g}, its noise")
    add_subtitle(axes, bands)
    axes.tick_params(colors=GREY)
    return figure


def describe_result(group: RunGroup, write: Callable[[float], str]) -> str:
    """A group's mean result, with the half width of its 95 % interval if it has several runs.

    Args:
        group: The group.
        write: Function that formats a fitness.
    """
    half = half_width(group.results)
    return write(group.mean) + ("" if half is None else f" ± {half:.2g}")
