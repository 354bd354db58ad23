"""A run's archive as its record has it: what several commands draw, list or cut anew."""

from __future__ import annotations

from archive import Archive
from archive.run_folder import RunError
from evolve.runs.history import shown_search
from evolve.runs.run import Run
from population.estimate import Noise


def archive_of(run: Run) -> tuple[Archive, Noise]:
    """A run's archive, and what is known of the noise."""
    search = shown_search(run)
    if search.archive is None:
        raise RunError(f"the archive of run {run.folder.name} is empty: no seed has scored yet")
    return search.archive, search.beliefs.noise
