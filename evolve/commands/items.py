"""A task of many items: each is a small search of its own, and a run of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive.human import formatter, human
from archive.record import RecordError
from archive.run_folder import RunError, RunFolder
from evolve.commands.console import new_console
from evolve.commands.work import work
from evolve.loop.loop import End, reached
from evolve.run.history import shown_search
from evolve.run.run import begin, look, reopen
from evolve.settings import OptionError, Settings
from population import Individual
from population.lineage import LineageError
from trainer.items import Item
from trainer.process import SupervisorError
from trainer.setup import SetupError
from trainer.task import Task, TaskError

BROKEN = (RunError, RecordError, LineageError, TaskError, SetupError, SupervisorError)


@dataclass(frozen=True)
class State:
    """How far an item is.

    Attributes:
        item: which.
        words: what came of it.
        done: whether it is what was asked for.
        children: that were measured.
        start, best: the seed and the fittest; None before they scored.
    """

    item: Item
    words: str
    done: bool
    children: int = 0
    start: Individual | None = None
    best: Individual | None = None


def start(
    settings: Settings,
    task: Task,
    name: str | None,
    seed_genomes: Sequence[str],
    only: Sequence[str],
) -> int:
    """Work on the items that are not done, one after the other, and print what came of all.

    An item that breaks does not stop the others. Called again it goes on with what is missing.

    Args:
        settings: of each item's run.
        task: of all items.
        name: what the runs' names begin with; None takes the task's name.
        seed_genomes: to begin each with; empty takes the task's own.
        only: names of the items to work on; empty takes all.

    Returns:
        The exit code: 0 if every item is what was asked for, 130 after Ctrl-C, else 1.
    """
    items = _chosen(task.all_items(), only)
    console = new_console()
    states: list[State] = []
    interrupted = False
    for number, item in enumerate(items, 1):
        run = f"{name or task.name}-{item.name}"
        if interrupted:
            states.append(_before(run, item) or State(item, "not begun", done=False))
            continue
        console.print(Text(f"\nitem {number} of {len(items)}: {item.title}", "bold"))
        try:
            state, interrupted = _work_on(settings, run, seed_genomes, item, console)
        except BROKEN as error:
            console.print(Text(f"{item.name} failed: {error}", "red"), soft_wrap=True)
            state = State(item, f"failed: {error}".splitlines()[0], done=False)
        states.append(state)
    console.print()
    console.print(_table(states, task))
    left = sum(not state.done for state in states)
    if left:
        console.print(
            Text(
                f"{left} of {len(states)} items are not done: the same command goes on with them, "
                "and --generations N gives those that used theirs up more"
            ),
            soft_wrap=True,
        )
    return 130 if interrupted else int(left > 0)


def _chosen(items: Sequence[Item], only: Sequence[str]) -> list[Item]:
    names = [item.name for item in items]
    for name in only:
        if name not in names:
            raise OptionError(f"there is no item {name}; there are {', '.join(names)}")
    return [item for item in items if not only or item.name in only]


def _work_on(
    settings: Settings, name: str, seed_genomes: Sequence[str], item: Item, console: Console
) -> tuple[State, bool]:
    """Begin or go on with an item's run: its state then, and whether the user interrupted."""
    before = _before(name, item)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    if before is not None and before.done:
        say(f"done before: {before.words}")
        return before, False
    folder = RunFolder.named(name)
    if before is not None and before.start is None:
        say("its start has never scored, so it begins anew")
        shutil.rmtree(folder.path)
    elif before is not None:
        with folder.lock():
            changes = {
                key: getattr(settings, key)
                for key in (
                    "generations",
                    "models",
                    "api_base",
                    "prices",
                    "max_cost",
                    "offline_after",
                    "target",
                )
            }
            _, end = work(reopen(name, changes, say), console)
        return _state(name, item), end is End.INTERRUPTED
    run = begin(settings, name, seed_genomes, say, item)
    with run.folder.lock():
        _, end = work(run, console)
    return _state(name, item), end is End.INTERRUPTED


def _before(name: str, item: Item) -> State | None:
    """An item's state as its run records it; None if there is no run."""
    return _state(name, item) if RunFolder.named(name).database.exists() else None


def _state(name: str, item: Item) -> State:
    with closing(look(name)) as run:
        search = shown_search(run)
        children = sum(1 for i in search.individuals.values() if i.parents and i.measurements)
        best, settings = search.best, run.settings
    state = State(item, "", False, children, search.reference, best)
    if reached(best, settings.target):
        return replace(state, words="target reached", done=True)
    if best is None:
        return replace(state, words="its start has not scored")
    if children < settings.total_children:
        return replace(state, words="not finished")
    return replace(
        state,
        words="all generations used" + (", target missed" if settings.target is not None else ""),
        done=settings.target is None,
    )


def _table(states: Sequence[State], task: Task) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("item", "children", "start", task.metric, *(axis.label for axis in task.axes)):
        table.add_column(column, no_wrap=True)
    table.add_column("", overflow="fold")
    objectives = [s.best.objective for s in states if s.best and s.best.objective is not None]
    write = formatter(objectives) if objectives else str
    for state in states:
        start, best = state.start, state.best
        measures = best.measures if best is not None else {}
        table.add_row(
            state.item.name,
            str(state.children),
            *(_written(one, write) for one in (start, best)),
            *(
                human(measures[axis.name], axis.unit) if axis.name in measures else "-"
                for axis in task.axes
            ),
            Text(state.words, "green" if state.done else "yellow"),
        )
    return table


def _written(one: Individual | None, write: Callable[[float], str]) -> str:
    if one is None or one.objective is None:
        return "-"
    return write(one.objective)
