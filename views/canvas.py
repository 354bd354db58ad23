"""What every picture of a run shares: its sheet, heading and colours, and how it is saved."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from population.formatting import NOTHING_YET

INK, GREY, PALE, ACCENT = "#1a1a1a", "#6b6b6b", "#f1f1f1", "#d62728"

Look = dict[str, Any]
"""Keyword arguments of matplotlib that several calls share."""


def new_figure(title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", size=13, weight="bold", color=INK, pad=26)
    axes.tick_params(length=3, color=GREY)
    return figure, axes


def subtitle(axes: Axes, words: Sequence[str]) -> None:
    above: Look = {"xytext": (0, 10), "textcoords": "offset points"}
    axes.annotate("  ·  ".join(words), (0, 1), xycoords="axes fraction", color=GREY, **above)


def say_nothing_yet(axes: Axes) -> None:
    box: Look = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.6"}
    middle: Look = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, NOTHING_YET, size=13, color=GREY, bbox=box, zorder=5, **middle)


def save(figure: Figure, path: Path) -> None:
    """Writes the figure (PNG, SVG or PDF, by the path's ending), creating its folder if need be.

    The file appears whole or not at all, so that a viewer never sees half a picture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        figure.savefig(draft, dpi=150)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
