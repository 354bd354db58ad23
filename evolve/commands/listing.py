"""`python -m evolve list`: the runs, or the elites of one."""

from __future__ import annotations

import argparse
import time
from contextlib import closing

from rich.console import Console
from rich.text import Text

from archive import RUNS, RecordError, RunError
from archive.comparison import NOT_CONFIRMED, FreshComparison
from evolve.commands.archives import archive_of
from evolve.commands.console import new_console
from evolve.commands.options import new_parser
from evolve.commands.run_state import print_confirmation, read_confirmation, read_state
from evolve.commands.tables import Column, fit_table
from evolve.runs.history import view_search
from evolve.runs.run import Run, open_run
from population.formatting import describe_noise, format_duration, format_number, format_score
from population.invocation import write_command
from population.lineage import LineageError
from trainer.task import TaskError

UNKNOWN = "-"
RUN_COLUMNS = (
    Column("run"),
    Column("state", 1),
    Column("begun", 3),
    Column("at", 12),
    Column("took", 4),
    Column("children", 5),
    Column("failed", 9),
    Column("cells", 7),
    Column("strategy", 11),
    Column("metric", 10),
    Column("seed", 8),
    Column("best", 2),
    Column("±", 8),
    Column("id", 6),
    Column("confirmed gain", 2),
)


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
    if options.name is None:
        _list_runs(console)
        return 0
    with closing(open_run(options.name)) as run:
        _list_elites(run, console)
    return 0


def _list_runs(console: Console) -> None:
    folders = sorted(path.parent for path in RUNS.glob("*/archive.db"))
    if not folders:
        console.print(f"there are no runs in {RUNS.resolve()}; begin one: {write_command()}")
        return
    rows: list[list[str | Text]] = []
    unreadable: list[str] = []
    for folder in folders:
        try:
            with closing(open_run(str(folder))) as run:
                rows.append([*_row(run)])
        except (RunError, RecordError, LineageError, TaskError) as error:
            rows.append([folder.name, Text("unreadable", "red")])
            unreadable.append(f"{folder.name}: {error}")
    console.print(fit_table(RUN_COLUMNS, rows, console))
    for line in unreadable:
        console.print(Text(line), soft_wrap=True)


def _row(run: Run) -> list[str]:
    """A run's cells, in the order of `RUN_COLUMNS`."""
    search, state = view_search(run), read_state(run)
    children = [i for i in search.individuals.values() if i.parents and i.measurements]
    archive, best, seed = search.archive, search.champion, search.reference
    values = [i.objective for i in (seed, best) if i is not None and i.objective is not None]
    deviation = search.noise.deviation
    begun = time.localtime(state.begun)
    return [
        run.folder.name,
        state.words,
        time.strftime("%Y-%m-%d", begun),
        time.strftime("%H:%M", begun),
        format_duration(state.seconds),
        f"{len(children)} of {run.settings.total_children}",
        str(sum(not child.scored for child in children)),
        f"{len(archive)} of {archive.cells}" if archive else UNKNOWN,
        run.settings.strategy,
        run.task.metric,
        *(format_score(value, deviation) for value in values),
        *([UNKNOWN] * (2 - len(values))),
        f"{best.margin(search.noise):.2g}" if best and deviation else UNKNOWN,
        f"#{best.id}" if best else UNKNOWN,
        _describe_gain(read_confirmation(run, search)) if best else UNKNOWN,
    ]


def _describe_gain(comparison: FreshComparison | None) -> str:
    """The gain that fresh runs show, with half its 95 % interval."""
    if comparison is None:
        return NOT_CONFIRMED
    if comparison.low is None or comparison.high is None:
        return f"{comparison.gain:+.3g}"
    return f"{comparison.gain:+.3g} ± {(comparison.high - comparison.low) / 2:.2g}"


def _list_elites(run: Run, console: Console) -> None:
    archive, noise = archive_of(run)
    print_confirmation(run, console)
    columns = [
        Column("id"),
        Column("cell", 2),
        Column(run.task.metric, 1),
        *([Column("±", 4)] if noise.deviation else []),
        Column("runs", 5),
        *(Column(axis.label, 1) for axis in archive.axes),
        Column("made by: description", 3, rest=True),
    ]
    goals = {axis.name: axis.better for axis in run.task.axes if axis.better is not None}
    front = {one.id for one in archive.pareto_front(goals)}
    rows = []
    for elite in sorted(archive, key=lambda elite: elite.fitness, reverse=True):
        assert elite.objective is not None
        rows.append(
            [
                f"#{elite.id}" + ("*" if elite.id in front else ""),
                ",".join(map(str, archive.cell_of(elite))),
                format_score(elite.objective, noise.deviation),
                *([f"{elite.margin(noise):.2g}"] if noise.deviation else []),
                str(len(elite.scored)),
                *(format_number(elite.measures[axis.name], axis.unit) for axis in archive.axes),
                f"{elite.operator}: {elite.description}",
            ]
        )
    console.print(fit_table(columns, rows, console))
    good = [
        f"{goal.value} {name}"
        for name, goal in {run.task.metric: run.task.direction, **goals}.items()
    ]
    console.print(f"* nobody is better in all of: {', '.join(good)} (the Pareto front)")
    if noise.deviation:
        console.print(f"± is the 95 % interval; {describe_noise(noise.deviation)}")
