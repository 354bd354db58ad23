"""A task of many items: each is a small search of its own, and a run of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive.run_folder import BusyError, RunFolder
from evolve.commands.console import new_console
from evolve.commands.working import work_on, write_output
from evolve.loop.loop import End
from evolve.loop.target import is_reached, is_surely_reached
from evolve.operators import resolve_operator_path
from evolve.runs.history import view_search
from evolve.runs.run import Run, begin_run, open_run, reopen_run
from evolve.search.operator_mix import operator_mix
from evolve.settings import OptionError, Settings
from population import Individual
from population.errors import UserError
from population.formatting import choose_format, format_dollars, format_number
from trainer.devices import find_devices
from trainer.items import Item
from trainer.sandbox import find_sandbox
from trainer.task import Task

BROKEN = (UserError, OSError, UnicodeDecodeError)  # ends one item and leaves the others alone
Work = Callable[[Run, Console], tuple[int, End]]  # as `work`


@dataclass(frozen=True)
class Call:
    """What one call asks of every item.

    Attributes:
        task: Task of all items.
        name: Beginning of the runs' names.
        settings: Settings of a run that begins.
        changes: Settings that a run which goes on takes from this call, by name.
        seed_genomes: Seed genomes of each run; empty takes the task's own.
        work: Function that works on a run.
    """

    task: Task
    name: str
    settings: Settings
    changes: Mapping[str, Any]
    seed_genomes: Sequence[str]
    work: Work

    def run(self, item: Item) -> str:
        """The name of an item's run."""
        return name_run(self.name, item)

    def within(self, hours: float | None, dollars: float | None) -> Call:
        """The same with that much left for the next item; None is no limit."""
        limits = {"hours": hours, "max_cost": dollars}
        settings = replace(self.settings, hours=hours, max_cost=dollars)
        return replace(self, settings=settings, changes={**self.changes, **limits})


@dataclass(frozen=True)
class State:
    """How far an item is.

    Attributes:
        item: The item.
        words: State in words.
        done: Whether it is what was asked for.
        children: Number of children that were measured.
        cost: Cost of its language models, in dollars.
        start: The seed; None before it scored.
        best: The fittest; None before one scored.
    """

    item: Item
    words: str
    done: bool = False
    children: int = 0
    cost: float = 0.0
    start: Individual | None = None
    best: Individual | None = None


def name_runs(task: Task, name: str | None) -> list[str]:
    """Names of the runs of all items of a task; `name` is their beginning, None the task's name."""
    return [name_run(name or task.name, item) for item in task.list_items()]


def name_run(name: str, item: Item) -> str:
    """Name of an item's run, from the beginning of all items' runs' names."""
    return f"{name}-{item.name}"


def start(
    settings: Settings,
    changes: Mapping[str, Any],
    task: Task,
    name: str | None,
    seed_genomes: Sequence[str],
    only: Sequence[str],
    *,
    work: Work = work_on,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Work on the items that are not done, one after the other, and print what came of all.

    An item that breaks does not stop the others. Called again it goes on with what is missing. The
    settings' hours and dollars are for the whole call: each item gets what is left of them.

    Args:
        settings: Settings of an item's run that begins.
        changes: Settings that a run which goes on takes from this call, by name.
        task: Task of all items.
        name: Beginning of the runs' names; None takes the task's name.
        seed_genomes: Seed genomes of each run; empty takes the task's own.
        only: Names of the items to work on; empty takes all.
        work: Function that works on a run.
        clock: Clock in seconds.

    Returns:
        The exit code: 0 if every item is what was asked for, 130 after Ctrl-C, else 1.
    """
    items = _choose_items(task.list_items(), only)
    if settings.evaluator_name == "devices":
        find_devices(settings.devices)  # what no item can do without is said once, before all
        find_sandbox(settings.sandbox)
    call = Call(task, name or task.name, settings, changes, seed_genomes, work)
    console = new_console()
    begun, spent, states, interrupted = clock(), 0.0, list[State](), False
    for number, item in enumerate(items, 1):
        before = _find_state(call, item)
        hours = None if settings.hours is None else settings.hours - (clock() - begun) / 3600
        money = None if settings.max_cost is None else max(settings.max_cost - spent, 0.0)
        over = "interrupted" if interrupted else _find_limit(call, hours, money)
        done = before is not None and before.done
        if interrupted or (over and not done):
            states.append(before or State(item, f"not begun: {over}"))
            continue
        console.print(Text(f"\nitem {number} of {len(items)}: {item.title}", "bold"))
        paid = 0.0 if before is None else before.cost
        left = call.within(hours, None if money is None else paid + money)
        state, interrupted = _attempt(left, item, console)
        spent += state.cost - paid
        states.append(state)
    console.print()
    console.print(_table(states, task))
    for line in _list_closing_lines(states, spent, settings.max_cost):
        console.print(Text(line), soft_wrap=True)
    return 130 if interrupted else int(any(not state.done for state in states))


def _list_closing_lines(states: Sequence[State], spent: float, most: float | None) -> list[str]:
    lines = []
    if spent:
        allowed = "" if most is None else f" of the {format_dollars(most)} allowed"
        lines.append(f"the models took {format_dollars(spent)}{allowed} in this call")
    left = sum(not state.done for state in states)
    if left:
        lines.append(
            f"{left} of {len(states)} items are not done: the same command goes on with them, "
            "and --generations N gives those that used theirs up more"
        )
    return lines


def _find_limit(call: Call, hours: float | None, money: float | None) -> str:
    """Why no further item is begun; empty if one may be."""
    if hours is not None and hours <= 0:
        return "the hours are over"
    if money is None or money > 0 or not (call.settings.models or call.settings.agents):
        return ""
    task = call.task
    own = tuple(resolve_operator_path(name, task.folder) for name in task.operators)
    mix = operator_mix(
        call.settings.operators,
        with_models=True,
        with_agents=bool(call.settings.agents),
        language=task.language,
        suited=own,
    )
    asking = not any(operator.is_offline for operator in mix.operators.values())
    return "the money is spent" if asking and task.language != "python" else ""


def _choose_items(items: Sequence[Item], only: Sequence[str]) -> list[Item]:
    names = [item.name for item in items]
    for name in only:
        if name not in names:
            raise OptionError(f"there is no item {name}; there are {', '.join(names)}")
    return [item for item in items if not only or item.name in only]


def _attempt(call: Call, item: Item, console: Console) -> tuple[State, bool]:
    """Work on an item as far as it can be: its state then, and whether the user interrupted."""
    interrupted = False
    try:
        return _work_on(call, item, console)
    except KeyboardInterrupt:  # before or after the search, which takes note of it by itself
        interrupted, words = True, "interrupted"
    except BusyError as error:
        words = str(error).partition(";")[0]
        console.print(Text(str(error), "yellow"), soft_wrap=True)
    except BROKEN as error:
        words = f"failed: {error}".splitlines()[0]
        console.print(Text(f"{item.name} failed: {error}", "red"), soft_wrap=True)
    return replace(_find_state(call, item) or State(item, ""), words=words, done=False), interrupted


def _work_on(call: Call, item: Item, console: Console) -> tuple[State, bool]:
    """Begin or go on with an item's run: its state then, and whether the user interrupted."""
    name = call.run(item)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    folder = RunFolder.named(name)
    if folder.database.exists():
        with folder.lock():  # before it is looked at: nothing is removed that another works on
            before = _read_state(call, item)
            if before.done:
                say(f"done before: {before.words}")
                _leave_output(call, item, before, say)
                return before, False
            if before.best is not None:
                _, end = call.work(reopen_run(name, dict(call.changes), say), console)
                return _read_state(call, item), end is End.INTERRUPTED
            say("its start has never scored, so it begins anew")
            shutil.rmtree(folder.path)
    run = begin_run(call.settings, name, call.seed_genomes, say, item)
    with run.folder.lock():
        _, end = call.work(run, console)
    return _read_state(call, item), end is End.INTERRUPTED


def _leave_output(call: Call, item: Item, state: State, say: Callable[[str], None]) -> None:
    """Write what a finished item came to, if that was removed."""
    own = call.task.for_item(item)
    if own.output and not (own.folder / own.output).exists():
        with closing(open_run(call.run(item))) as run:
            written = write_output(replace(run, task=own), state.best)
        if written is not None:
            say(f"written again: {written}")


def _find_state(call: Call, item: Item) -> State | None:
    """An item's state, whatever its run is like; None if there is no run."""
    try:
        exists = RunFolder.named(call.run(item)).database.exists()
        return _read_state(call, item) if exists else None
    except BROKEN as error:
        return State(item, f"cannot be read: {error}".splitlines()[0])


def _read_state(call: Call, item: Item) -> State:
    """An item's state as its run records it, against what this call asks."""
    with closing(open_run(call.run(item))) as run:
        search = view_search(run)
        children = sum(1 for i in search.individuals.values() if i.parents and i.measurements)
        best, settings = search.champion, replace(run.settings, **call.changes)
        cost = run.record.spend().cost
    state = State(item, "", children=children, cost=cost, start=search.reference, best=best)
    if best is None:
        return replace(state, words="its start has not scored")
    if is_surely_reached(best, settings.target, search.noise):
        return replace(state, words="target reached", done=True)
    if children < settings.total_children:
        return replace(state, words="not finished")
    missed = settings.target is not None and not is_reached(best, settings.target)
    words = "all generations used" + (", target missed" if missed else "")
    return replace(state, words=words, done=not missed)


def _table(states: Sequence[State], task: Task) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("item", "children", "start", task.metric, *(axis.label for axis in task.axes)):
        table.add_column(column, no_wrap=True)
    table.add_column("", overflow="fold")
    objectives = [s.best.objective for s in states if s.best and s.best.objective is not None]
    write = choose_format(objectives) if objectives else str
    for state in states:
        start, best = state.start, state.best
        measures = best.measures if best is not None else {}
        table.add_row(
            state.item.name,
            str(state.children),
            *(_write_score(one, write) for one in (start, best)),
            *(
                format_number(measures[axis.name], axis.unit) if axis.name in measures else "-"
                for axis in task.axes
            ),
            Text(state.words, "green" if state.done else "yellow"),
        )
    return table


def _write_score(one: Individual | None, write: Callable[[float], str]) -> str:
    if one is None or one.objective is None:
        return "-"
    return write(one.objective)
