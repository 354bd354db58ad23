"""`python -m evolve check`: whether a task can run.

Its contract is read, its start measured once, and each finding told in one line.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from archive import default_cells
from evolve.commands.console import new_console, sayer
from evolve.commands.options import new_parser
from evolve.genome import RefusedError, screen
from evolve.operators import resolve_operator_path
from evolve.options import add_options
from evolve.runs.run import read_own_seed
from evolve.search.axes import axes_around
from evolve.search.operator_mix import operator_mix
from evolve.settings import OptionError, Settings
from population import Measurement, Status
from population.errors import UserError
from population.formatting import format_number
from population.invocation import write_command
from trainer.devices import find_devices
from trainer.items import Item
from trainer.log import read_tail
from trainer.measurement import measure
from trainer.sandbox import find_sandbox
from trainer.setup import Ready, set_up
from trainer.task import Task, check_files, check_output, load_task, read_shown_files

SHOWN = 30  # lines of what the start printed
CHILDREN = 100  # of a run, whose archive is laid to see whether it can be


class UnfitError(UserError):
    """The task cannot run; the message says why and what to do."""


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "check",
        "Read a task's program.md, measure its start once and explain what is missing or "
        "malformed. Exit code 0 only if the task can run.",
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path(),
        metavar="DIR",
        help="the task's folder (default .)",
    )
    add_options(parser, Settings, only=("budget", "devices", "sandbox"))
    return parser


def command(options: argparse.Namespace) -> int:
    """Say whether a task can run."""
    alone = check(
        options.folder,
        budget=options.budget,
        device=options.devices or "auto",
        sandbox=options.sandbox or "auto",
        say=sayer(new_console()),
    )
    start = write_command("--task", str(options.folder))
    print(f"the task can run: {start}{'' if alone else ' --model NAME'}")
    return 0


def check(
    folder: Path, *, budget: float | None, device: str, sandbox: str, say: Callable[[str], None]
) -> bool:
    """Read a task's contract, measure its start once, and tell each finding.

    Args:
        folder: Folder of the task.
        budget: Seconds for the start; None takes the task's.
        device: Device, as `--devices` names it.
        sandbox: Level of the sandbox, as `--sandbox` names it.
        say: Function that receives the findings, a line each.

    Returns:
        Whether it can run without a language model.

    Raises:
        TaskError, SetupError, DeviceError, SandboxError, RunError, OptionError, UnfitError: the
            task cannot run.
    """
    task = load_task(folder)
    _tell_contract(task, say)
    items = task.list_items()
    one = _with_item(task, items, say)
    for path, text in read_shown_files(one).items():
        say(f"shown to models: {path}, {len(text):,} characters")
    alone = _tell_operators(task, say)
    ready = set_up(one, say)
    source = _start(one, ready)
    say(f"start: {ready.seed}, {source.count(chr(10)):,} lines")
    _tell_trust(task, ready, say)
    result, printed = _measured(one, ready, source, budget or task.budget, device, sandbox, say)
    if printed:
        say("it printed:")
        say("\n".join(f"  | {line}" for line in printed.splitlines()))
    _judge(one, result, say)
    return alone


def _tell_contract(task: Task, say: Callable[[str], None]) -> None:
    say(f"task {task.name}: {task.genome} ({task.language}), {task.direction} {task.metric}")
    target = "" if task.target is None else f", target {task.target:g}"
    say(f"budget {task.budget:g} s and at most {task.overhead:g} s more{target}")


def _with_item(task: Task, items: Sequence[Item], say: Callable[[str], None]) -> Task:
    """The task of its first item, if it has any; all of them are looked at."""
    for item in items:
        own = task.for_item(item)
        try:
            check_files(own)
            check_output(own)
            read_shown_files(own)
        except ValueError as error:
            raise UnfitError(f"the item {item.name} cannot be worked on: {error}") from error
    if items:
        say(f"{len(items)} items: {', '.join(item.name for item in items)}")
    return task.for_item(items[0]) if items else task


def _tell_operators(task: Task, say: Callable[[str], None]) -> bool:
    """List the operators that work with a language model, and without: whether any does without.

    Raises:
        OptionError: one that the task names does not exist.
    """
    names = tuple(resolve_operator_path(name, task.folder) for name in task.operators)
    with_models = operator_mix((), with_models=True, language=task.language, suited=names)
    say(f"operators with a language model: {', '.join(with_models.operators)}")
    try:
        alone = operator_mix((), with_models=False, language=task.language, suited=names)
    except OptionError:
        say("operators without one: none, so a run of this task needs --model")
        return False
    say(f"operators without one: {', '.join(alone.operators)}")
    return True


def _start(task: Task, ready: Ready) -> str:
    """The genome that a run would begin with, which nothing may overwrite."""
    source = read_own_seed(task, ready).source
    try:
        check_output(replace(task, start=ready.seed))
    except ValueError as error:
        raise UnfitError(f"the task cannot be worked on: {error}") from error
    try:
        screen(source, task, ())
    except RefusedError as error:
        raise UnfitError(f"the start {ready.seed} would be refused: {error}") from error
    return source


def _tell_trust(task: Task, ready: Ready, say: Callable[[str], None]) -> None:
    if task.score:
        say(f"scored by `{' '.join(task.score)}`, which is trusted and runs outside of the sandbox")
    elif ready.text is not None:
        say(f"scored by a referee while `{' '.join(task.run)}` runs in the sandbox")
    else:
        say(
            f"WARNING: scored by what `{' '.join(task.run)}` prints in the sandbox, so a genome "
            "can print any score; a trusted `score` command is safer"
        )


def _measured(
    task: Task,
    ready: Ready,
    source: str,
    budget: float,
    device: str,
    sandbox: str,
    say: Callable[[str], None],
) -> tuple[Measurement, str]:
    """The start's measurement, and the last lines that were printed."""
    where, box = find_devices(device)[0], find_sandbox(sandbox)
    say(f"sandbox: {box.note}")
    say(f"the start is measured once, on {where.name}, for {budget:g} s or less ...")
    with tempfile.TemporaryDirectory(prefix="check-") as name:
        log = Path(name, "log")
        result = measure(
            task,
            ready,
            source,
            device=where,
            sandbox=box,
            budget=budget,
            seed=0,
            folder=Path(name, "child"),
            log=log,
        )
        return result, read_tail(log, SHOWN)


def _judge(task: Task, result: Measurement, say: Callable[[str], None]) -> None:
    if result.status is not Status.OK or result.fitness is None:
        raise UnfitError(f"the start has no score ({result.status}): {result.reason}")
    say(f"{task.metric} {result.fitness:.6g} after {result.seconds:.1f} s")
    try:
        axes = axes_around(task.axes, result.measures, default_cells(CHILDREN, len(task.axes)))
    except ValueError as error:
        raise UnfitError(f"the archive cannot be laid around the start: {error}") from error
    for axis, spec in zip(axes, task.axes, strict=True):
        value, unit = result.measures[axis.name], spec.unit
        say(
            f"{spec.label}: {format_number(value, unit)}, on an axis from "
            f"{format_number(axis.low, unit)} to {format_number(axis.high, unit)}"
        )
        if not axis.low <= value <= axis.high:
            say(f"WARNING: the start lies outside of the axis {axis.name}; set other `bounds`")
    if task.target is not None and task.direction.gain(result.fitness, task.target) >= 0:
        say(f"WARNING: the start has reached the target {task.target:g} already")
