"""A run as the report shows it: the search restored from its record, with its task and state."""

from __future__ import annotations

import shlex
from typing import Any

from evolve.commands.run_state import read_confirmation, read_state
from evolve.runs.history import view_search
from evolve.runs.run import Run
from population.invocation import write_command
from views.run_view import RunView


def view_run(run: Run) -> RunView:
    """Gather what the report of a run shows."""
    search, state, task = view_search(run), read_state(run), run.task
    archive = search.archive
    return RunView(
        folder=run.folder,
        record=run.record,
        read_genomes=run.lineage.read_genomes,
        task=task.name if task.item is None else f"{task.name}, item {task.item.name}",
        genome=task.genome,
        metric=task.metric,
        direction=task.direction,
        # genomes that were measured beside the search are none of its own
        individuals={one.id: search.individuals.get(one.id, one) for one in run.individuals()},
        archive=archive if archive else None,
        best=search.champion,
        noise=search.noise,
        comparison=read_confirmation(run, search),
        state=state.words,
        begun=state.begun,
        seconds=state.seconds,
        settings={
            name: text
            for name, value in run.settings.to_json().items()
            if (text := _write_value(value))
        },
        fingerprint={
            name: str(value) for name, value in run.record.meta("fingerprint", {}).items()
        },
        program=task.text,
        commands=_list_commands(run),
    )


def _write_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return shlex.join(map(str, value))
    return "" if value is None else str(value)


def _list_commands(run: Run) -> list[tuple[str, str]]:
    name = run.folder.name
    return [
        (write_command("export", name, "best", "-o", "FILE"), "write the best genome to a file"),
        (write_command("show", name, "best"), "show it in the terminal"),
        (write_command("resume", name), "go on with the run"),
        (write_command("replay", name), "take the run's decisions once more, and compare them"),
        (
            write_command("--task", run.settings.task, "--seed-genome", f"{name}:best"),
            "begin a new run from the best genome",
        ),
    ]
