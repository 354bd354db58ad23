"""What each command does, from opening the run to the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive import Archive, Axis
from archive.human import formatter, human, noise_words
from archive.record import RecordError
from archive.run_folder import RUNS, RunError, RunFolder
from evolve.check import check
from evolve.conduct import announce, closing_lines, conduct, exit_code, make_models
from evolve.loop import End
from evolve.run import Run, begin, find_individual, look, reopen, restored_search
from evolve.settings import Settings
from evolve.story import Step, markdown, story
from population import Individual
from population.lineage import LineageError
from trainer.task import TaskError

WIDTH = 160  # columns, where the output is no terminal
TOLD = 15  # changes of the best genome that are told when a run ends


def start(settings: Settings, name: str | None, seed_genomes: Sequence[str]) -> int:
    """Begin a run and work on it to its end."""
    console = new_console()
    run = begin(settings, name, seed_genomes, _say(console))
    with run.folder.lock():
        return work(run, console)[0]


def resume(name: str, changes: dict[str, Any]) -> int:
    """Go on with a run."""
    console = new_console()
    with RunFolder.existing(name).lock():  # nothing of a run is touched that another works on
        return work(reopen(name, changes, _say(console)), console)[0]


def work(run: Run, console: Console) -> tuple[int, End]:
    """Work on a run to its end, which the caller has locked: the exit code, and why it ended."""
    say = _say(console)
    try:
        models = make_models(run)
        for line in announce(run, models):
            say(line)
        result = conduct(run, models, console)
        steps = _write_best(run, result.best)
        console.print()
        for line in closing_lines(run, result):
            say(line)
        for one in steps[-TOLD:]:
            say(f"  #{one.individual.id} {one.individual.description}: {one.did}")
        return exit_code(run, result), result.end
    finally:
        run.close()


def _write_best(run: Run, best: Individual | None) -> list[Step]:
    """Leave the best genome's story in the run, and itself where the task wants it: the story."""
    if best is None or not best.parents:
        return []
    search = restored_search(run)
    steps = story(run, search, best.id)
    run.folder.changes.write_text(markdown(run, search, steps), encoding="utf-8")
    if run.task.output:
        target = run.task.folder / run.task.output
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(run.lineage.source(best.commit), encoding="utf-8")
    return steps


def new_console() -> Console:
    """Of a terminal's own width; a file or a pipe gets lines that are long enough for tables."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def _say(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(Text(line), soft_wrap=True)


def list_runs(name: str | None) -> int:
    """List all runs, or the elites of one."""
    console = new_console()
    if name is not None:
        return _list_elites(name, console)
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
    search = restored_search(run)
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
        f"{best.margin(search.noise):.2g}" if best and search.noise else "-",
        f"#{best.id}" if best else "-",
    ]


def _list_elites(name: str, console: Console) -> int:
    run = look(name)
    archive, noise = _archive(run)
    columns = (run.task.metric, "±", "runs") if noise else (run.task.metric, "runs")
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
            *([f"{elite.margin(noise):.2g}"] if noise else []),
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
    if noise:
        console.print(f"± is one deviation of the best guess; {noise_words(noise)}")
    run.close()
    return 0


def new_table(*columns: str) -> Table:
    """A table whose columns keep their width; one that is added after them gets what is left."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def score_words(individual: Individual, noise: float) -> str:
    """An individual's fitness with its margin, or how it failed."""
    if individual.objective is None:
        return str(individual.status or "not measured yet")
    count = len(individual.scored)
    margin = f" ± {individual.margin(noise):.2g}" if noise else ""
    return f"{individual.objective:.6g}{margin}" + (f", {count} runs" if count > 1 else "")


def new(folder: Path, language: str) -> int:
    """Write the skeleton of a task."""
    from evolve.skeleton import write_skeleton

    for path in write_skeleton(folder, language):
        print(path)
    model = "" if language == "python" else " --model NAME"
    print(f"try it:   python -m evolve check {folder}")
    print(f"and then: python -m evolve --task {folder}{model}")
    return 0


def check_task(folder: Path, budget: float | None, devices: str, sandbox: str) -> int:
    """Say whether a task can run."""
    console = new_console()
    check(folder, budget=budget, device=devices, sandbox=sandbox, say=_say(console))
    print(f"the task can run: python -m evolve --task {folder}")
    return 0


def heatmap(name: str, output: Path | None) -> int:
    """Draw the archive in the terminal, or as a picture."""
    run = look(name)
    archive, noise = _archive(run)
    if output is None:
        from archive.terminal import heatmap_text

        new_console().print(heatmap_text(archive, run.task.metric, noise=noise))
    else:
        from archive import pictures  # matplotlib takes half a second

        reference = run.record.meta("reference")
        figure = pictures.heatmap(
            archive,
            metric=run.task.metric,
            title=run.folder.name,
            reference=reference,
            noise=noise,
        )
        pictures.save(figure, output)
        print(output)
    run.close()
    return 0


def export(name: str, number: str, output: Path | None) -> int:
    """Write a genome's source."""
    run = look(name)
    individual = find_individual(run, number)
    source = run.lineage.source(individual.commit)
    if output is None:
        sys.stdout.write(source)
    else:
        output.write_text(source, encoding="utf-8")
        score = score_words(individual, restored_search(run).noise)
        print(f"{output}: genome #{individual.id} of {run.folder.name} ({score})")
    run.close()
    return 0


def rebin(name: str, cells: int | None, bounds: Mapping[str, tuple[float, float]]) -> int:
    """Cut the archive anew, store its axes, draw its pictures."""
    from evolve.drawing import draw

    run = look(name)
    with run.folder.lock():
        before, noise = _archive(run)
        names = [axis.name for axis in before.axes]
        for axis_name in bounds:
            if axis_name not in names:
                raise RunError(f"there is no axis {axis_name}; there are {' and '.join(names)}")
        try:
            first, second = (_rebinned(axis, cells, bounds) for axis in before.axes)
        except ValueError as error:
            raise RunError(f"the archive cannot be cut so: {error}") from error
        archive = before.rebin((first, second))
        run.record.set_meta({"axes": [axis.to_dict() for axis in archive.axes]})
        draw(run, archive, noise)
    print(
        f"{len(before)} of {before.cells} cells were filled, {len(archive)} of {archive.cells} are "
        f"now; see {run.folder.artifacts / 'heatmap.png'}"
    )
    run.close()
    return 0


def _rebinned(axis: Axis, cells: int | None, bounds: Mapping[str, tuple[float, float]]) -> Axis:
    low, high = bounds.get(axis.name, (axis.low, axis.high))
    return replace(axis, cells=cells or axis.cells, low=low, high=high)


def _archive(run: Run) -> tuple[Archive, float]:
    """A run's archive, and the standard deviation of its runs (0 if unknown)."""
    search = restored_search(run)
    if search.archive is None:
        raise RunError(f"the archive of run {run.folder.name} is empty: no seed has scored yet")
    return search.archive, search.noise
