"""What every picture of a run shares: its sheet, heading and colours, and how it is saved."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from archive.files import replace_file
from views.projection import NOTHING_YET
from views.unseen import cut, show_unseen

INK, GREY, PALE, ACCENT = "#1a1a1a", "#6b6b6b", "#f1f1f1", "#d62728"
LETTERS, EDGE = 8.6, 1.0  # letters of a heading to an inch, and inches left of it
PAGE_COLOURS = 256  # of a picture of dots within a page
FORMATS = (".png", ".svg", ".pdf")
# Those of Okabe and Ito, which colour-blind people tell apart, that show on white; then three more.
COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#7a5195", "#8c6d31", "#a8a800"),
)
DASHES = ("-", "--", "-.", ":")  # beside the colours, so that a print in grey can be read

Look = dict[str, Any]
"""Keyword arguments of matplotlib that several calls share."""


def new_figure(heading: str, size: tuple[float, float], lines: int = 1) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes.

    Args:
        heading: Heading of the figure.
        size: Width and height, in inches.
        lines: Number of lines that `add_subtitle` will write below the heading.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    write_heading(axes, heading, lines)
    axes.tick_params(length=3, color=GREY)
    return figure, axes


def write_heading(axes: Axes, heading: str, lines: int) -> None:
    """Write a heading above the axes and the lines that `add_subtitle` will write.

    A heading that is wider than the figure, as one with a long name of a run, takes two lines.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    width = figure.get_figwidth()
    heading = textwrap.fill(heading, int(LETTERS * (width - EDGE)))
    axes.set_title(heading, loc="left", size=13, weight="bold", color=INK, pad=10 + 16 * lines)


def join_heading(title: str, what: str) -> str:
    """A heading that says what a picture shows, after the name of the run; which may be empty."""
    return f"{title}: {what}" if title else what[:1].upper() + what[1:]


def lighten_axes(axes: Axes, grid: Literal["x", "y"] = "y") -> None:
    """Draw two edges of the axes alone, and pale lines across the plot."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.grid(axis=grid, color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)


def write_plainly(text: str, most: int) -> str:
    """A text of a model or a genome in one line, in which nothing is a formula or invisible.

    Args:
        text: Text that nobody has checked.
        most: Most characters of it that are written.
    """
    return show_unseen(cut(text, most)).replace("$", r"\$")


def add_subtitle(axes: Axes, *lines: Sequence[str]) -> None:
    """Write lines between the title and the plot, each of several phrases."""
    text = "\n".join("  ·  ".join(phrases) for phrases in lines)
    above: Look = {"xytext": (0, 10), "textcoords": "offset points", "linespacing": 1.35}
    axes.annotate(text, (0, 1), xycoords="axes fraction", color=GREY, **above)


def say_nothing_yet(axes: Axes, words: str = NOTHING_YET) -> None:
    """Write across the plot that there is nothing to show yet."""
    box: Look = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.6"}
    middle: Look = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, words, size=13, color=GREY, bbox=box, zorder=5, **middle)


def draw_nothing(title: str) -> Figure:
    """Draw a picture that says that there is nothing to show yet; `title` is its heading."""
    figure, axes = new_figure(title, (8.0, 4.5))
    axes.set_axis_off()
    say_nothing_yet(axes)
    return figure


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
    with replace_file(path) as draft, _leave_gaps():
        figure.savefig(draft, dpi=150)


def render_figure(figure: Figure, form: str) -> bytes:
    """Render a figure to be part of a page: "svg", or "png" in few colours, which is small."""
    with io.BytesIO() as file, _leave_gaps():
        figure.savefig(file, format=form, dpi=100)
        if form != "png":
            return file.getvalue()
        small = Image.open(file).convert("RGB").quantize(PAGE_COLOURS)
        with io.BytesIO() as page:
            small.save(page, "png", optimize=True)
            return page.getvalue()


@contextmanager
def _leave_gaps() -> Iterator[None]:
    """Let a letter that the font lacks be a box in the picture, and no news for a terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
