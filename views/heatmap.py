"""Pictures of a run: functions from data to a matplotlib Figure. They need no display."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from archive.axis import Axis
from archive.grid import Archive
from population.formatting import dark_text, fitter_end, formatter, limits, noise_words, ticks
from population.individual import Direction, Individual
from views.canvas import (
    ACCENT,
    PALE,
    Look,
    new_figure,
    save,
    say_nothing_yet,
    subtitle,
)
from views.progress import progress

__all__ = ["heatmap", "progress", "save"]

DENSE = 8  # an axis of more cells gets smaller text


def heatmap(
    archive: Archive,
    *,
    metric: str,
    title: str,
    reference: float | None = None,
    noise: float = 0.0,
) -> Figure:
    """The archive's grid; a cell's colour is its elite's objective, brighter is fitter.

    Every filled cell shows its elite's objective and id; the best has a frame and a star, a seed
    says so, an empty cell is hatched.

    Args:
        archive: its first axis goes to the right, its second up.
        metric: the objective's name.
        title: the heading.
        reference: of the QD score, which then stands below the title.
        noise: standard deviation of one run, which stands there, too; 0 if unknown.
    """
    columns, rows = (axis.cells for axis in archive.axes)
    size = 2.8 + 1.0 * float(np.clip(columns, 6.5, 12)), 2.0 + 0.8 * float(np.clip(rows, 4, 12))
    figure, axes = new_figure(title, size)
    _draw_grid(axes, archive.axes)
    best = archive.best
    if best is None or best.objective is None:
        say_nothing_yet(axes)
        return figure

    _draw_elites(figure, axes, archive, metric)
    write = formatter(limits(_objectives(archive), best.direction))
    words = [
        f"{len(archive)} of {archive.cells} cells filled",
        f"best {metric} {write(best.objective)} (#{best.id})",
    ]
    if reference is not None:
        words.append(f"QD score {archive.qd_score(reference):.4g} over {write(reference)}")
    subtitle(axes, [*words, *filter(None, [noise_words(noise)])])
    return figure


def _draw_grid(axes: Axes, grid: tuple[Axis, Axis]) -> None:
    first, second = grid
    axes.set(xlim=(0, first.cells), ylim=(0, second.cells))
    small: Look = {"labelsize": 8.5 if max(first.cells, second.cells) > DENSE else 9}
    axes.set_xticks(range(first.cells + 1), ticks(first.edges().tolist()))
    axes.set_yticks(range(second.cells + 1), ticks(second.edges().tolist()))
    axes.tick_params(axis="both", **small)
    for name, axis in ((axes.set_xlabel, first), (axes.set_ylabel, second)):
        name(axis.title, labelpad=8)
    axes.spines[:].set_visible(False)
    axes.add_patch(
        Rectangle(
            *((0, 0), first.cells, second.cells),
            facecolor=PALE,
            edgecolor="#dedede",
            hatch="///",
            linewidth=0,
        )
    )
    borders: Look = {"color": "white", "linewidth": 2, "zorder": 2}
    axes.vlines(range(first.cells + 1), 0, second.cells, **borders)
    axes.hlines(range(second.cells + 1), 0, first.cells, **borders)


def _draw_elites(figure: Figure, axes: Axes, archive: Archive, metric: str) -> None:
    objectives = _objectives(archive)
    direction = archive.elites[0].direction
    minimize = direction is Direction.MINIMIZE
    low, high = limits(objectives, direction)
    clipped = min(objectives) < low or max(objectives) > high
    norm = Normalize(low, high, clip=True)
    colours = matplotlib.colormaps["viridis_r" if minimize else "viridis"]
    write = formatter((low, high))
    dense = max(axis.cells for axis in archive.axes) > DENSE

    best = archive.best
    for elite, objective in zip(archive, objectives, strict=True):
        column, row = archive.cell_of(elite)
        fill = colours(norm(objective))
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, linewidth=0, zorder=1))
        colour = "black" if dark_text(*fill[:3]) else "white"
        where: Look = {"color": colour, "ha": "center", "va": "center", "zorder": 4}
        value = f"★ {write(objective)}" if elite is best else write(objective)
        weight = "bold" if elite is best else "normal"
        axes.text(
            column + 0.5, row + 0.58, value, size=8.5 if dense else 10.5, weight=weight, **where
        )
        axes.text(column + 0.5, row + 0.25, _name(elite), size=6.5 if dense else 7.5, **where)
        if elite is best:
            inset = 0.04
            axes.add_patch(
                Rectangle(
                    *((column + inset, row + inset), 1 - 2 * inset, 1 - 2 * inset),
                    fill=False,
                    edgecolor=ACCENT,
                    linewidth=2.5,
                    joinstyle="miter",
                    zorder=3,
                )
            )

    extend = "neither" if not clipped else "max" if minimize else "min"
    scale = ScalarMappable(norm, colours)
    bar = figure.colorbar(scale, ax=axes, extend=extend, fraction=0.045, pad=0.03)
    bar.outline.set_visible(False)
    bar.set_label(f"{metric}  ({fitter_end(direction)} is fitter)", labelpad=8)
    if minimize:
        bar.ax.invert_yaxis()  # the fitter end is always on top


def _objectives(archive: Archive) -> list[float]:
    return [elite.objective for elite in archive if elite.objective is not None]


def _name(elite: Individual) -> str:
    return f"#{elite.id}" if elite.parents else f"#{elite.id} seed"
