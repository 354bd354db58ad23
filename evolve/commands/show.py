"""`python -m evolve show`: an individual (scores, notes, line, changes), or a run's events."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from archive import Event, Experiment
from evolve.commands.changes import Step, trace_change, trace_changes
from evolve.commands.console import new_console, new_table, printable, score_words
from evolve.commands.json_output import (
    describe_experiment,
    describe_individual,
    json_option,
    print_json,
)
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, open_run
from evolve.search.search import Search
from population import Individual
from population.formatting import describe_noise, format_number


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "show",
        "Show an individual: its scores, its parents, what changed. With --events: what happened "
        "to the run.",
    )
    run_argument(parser)
    what = parser.add_mutually_exclusive_group()
    individual_argument(what, nargs="?")
    what.add_argument(
        "--events",
        action="store_true",
        help="list the run's events with their times: starts and stops, models that did not "
        "answer, lost devices, defects with their tracebacks",
    )
    json_option(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Show an individual, or a run's events."""
    console = new_console()
    with closing(open_run(options.name)) as run:
        if options.json:
            print_json(_describe(run, options))
        elif options.events:
            _print_events(run.record.events(), console)
        else:
            _show(run, find_individual(run, options.individual), view_search(run), console)
    return 0


def _describe(run: Run, options: argparse.Namespace) -> Any:
    """What `--json` prints: the events, or an individual with its runs and changes."""
    if options.events:
        return [event._asdict() for event in run.record.events()]
    search, one = view_search(run), find_individual(run, options.individual)
    return {
        **describe_individual(search.individuals.get(one.id, one), search),
        "prior": None
        if one.prior is None
        else {"mean": one.prior.mean, "weight": one.prior.weight},
        "notes": run.lineage.notes(one.commit),
        "children": [other.id for other in run.individuals() if one.id in other.parents],
        "experiments": [
            {**describe_experiment(e), "curve": run.record.curve(e.number)}
            for e in run.record.experiments()
            if e.individual == one.id
        ],
        "changes": {
            parent: run.lineage.diff(search.individuals[parent].commit, one.commit)
            for parent in one.parents
        },
    }


def _print_events(events: Sequence[Event], console: Console) -> None:
    """Print each event with its time and kind; further lines of its text are indented."""
    if not events:
        console.print("no events are recorded")
    width = max((len(event.kind) for event in events), default=0)
    for event in events:
        first, *more = printable(event.text).splitlines() or [""]
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time))
        line = Text.assemble((when, "dim"), f"  {printable(event.kind):{width}}  ", first)
        console.print(line, soft_wrap=True)
        for text in more:
            console.print(Text(indent(text, " " * 4)), soft_wrap=True)


def _show(run: Run, individual: Individual, search: Search, console: Console) -> None:
    console.print(Text(f"#{individual.id} {individual.description}", "bold"))
    by = f" of {individual.model}" if individual.model else ""
    console.print(
        f"made by {individual.operator}{by} in generation {individual.generation}, "
        f"commit {individual.commit[:12]}",
        soft_wrap=True,
    )
    _print_family(individual, search, console)
    _print_scores(run, individual, search, console)
    experiments = [e for e in run.record.experiments() if e.individual == individual.id]
    if experiments:
        console.print(_experiments(run, experiments))
        _print_parts(run, experiments[-1], console)
    if individual.parents:
        own = trace_change(run, search, individual.id)
        _print_notes(own, console)
        _print_line(trace_changes(run, search, individual.id)[:-1], console)
    for parent in (search.individuals[number] for number in individual.parents):
        console.print(Text(f"\nwhat changed against parent #{parent.id}:", "bold"))
        change = run.lineage.diff(parent.commit, individual.commit)
        if console.is_terminal:
            console.print(Syntax(change, "diff", background_color="default", word_wrap=True))
        else:
            print(change)


def _print_family(individual: Individual, search: Search, console: Console) -> None:
    for parent in (search.individuals[number] for number in individual.parents):
        line = f"parent #{parent.id} ({score_words(parent, search.noise)}): {parent.description}"
        console.print(Text(line), soft_wrap=True)
    everyone = search.individuals.values()
    children = [str(one.id) for one in everyone if individual.id in one.parents]
    if children:
        console.print(f"children: {', '.join(children)}", soft_wrap=True)


def _print_scores(run: Run, individual: Individual, search: Search, console: Console) -> None:
    console.print(f"{run.task.metric} {score_words(individual, search.noise)}")
    if individual.prior is not None:
        console.print(
            f"expected at its birth: {individual.prior.mean:.6g}, "
            f"which counts as {individual.prior.weight:.2g} runs"
        )
    if search.noise:
        console.print(describe_noise(search.noise))
    for axis in run.task.axes:
        if axis.name in individual.measures:
            console.print(
                f"{axis.label}: {format_number(individual.measures[axis.name], axis.unit)}"
            )


def _print_parts(run: Run, experiment: Experiment, console: Console) -> None:
    """Print what else the latest run reported."""
    details = experiment.measurement.details
    parts = [f"{name} {value:.6g}" for name, value in details.items() if name != run.task.metric]
    if parts:
        console.print(Text(f"its report: {', '.join(parts)}"), soft_wrap=True)


def _print_notes(own: Step, console: Console) -> None:
    console.print(Text("\nits notes:", "bold"))
    for line in filter(None, (own.individual.description, own.notes, own.did)):
        console.print(Text(printable(line)), soft_wrap=True)


def _print_line(steps: Sequence[Step], console: Console) -> None:
    if not steps:
        return
    console.print(Text("\nthe changes before it, which it has from its ancestors:", "bold"))
    for one in steps:
        console.print(Text(f"#{one.individual.id} {one.individual.description}"), soft_wrap=True)
        for line in filter(None, (one.notes, one.did)):
            console.print(Text(indent(printable(line), "    ")), soft_wrap=True)


def _experiments(run: Run, experiments: Sequence[Experiment]) -> Table:
    table = new_table("experiment", "status", run.task.metric, "seconds", "GiB", "device", "seed")
    table.add_column("reason", overflow="fold")
    for experiment in experiments:
        m = experiment.measurement
        table.add_row(
            str(experiment.number),
            experiment.outcome,
            "" if m.fitness is None else f"{m.fitness:.6f}",
            f"{m.seconds:.1f}",
            f"{m.memory_gb:.2f}",
            m.device,
            str(m.seed),
            m.reason,
        )
    return table
