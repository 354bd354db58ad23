"""The archive as a matplotlib figure. It needs no display."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archive import Archive
from archive.axis import Bounds
from archive.comparison import FreshComparison, describe_confirmation
from population import Direction, Noise
from population.formatting import choose_format, describe_noise
from views.canvas import (
    ACCENT,
    PALE,
    Look,
    add_subtitle,
    join_heading,
    new_figure,
    say_nothing_yet,
)
from views.projection import Projection, project
from views.scales import find_limits, is_bright, label_ticks

Corner = tuple[int, int]
"""The lower left corner of a cell: its column and its row."""

DENSE = 8  # cells on an axis above which text is smaller
SIZES = (10.5, 7.5), (8.5, 6.5)  # of the objective and the id, in points; then the smaller ones
CROWDED = 24  # cells on an axis above which there is no room for text
TURNED = 14  # cells of a strip above which its text is turned upright
MOST_TICKS = 16  # on an axis
LARGE, SMALL = 12, 8  # inches of a grid with text in its cells and without, at most


def draw_heatmap(
    archive: Archive,
    *,
    metric: str,
    title: str,
    reference: float | None = None,
    noise: Noise | None = None,
    comparison: FreshComparison | None = None,
    axes: Sequence[str] = (),
    targets: Sequence[Bounds] = (),
) -> Figure:
    """Draw the archive's grid: a cell's colour is its elite's objective, brighter is fitter.

    Every filled cell shows its elite's objective and id. The best has a frame and a star, the cell
    that a seed falls into a small square, one whose elite lies beyond an edge of the axes a », and
    an empty cell is hatched, with a ring if proposals aimed at it in vain. An archive of one axis
    is a strip of cells.

    Args:
        archive: Archive to draw.
        metric: Name of the objective.
        title: Name of the run, which begins the heading.
        reference: Fitness against which the QD score below the title counts; None leaves it out.
        noise: What is known of the noise of a run, which stands below the title, too.
        comparison: The run's latest fresh comparison, which leads; None before the first.
        axes: Names of the axes to show, the one across first; empty takes the first two.
        targets: Bounds of the cells that proposals aimed at.

    Raises:
        ValueError: These axes cannot be shown.
    """
    flat = project(archive, axes, targets)
    columns, rows = flat.across.cells, flat.up.cells if flat.up else 1
    most = LARGE if max(columns, rows) <= CROWDED or not flat.up else SMALL
    height = 2.0 + 0.8 * float(np.clip(rows, 4, most)) if flat.up else 3.0
    size = 2.8 + 1.0 * float(np.clip(columns, 6.5, most)), height
    places = " and ".join(axis.label for axis in flat.shown.axes)
    heading = join_heading(title, f"the best {metric} found for each {places}")
    figure, canvas = new_figure(heading, size, lines=3)
    _draw_grid(canvas, flat)
    best = archive.best
    if best is None or best.objective is None:
        say_nothing_yet(canvas)
        return figure

    _draw_elites(figure, canvas, flat, metric)
    write = choose_format(find_limits(_objectives(archive), best.direction))
    margin = f" ± {best.margin(noise):.2g}" if noise and noise.deviation else ""
    results = [f"best {metric} {write(best.objective)}{margin} (#{best.id})"]
    if reference is not None:
        results.append(f"QD score {archive.qd_score(reference):.4g} over {write(reference)}")
    counts = [flat.counts, describe_noise(noise.deviation) if noise else ""]
    counts += ["□ the seed's cell"] if flat.seeds else []
    counts += ["» beyond an edge"] if flat.beyond else []
    counts += ["○ aimed at in vain"] if flat.aims else []
    trusted = describe_confirmation(comparison, metric, best.id)
    add_subtitle(canvas, [trusted], results, [*filter(None, counts)])
    return figure


def _draw_grid(axes: Axes, flat: Projection) -> None:
    """Draw the axes' ticks and labels, and the empty cells."""
    columns, rows = flat.across.cells, flat.up.cells if flat.up else 1
    axes.set(xlim=(0, columns), ylim=(0, rows))
    labels = label_ticks(flat.across.edges.tolist())
    every = -(-columns // MOST_TICKS)
    axes.set_xticks(
        range(0, columns + 1, every), labels[::every], rotation=90 if columns > TURNED else 0
    )
    axes.set_xlabel(flat.across.title, labelpad=8)
    if flat.up:
        every = -(-rows // MOST_TICKS)
        axes.set_yticks(range(0, rows + 1, every), label_ticks(flat.up.edges.tolist())[::every])
        axes.set_ylabel(flat.up.title, labelpad=8)
    else:
        axes.set_yticks([])
    small: Look = {"labelsize": 8.5 if max(columns, rows) > DENSE else 9}
    axes.tick_params(axis="both", **small)
    axes.spines[:].set_visible(False)
    empty: Look = {"facecolor": PALE, "edgecolor": "#dedede", "hatch": "///", "linewidth": 0}
    axes.add_patch(Rectangle((0, 0), columns, rows, **empty))
    borders: Look = {"color": "white", "linewidth": 2, "zorder": 2}
    axes.vlines(range(columns + 1), 0, rows, **borders)
    axes.hlines(range(rows + 1), 0, columns, **borders)
    ring: Look = {"marker": "o", "markersize": 7, "fillstyle": "none", "color": "#707070"}
    for cell in flat.aims:
        column, row = cell if flat.up else (*cell, 0)
        axes.plot([column + 0.5], [row + 0.5], zorder=4, **ring)


def _draw_elites(figure: Figure, axes: Axes, flat: Projection, metric: str) -> None:
    """Draw the filled cells, and beside them the scale of their colours."""
    objectives = _objectives(flat.shown)
    direction = flat.shown.elites[0].direction
    minimize = direction is Direction.MINIMIZE
    low, high = find_limits(objectives, direction)
    norm = Normalize(low, high, clip=True)
    colours = matplotlib.colormaps["viridis_r" if minimize else "viridis"]
    write = choose_format((low, high))
    best, columns = flat.shown.best, flat.across.cells
    for elite, objective in zip(flat.shown, objectives, strict=True):
        cell = flat.shown.cell_of(elite)
        column, row = cell if flat.up else (*cell, 0)
        fill = colours(norm(objective))
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, linewidth=0, zorder=1))
        colour = "black" if is_bright(*fill[:3]) else "white"
        look: Look = {"color": colour, "ha": "center", "va": "center", "zorder": 4}
        value, name = write(objective), f"#{elite.id}" if elite.parents else f"#{elite.id} seed"
        if cell in flat.beyond:
            name += " »"
        if elite is best:
            _frame(axes, (column, row))
            value, look["weight"] = f"★ {value}", "bold"
        _write(axes, flat, (column, row), (value, name), look)
        if cell in flat.seeds:
            square: Look = {"marker": "s", "markersize": 5, "fillstyle": "none", "zorder": 4}
            left = 0.5 if columns > TURNED else 0.1
            axes.plot([column + left], [row + 0.87], color=colour, **square)

    clipped = min(objectives) < low or max(objectives) > high
    extend = "neither" if not clipped else "max" if minimize else "min"
    scale = ScalarMappable(norm, colours)
    bar = figure.colorbar(scale, ax=axes, extend=extend, fraction=0.045, pad=0.03)
    bar.outline.set_visible(False)
    bar.set_label(f"{metric}  ({direction.fitter_end} is fitter)", labelpad=8)
    if minimize:
        bar.ax.invert_yaxis()  # the fitter end is always on top


def _write(axes: Axes, flat: Projection, corner: Corner, lines: Sequence[str], look: Look) -> None:
    """Write into a cell, as large as there is room for; where there is none the colour must do."""
    column, row = corner
    most = max(flat.shown.dims)
    if flat.up is None and most > TURNED:
        size = 7.0 if most <= 2 * TURNED else 5.5
        axes.text(column + 0.5, row + 0.5, "  ".join(lines), size=size, rotation=90, **look)
    elif most <= CROWDED:
        for height, size, line in zip((0.58, 0.25), SIZES[most > DENSE], lines, strict=True):
            axes.text(column + 0.5, row + height, line, size=size, **look)


def _frame(axes: Axes, corner: Corner) -> None:
    """Draw a frame just within a cell."""
    (column, row), inset = corner, 0.04
    side = 1 - 2 * inset
    look: Look = {"edgecolor": ACCENT, "linewidth": 2.5, "joinstyle": "miter", "zorder": 3}
    axes.add_patch(Rectangle((column + inset, row + inset), side, side, fill=False, **look))


def _objectives(archive: Archive) -> list[float]:
    return [elite.objective for elite in archive if elite.objective is not None]
