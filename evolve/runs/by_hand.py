"""The command by which a person measures one genome of a run alone."""

from __future__ import annotations

from pathlib import Path

from evolve.runs.run import Run
from population import Individual
from population.invocation import write_command


def describe_measurement(run: Run, seed: Individual) -> str:
    """The command that measures a seed genome alone, as the run did.

    Args:
        run: The run.
        seed: The seed genome. If it is not the task's own file, the command exports it first.
    """
    task, settings = run.task, run.settings
    own, source = task.folder / run.ready.seed, run.lineage.source(seed.commit)
    first = ""
    if not own.is_file() or own.read_text(encoding="utf-8", errors="replace") != source:
        own = Path("seed").with_suffix(Path(task.genome).suffix)
        folder, number = str(run.folder.path), str(seed.id)
        first = f"{write_command('export', folder, number, '-o', str(own))} && "
    command = [shorten_path(own), "--task", shorten_path(task.folder)]
    if task.item is not None:
        command += ["--item", task.item.name]
    if settings.budget != task.budget:
        command += ["--budget", f"{settings.budget:g}"]
    if settings.sandbox != "auto":
        command += ["--sandbox", settings.sandbox]
    return first + write_command(*command, program="trainer")


def shorten_path(path: Path) -> str:
    """A path as short as it is from the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
