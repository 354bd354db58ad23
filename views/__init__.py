"""What people look at: pictures and texts, as functions from a run's data to a figure or a text.

`draw_heatmap` and `draw_progress` make figures of matplotlib, which `save_figure` writes, and
`render_heatmap` a text of rich. Each library is loaded when a function that needs it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from views.canvas import check_format, save_figure
    from views.heatmap import draw_heatmap
    from views.progress import draw_progress
    from views.terminal import render_heatmap

__all__ = ["check_format", "draw_heatmap", "draw_progress", "render_heatmap", "save_figure"]

_HOMES = {
    "check_format": "views.canvas",
    "draw_heatmap": "views.heatmap",
    "draw_progress": "views.progress",
    "render_heatmap": "views.terminal",
    "save_figure": "views.canvas",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
