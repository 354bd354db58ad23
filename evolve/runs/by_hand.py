"""The command by which a person measures one genome of a run alone."""

from __future__ import annotations

import shlex
from pathlib import Path

from evolve.runs.run import Run
from population import Individual


def write_command(run: Run, seed: Individual) -> str:
    """Write the command that measures a seed genome alone, as the run did.

    Args:
        run: The run.
        seed: The seed genome. If it is not the task's own file, the command exports it first.
    """
    task, settings = run.task, run.settings
    own, source = task.folder / run.ready.seed, run.lineage.source(seed.commit)
    first = ""
    if not own.is_file() or own.read_text(encoding="utf-8", errors="replace") != source:
        own = Path("seed").with_suffix(Path(task.genome).suffix)
        export = ["python", "-m", "evolve", "export", str(run.folder.path), str(seed.id), "-o"]
        first = f"{shlex.join([*export, str(own)])} && "
    command = ["python", "-m", "trainer", shorten_path(own), "--task", shorten_path(task.folder)]
    if task.item is not None:
        command += ["--item", task.item.name]
    if settings.budget != task.budget:
        command += ["--budget", f"{settings.budget:g}"]
    if settings.sandbox != "auto":
        command += ["--sandbox", settings.sandbox]
    return first + shlex.join(command)


def shorten_path(path: Path) -> str:
    """A path as short as it is from the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
