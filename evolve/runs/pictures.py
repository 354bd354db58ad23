"""The pictures of a run folder, drawn from its record."""

from __future__ import annotations

import time
from collections.abc import Callable

from archive import Archive
from archive.comparison import read_comparison
from archive.results import read_frame
from evolve.runs.run import Run
from population import Noise

Draw = Callable[[Run, Archive, Noise], None]  # as `draw`
SHARE = 0.1  # of the time for drawing at most: it shares the cores with the children
FIRST = 5.0  # seconds before which nothing is drawn: a run that is so short draws at its end


def draw(run: Run, archive: Archive, noise: Noise) -> None:
    """Draw artifacts/heatmap.png and artifacts/progress.png anew.

    Args:
        run: Run whose experiments are shown.
        archive: Archive of the run.
        noise: What is known of the noise of a run.
    """
    from views import draw_heatmap, draw_progress, save_figure  # matplotlib takes half a second

    task, folder = run.task, run.folder
    reference, comparison = (
        run.record.meta("reference"),
        read_comparison(run.record, task.direction),
    )
    figure = draw_heatmap(
        archive,
        metric=task.metric,
        title=folder.name,
        reference=reference,
        noise=noise,
        comparison=comparison,
        targets=run.record.targets(),
    )
    save_figure(figure, folder.artifacts / "heatmap.png")
    frame = read_frame(run.record, task.direction)
    figure = draw_progress(
        frame,
        metric=task.metric,
        direction=task.direction,
        title=folder.name,
        noise=noise,
        comparison=comparison,
    )
    save_figure(figure, folder.artifacts / "progress.png")


class Artist:
    """Draws a run's pictures again and again, unless that was just done."""

    def __init__(self, run: Run, draw: Draw = draw) -> None:
        self._run, self._draw = run, draw
        self._next = time.monotonic() + FIRST

    def __call__(self, archive: Archive, noise: Noise) -> None:
        begun = time.monotonic()
        if begun >= self._next:
            self._draw(self._run, archive, noise)
            ended = time.monotonic()
            self._next = ended + (ended - begun) / SHARE
