"""A run's archive as its record has it: what several commands draw, list or rebin."""

from __future__ import annotations

from archive import Archive, RunError
from evolve.runs.history import view_search
from evolve.runs.run import Run
from population import Noise


def archive_of(run: Run) -> tuple[Archive, Noise]:
    """A run's archive, and what is known of the noise of its runs.

    Raises:
        RunError: No seed has scored yet.
    """
    search = view_search(run)
    if search.archive is None:
        raise RunError(f"the archive of run {run.folder.name} is empty: no seed has scored yet")
    return search.archive, search.noise
