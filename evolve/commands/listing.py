"""`python -m evolve list`: the runs, or the elites of one."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from archive.record import RecordError
from archive.run_folder import RUNS, RunError
from evolve.commands.archives import archive_of
from evolve.commands.console import new_console, new_table
from evolve.commands.options import new_parser
from evolve.runs.history import shown_search
from evolve.runs.run import Run, look
from population.formatting import formatter, human, noise_words
from population.lineage import LineageError
from trainer.task import TaskError


def arguments() -> argparse.ArgumentParser:
    parser = new_parser("list", "List the runs under runs/, or the elites of one run.")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="RUN",
        help="a run, or its folder, whose elites to list (default: list all runs)",
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """List all runs, or the elites of one."""
    console = new_console()
    if options.name is not None:
        return _list_elites(options.name, console)
    folders = sorted(path.parent for path in RUNS.glob("*/archive.db"))
    if not folders:
        console.print(f"there are no runs in {RUNS.resolve()}; begin one: python -m evolve")
        return 0
    names = ("run", "strategy", "children", "failed", "cells", "metric", "seed", "best", "±", "id")
    table = new_table(*names)
    table.columns[0].no_wrap = False  # where it is narrow, names are folded and numbers are not
    table.columns[0].overflow = "fold"
    unreadable: list[str] = []
    for folder in folders:
        try:
            run = look(str(folder))
        except (RunError, RecordError, LineageError, TaskError) as error:
            table.add_row(folder.name, Text("unreadable", "red"))
            unreadable.append(f"{folder.name}: {error}")
            continue
        table.add_row(*_row(run))
        run.close()
    console.print(table)
    for line in unreadable:
        console.print(Text(line), soft_wrap=True)
    return 0


def _row(run: Run) -> list[str]:
    search = shown_search(run)
    children = [i for i in search.individuals.values() if i.parents and i.measurements]
    archive, best, seed = search.archive, search.best, search.reference
    values = [i.objective for i in (seed, best) if i is not None and i.objective is not None]
    write = formatter(values) if values else str
    return [
        run.folder.name,
        run.settings.strategy,
        f"{len(children)} of {run.settings.total_children}",
        str(sum(not child.scored for child in children)),
        f"{len(archive)} of {archive.cells}" if archive else "-",
        run.task.metric,
        *(write(value) for value in values),
        *(["-"] * (2 - len(values))),
        f"{best.margin(search.beliefs.noise):.2g}" if best and search.noise else "-",
        f"#{best.id}" if best else "-",
    ]


def _list_elites(name: str, console: Console) -> int:
    run = look(name)
    archive, noise = archive_of(run)
    columns = (run.task.metric, "±", "runs") if noise.deviation else (run.task.metric, "runs")
    table = new_table("cell", "id", *columns, *(axis.label for axis in archive.axes))
    table.expand = True
    table.add_column("made by: description", overflow="ellipsis", no_wrap=True, ratio=1)
    goals = {axis.name: axis.better for axis in run.task.axes if axis.better is not None}
    front = {one.id for one in archive.pareto_front(goals)}
    values = [elite.objective for elite in archive if elite.objective is not None]
    write = formatter(values)
    for elite in sorted(archive, key=lambda elite: elite.fitness, reverse=True):
        assert elite.objective is not None
        x, y = archive.cell_of(elite)
        table.add_row(
            f"{x},{y}",
            f"#{elite.id}" + ("*" if elite.id in front else ""),
            write(elite.objective),
            *([f"{elite.margin(noise):.2g}"] if noise.deviation else []),
            str(len(elite.scored)),
            *(human(elite.measures[axis.name], axis.unit) for axis in archive.axes),
            f"{elite.operator}: {elite.description}",
        )
    console.print(table)
    good = [
        f"{goal.value} {name}"
        for name, goal in {run.task.metric: run.task.direction, **goals}.items()
    ]
    console.print(f"* nobody is better in all of: {', '.join(good)} (the Pareto front)")
    if noise.deviation:
        console.print(f"± is the 95 % interval; {noise_words(noise.deviation)}")
    run.close()
    return 0
