"""Learning curves: the training loss of some genomes over their training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from population import CurvePoint, Direction
from views.canvas import (
    ACCENT,
    COLOURS,
    DASHES,
    INK,
    Look,
    add_subtitle,
    join_heading,
    lighten_axes,
    new_figure,
    say_nothing_yet,
    write_plainly,
)
from views.scales import find_limits

LABEL = 60  # characters of a curve's name
OTHERS = "#c3c8ce"  # colour of the curves without a name
START = 0.1  # share of a curve whose high losses may lie above the picture


@dataclass(frozen=True)
class NamedCurve:
    """A curve that stands out.

    Attributes:
        label: Name of the genome.
        points: Points of the curve.
        best: Whether it is the best genome's.
    """

    label: str
    points: Sequence[CurvePoint]
    best: bool = False


def draw_curves(
    named: Sequence[NamedCurve], others: Sequence[Sequence[CurvePoint]], *, title: str
) -> Figure:
    """Draw learning curves: some with names, and others behind them in a pale colour.

    Args:
        named: Curves that stand out; without points they are left out.
        others: Points of the other curves.
        title: Name of the run, which begins the heading.
    """
    heading = join_heading(title, "how the loss fell in training")
    figure, axes = new_figure(heading, (10.5, 5.4), lines=1)
    lighten_axes(axes)
    axes.set_ylabel("training loss (as the genome printed it)", labelpad=8)
    named = [curve for curve in named if curve.points]
    others = [points for points in others if points]
    every = [*(curve.points for curve in named), *others]
    across, place = _choose_axis(every)
    axes.set_xlabel(across, labelpad=6)
    add_subtitle(axes, ["nobody has checked these numbers, and nothing is decided by them"])
    if not every:
        say_nothing_yet(axes, "no genome has printed a learning curve")
        axes.set_yticks([])
        return figure
    drawn = [[(place(n, point), point.loss) for n, point in enumerate(curve)] for curve in others]
    axes.add_collection(LineCollection(drawn, colors=OTHERS, linewidths=0.7, zorder=2))
    handles = [Line2D([], [], color=OTHERS, label=f"other genomes ({len(others)})")]
    for number, curve in enumerate(named):
        look: Look = {
            "color": ACCENT if curve.best else INK if number == 0 else COLOURS[number],
            "linestyle": "-" if curve.best else DASHES[1 + number % (len(DASHES) - 1)],
            "linewidth": 2.2 if curve.best else 1.6,
        }
        xs = [place(n, point) for n, point in enumerate(curve.points)]
        label = write_plainly(curve.label, LABEL)
        axes.plot(xs, [point.loss for point in curve.points], label=label, zorder=4, **look)
        handles.insert(number, axes.lines[-1])
    _limit(figure, every)
    axes.legend(handles=handles if others else handles[:-1], frameon=False, loc="upper right")
    return figure


def _choose_axis(
    curves: Sequence[Sequence[CurvePoint]],
) -> tuple[str, Callable[[int, CurvePoint], float]]:
    """What goes to the right: the time if all curves have it, else steps, else lines."""
    points = [point for curve in curves for point in curve]
    if all(point.seconds is not None for point in points):
        return "training time (seconds)", lambda _, point: point.seconds or 0.0
    if all(point.step is not None for point in points):
        return "training step (number)", lambda _, point: point.step or 0
    return "progress line (number)", lambda number, _: number


def _limit(figure: Figure, curves: Sequence[Sequence[CurvePoint]]) -> None:
    """Show all of the curves but the high losses of their beginnings, and outliers."""
    (axes,) = figure.axes
    axes.autoscale_view()
    rest = [point.loss for curve in curves for point in curve[int(START * len(curve)) :]]
    low, high = find_limits(rest, Direction.MINIMIZE)
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.set_xlim(left=0)
