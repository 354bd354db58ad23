"""The children of a run that run now, as their working folders and logs show them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from archive.run_folder import DEVICE
from evolve.runs.run import Run
from trainer.curve import read_curve
from trainer.log import read_progress
from views.running import RunningChild


def list_running(run: Run) -> Iterator[RunningChild]:
    """The children that run now, in the order in which they began."""
    if not run.folder.is_locked():
        return
    found = {path: _find_begin(path) for path in run.folder.work.glob("*")}
    begun = {path: begin for path, begin in found.items() if begin is not None}
    for path in sorted(begun, key=begun.__getitem__):
        seconds, log = max(time.time() - begun[path], 0.0), run.folder.log(path.name)
        curve = read_curve(log, run.settings.budget) if log.is_file() else ()
        trained = curve[-1].seconds if curve else None
        yield RunningChild(
            label=path.name,
            seconds=seconds,
            left=max(run.settings.budget - (seconds if trained is None else trained), 0.0),
            line=read_progress(log),
            curve=curve,
            device=_read_device(path),
        )


def list_idle(run: Run) -> list[str]:
    """What of a cluster does not work for a run that goes on, and why, a line each."""
    if not run.folder.is_locked():
        return []
    try:
        return run.folder.idle.read_text(encoding="utf-8").splitlines()
    except OSError:  # a run on this machine's devices has none
        return []


def _read_device(work: Path) -> str:
    try:
        return (work / DEVICE).read_text(encoding="utf-8")
    except OSError:
        return ""


def _find_begin(work: Path) -> float | None:
    """The time at which a child's working folder was laid out; None if it is gone by now.

    The oldest file in it says so: the folder itself changes while the child works.
    """
    try:
        return min(path.lstat().st_mtime for path in work.iterdir())
    except (OSError, ValueError):
        return None
