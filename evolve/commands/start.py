"""`python -m evolve`: begin a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.commands.live_pages import live_pages_options, open_live_port, serve_beside
from evolve.options import add_options, read_options
from evolve.settings import OptionError, Settings
from population.invocation import write_command

if TYPE_CHECKING:  # what a run needs is imported when one begins, not for the help
    from trainer.task import Task


def arguments() -> argparse.ArgumentParser:
    """The options of a new run."""
    parser = argparse.ArgumentParser(
        prog=write_command(),
        usage="%(prog)s [OPTION ...]\n       %(prog)s COMMAND ...",
        description="Evolve the file that a task names, towards the score that it names. Every "
        "option has a\ndefault that works: the task's own, or the one below.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--run", metavar="NAME", help="name of the new run (default: the task's, and the time)"
    )
    parser.add_argument(
        "--seed-genome",
        action="append",
        default=[],
        metavar="FILE",
        help="a genome to start from: a file, a folder of them, or RUN:ID or RUN:best of another "
        "run; repeatable (default: the task's own)",
    )
    parser.add_argument(
        "--items",
        default="",
        metavar="NAME,...",
        help="items to work on, if the task has many (default: all that are not done)",
    )
    add_options(parser, Settings)
    live_pages_options(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Begin a run, or one of each item that is not done, and work on it to its end."""
    from archive.run_folder import RunFolder
    from evolve.agents.configuration import build_agents
    from evolve.commands import items
    from evolve.commands.console import new_console, sayer
    from evolve.commands.working import work_on
    from evolve.models import build_models
    from evolve.runs.run import begin_run
    from trainer.task import load_task

    given = read_options(options, Settings)
    if options.run is not None:
        RunFolder.new(options.run)  # refused before anything is made ready
    task = load_task(Path(given.get("task", ".")))
    if options.items and not task.items:
        raise OptionError(f"the task {task.name} has no items, so leave --items out")
    settings = choose_settings(task, given)
    build_models(settings)  # a missing key or price is refused before anything is made
    build_agents(settings)
    console = new_console()
    with open_live_port(options) as port:
        if task.items:
            only = list(filter(None, options.items.split(",")))
            changes = {**read_options(options, Settings, resumed=True), "task": settings.task}
            with serve_beside(port, items.name_runs(task, options.run), sayer(console)):
                return items.start(settings, changes, task, options.run, options.seed_genome, only)
        run = begin_run(settings, options.run, options.seed_genome, sayer(console))
        with serve_beside(port, [run.folder.name], sayer(console)), run.folder.lock():
            return work_on(run, console)[0]


def choose_settings(task: Task, given: Mapping[str, Any]) -> Settings:
    """The settings of a new run, checked: what was given, else the task's own, else the defaults.

    Args:
        task: The task.
        given: The settings that were given, by name.

    Raises:
        OptionError: An operator, a model or a price cannot be what it says.
    """
    from evolve.agents import AgentSpec
    from evolve.models import check_model_options
    from evolve.operators import resolve_operator_path
    from evolve.search.axes import read_bounds
    from evolve.search.operator_mix import operator_mix

    own = {
        "generations": task.generations or None,
        "children": task.children or None,
        "budget": task.budget,
        "target": task.target,
    }
    chosen: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    for name, value in given.items():
        chosen[name] = tuple(value) if isinstance(value, list) else value
    names = tuple(resolve_operator_path(name, Path()) for name in chosen.get("operators", ()))
    chosen |= {"task": str(task.folder), "operators": names}
    if task.exact:  # nothing is measured twice
        chosen.setdefault("seed_runs", 1)
        chosen.setdefault("final_runs", 1)
    settings = Settings(**chosen)
    try:
        read_bounds(settings.bounds, [axis.name for axis in task.axes])
    except ValueError as error:
        raise OptionError(f"--bounds: {error}") from error
    suited = tuple(resolve_operator_path(name, task.folder) for name in task.operators)
    operator_mix(
        names,
        with_models=bool(settings.models),
        with_agents=bool(settings.agents),
        language=task.language,
        suited=suited,
        proposals=settings.proposals,
    )
    agents = [AgentSpec.parse(text).name for text in settings.agents]
    check_model_options(settings.models, settings.api_base, settings.prices, settings.forms, agents)
    return settings
