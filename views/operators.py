"""What each operator did: the gains of its children, and what came of its proposals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from population import Direction
from population.formatting import format_dollars
from views.canvas import (
    ACCENT,
    GREY,
    INK,
    Look,
    add_subtitle,
    join_heading,
    lighten_axes,
    say_nothing_yet,
    write_heading,
    write_plainly,
)
from views.scales import find_limits
from views.tallies import ArmTally

ROW, FRAME = 0.5, 2.3  # inches of a row, and of everything beside the rows
NAME = 34  # characters of an operator's or a model's name
BELOW = 0.55  # inches from the plot down to its legend
# What came of proposals, with colours and hatches that differ in grey, too.
OUTCOMES = (
    ("became an elite", "#0b5d3b", ""),
    ("scored", "#7fc4a4", ""),
    ("failed", "#e69f00", "xxx"),
    ("refused or still to come", "#d9d9d9", "..."),
)


def draw_operators(
    arms: Sequence[ArmTally], *, metric: str, title: str, deviation: float = 0.0
) -> Figure:
    """Draw, for each pair of operator and model, what its children gained and what came of all.

    On the left each scored child is a dot at its gain over its fitter parent, with the median as a
    bar; on the right are the proposals, by what came of them, and what they cost.

    Args:
        arms: What each pair did, in the order of the rows.
        metric: Name of the fitness, in whose unit the gains are.
        title: Name of the run, which begins the heading.
        deviation: Standard deviation of one run, in the metric's unit, which is a band around no
            gain; 0 if unknown.
    """
    figure = Figure(figsize=(12, FRAME + ROW * max(len(arms), 3)), layout="constrained")
    gains, counts = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    write_heading(gains, join_heading(title, "what each operator's children gained"), 1)
    gains.set_xlabel(f"gain over the fitter parent ({metric}; right of 0 is fitter)", labelpad=6)
    counts.set_xlabel("proposals (number)", labelpad=6)
    counts.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (gains, counts):
        lighten_axes(axes, "x")
        axes.tick_params(axis="y", length=0)
    if not arms:
        say_nothing_yet(gains, "nothing has been proposed yet")
        gains.set_yticks([])
        return figure
    rows = range(len(arms))
    gains.set_ylim(len(arms) - 0.5, -0.5)
    gains.set_yticks(rows, [_name(arm) for arm in arms])
    add_subtitle(gains, ["each dot is a child that scored, a bar the median of a row"])
    _draw_gains(figure, gains, arms, deviation)
    _draw_counts(figure, counts, arms)
    return figure


def _name(arm: ArmTally) -> str:
    operator = write_plainly(arm.operator, NAME)
    return f"{operator}\n{write_plainly(arm.model, NAME)}" if arm.model else operator


def _draw_gains(figure: Figure, axes: Axes, arms: Sequence[ArmTally], deviation: float) -> None:
    known = np.array([gain for arm in arms for gain in arm.gains])
    if not known.size:
        say_nothing_yet(axes, "no child has scored yet")
        return
    low, high = find_limits(known.tolist(), Direction.MAXIMIZE)
    margin = 0.05 * (high - low) or abs(high) / 10 or 1.0
    axes.set_xlim(min(low, 0.0) - margin, max(high, 0.0) + margin)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    handles: list[Artist] = [Line2D([], [], color=ACCENT, linewidth=2.5, label="median")]
    if deviation:
        band: Look = {"color": INK, "alpha": 0.08, "linewidth": 0}
        axes.axvspan(-deviation, deviation, zorder=0, **band)
        handles.append(Patch(label="± 1 deviation of one run", **band))
    off = 0
    for row, arm in enumerate(arms):
        values = np.array(arm.gains)
        inside = values >= axes.get_xlim()[0]
        off += int((~inside).sum())
        spread = row + 0.26 * np.sin(np.arange(len(values)) * 2.4)  # so that dots lie apart
        look: Look = {"s": 20, "color": INK, "alpha": 0.45, "linewidth": 0, "zorder": 3}
        axes.scatter(values[inside], spread[inside], **look)
        edge = np.full(int((~inside).sum()), axes.get_xlim()[0] + 0.3 * margin)
        axes.scatter(edge, spread[~inside], **{**look, "marker": "<"})
        if arm.median_gain is not None and arm.median_gain >= axes.get_xlim()[0]:
            axes.vlines(arm.median_gain, row - 0.34, row + 0.34, color=ACCENT, linewidth=2.5)
    if off:
        look = {"linestyle": "none", "marker": "<", "color": GREY, "markersize": 5}
        handles.append(Line2D([], [], label=f"{off} of these, off the scale", **look))
    _add_legend(figure, axes, handles)


def _draw_counts(figure: Figure, axes: Axes, arms: Sequence[ArmTally]) -> None:
    most = max(sum(_count_outcomes(arm)) for arm in arms)
    axes.set_xlim(0, max(most, 1) * 1.3)  # with room for the cost
    rows = np.arange(len(arms))
    start = np.zeros(len(arms))
    counts = np.array([_count_outcomes(arm) for arm in arms])
    handles: list[Artist] = []
    for (label, fill, hatch), column in zip(OUTCOMES, counts.T, strict=True):
        look: Look = {"facecolor": fill, "hatch": hatch, "edgecolor": "white", "linewidth": 0.6}
        axes.barh(rows, column, left=start, height=0.62, zorder=2, **look)
        handles.append(Patch(label=f"{label} ({column.sum()})", **look))
        start += column
    for row, arm in enumerate(arms):
        cost = f"  {format_dollars(arm.spend.cost)}" if arm.spend.calls else ""
        axes.text(start[row], row, f"  {start[row]:.0f}{cost}", va="center", size=8.5, color=GREY)
    _add_legend(figure, axes, handles)


def _count_outcomes(arm: ArmTally) -> tuple[int, int, int, int]:
    """The numbers of proposals by what came of them, as `OUTCOMES` lists it."""
    scored = max(arm.children - arm.failed - arm.kept, 0)
    return arm.kept, scored, arm.failed, max(arm.proposals - arm.children, 0)


def _add_legend(figure: Figure, axes: Axes, handles: Sequence[Artist]) -> None:
    below = ScaledTranslation(0, -BELOW, figure.dpi_scale_trans)
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + below,
        ncols=2,
        frameon=False,
        fontsize=8.5,
    )
