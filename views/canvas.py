"""What every picture of a run shares: its sheet, heading and colours, and how it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archive.files import replace_file
from views.projection import NOTHING_YET

INK, GREY, PALE, ACCENT = "#1a1a1a", "#6b6b6b", "#f1f1f1", "#d62728"
FORMATS = (".png", ".svg", ".pdf")

Look = dict[str, Any]
"""Keyword arguments of matplotlib that several calls share."""


def new_figure(title: str, size: tuple[float, float], lines: int = 1) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes.

    Args:
        title: Heading of the figure.
        size: Width and height, in inches.
        lines: Number of lines that `add_subtitle` will write below the title.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", size=13, weight="bold", color=INK, pad=10 + 16 * lines)
    axes.tick_params(length=3, color=GREY)
    return figure, axes


def add_subtitle(axes: Axes, *lines: Sequence[str]) -> None:
    """Write lines between the title and the plot, each of several phrases."""
    text = "\n".join("  ·  ".join(phrases) for phrases in lines)
    above: Look = {"xytext": (0, 10), "textcoords": "offset points", "linespacing": 1.35}
    axes.annotate(text, (0, 1), xycoords="axes fraction", color=GREY, **above)


def say_nothing_yet(axes: Axes) -> None:
    """Write across the plot that there is nothing to show yet."""
    box: Look = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.6"}
    middle: Look = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, NOTHING_YET, size=13, color=GREY, bbox=box, zorder=5, **middle)


def check_format(path: Path) -> None:
    """Check that a picture's name ends in a format that can be written.

    Raises:
        ValueError: It ends otherwise; the message names the endings.
    """
    if path.suffix.lower() not in FORMATS:
        wanted = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise ValueError(f"a picture's name ends in {wanted}, not as {path.name} does")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all, so that a viewer never sees half a picture.

    Args:
        figure: Figure to write.
        path: Path of the file, which ends in .png, .svg or .pdf; its folder is made if need be.

    Raises:
        ValueError: The path has another ending.
        OSError: The file cannot be written; the message says why, and the old file stays.
    """
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as draft:
        figure.savefig(draft, dpi=150)
