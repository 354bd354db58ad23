"""`python -m evolve resume`: go on with a run."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from dataclasses import replace

from archive.run_folder import RunFolder
from evolve.agents import AgentSpec
from evolve.agents.configuration import build_agents
from evolve.commands.console import new_console, sayer
from evolve.commands.live_pages import live_pages_options, open_live_port, serve_beside
from evolve.commands.options import new_parser, run_argument
from evolve.commands.run_state import START, STOP
from evolve.commands.working import work_on
from evolve.loop.loop import End
from evolve.models import build_models, check_model_options
from evolve.options import add_options, read_options
from evolve.runs.run import Run, open_run, reopen_run
from evolve.settings import Settings
from population.formatting import format_count
from population.invocation import write_command


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "resume",
        "Go on with a run where it stopped; more --generations extend it. An option that is left "
        "out stays as the run has it; --model, --agent and --price replace all that there were.",
    )
    run_argument(parser)
    add_options(parser, Settings, resumed=True)
    live_pages_options(parser)
    return parser


def describe_finished(run: Run, settings: Settings) -> str:
    """Say that a run has nothing left to do, and how to go on with it; empty if it has.

    Args:
        run: The run, opened to view it.
        settings: Settings with which it is to go on.
    """
    individuals = run.individuals()
    ends = [event.text for event in run.record.events() if event.kind in (START, STOP)][-1:]
    name, children = run.folder.name, sum(bool(i.parents and i.measurements) for i in individuals)
    if settings != replace(run.settings, generations=settings.generations):
        return ""
    if ends == [End.TARGET]:
        again = write_command("resume", name, "--target", "X")
        return f"run {name} has reached its target {settings.target:g}; `{again}` sets another one"
    if ends != [End.COMPLETE] or children < settings.total_children:
        return ""
    again = write_command("resume", name, "--generations", "N")
    return (
        f"run {name} is finished: {format_count(children, 'child', 'children')} done. `{again}` "
        f"goes on with it, with N above {children // settings.children}"
    )


def command(options: argparse.Namespace) -> int:
    """Go on with a run."""
    changes = read_options(options, Settings, resumed=True)
    console = new_console()
    folder, say = RunFolder.existing(options.name), sayer(console)
    # nothing of a run is touched that another uses; the pages outlast the lock, to show the end
    with open_live_port(options) as port, ExitStack() as pages, folder.lock():
        with closing(open_run(options.name)) as run:
            settings = replace(run.settings, **changes)
            if finished := describe_finished(run, settings):
                say(finished)
                return 0
        if {"models", "api_base", "prices", "forms"} & changes.keys():
            api_base, prices = changes.get("api_base"), changes.get("prices", ())
            agents = [AgentSpec.parse(text).name for text in settings.agents]
            forms = changes.get("forms", ())
            check_model_options(settings.models, api_base, prices, forms, agents)
        build_models(settings)  # a missing key is refused before anything is changed
        build_agents(settings)
        run = reopen_run(options.name, changes, say)
        pages.enter_context(serve_beside(port, [options.name], say))
        return work_on(run, console)[0]
