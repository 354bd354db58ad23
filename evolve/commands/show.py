"""`python -m evolve show`: an individual (scores, notes, line, changes), or a run's events."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from statistics import fmean
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive import Event, Experiment
from evolve.commands.ablation_table import print_ablation
from evolve.commands.changes import (
    Step,
    describe_undone,
    drop_repeated_notes,
    tell_story,
    trace_step,
)
from evolve.commands.console import (
    new_console,
    new_table,
    print_diff,
    printable,
    score_words,
)
from evolve.commands.json_output import (
    describe_experiment,
    describe_individual,
    json_option,
    print_json,
)
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.commands.run_state import print_confirmation
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, open_run
from evolve.search.search import Search
from population import Individual, Noise
from population.formatting import describe_noise, format_number, format_score
from views.outcomes import name_outcome


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
    return describe_genome(run, options.individual)


def describe_genome(run: Run, which: str) -> dict[str, Any]:
    """An individual with its runs and changes, for JSON.

    Args:
        run: The run.
        which: The individual's number, or "best".
    """
    search, one = view_search(run), find_individual(run, which)
    return {
        **describe_individual(search.individuals.get(one.id, one), search),
        "prior": None if one.prior is None else one.prior.to_dict(),
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
    print_confirmation(run, console)
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
        console.print(_experiments(run, individual, experiments))
        _print_parts(run, experiments[-1], console)
    if individual.parents:
        story = tell_story(run, search, individual)
        own = trace_step(run, search, individual)
        _print_notes(own, console)
        _print_steps(drop_repeated_notes([own, *story.steps[:-1]])[1:], console)
        if story.undone:
            console.print(describe_undone(story), soft_wrap=True)
        if story.ablation is not None:
            print_ablation(run, story.ablation, console)
    for parent in (search.individuals[number] for number in individual.parents):
        console.print(Text(f"\nwhat changed against parent #{parent.id}:", "bold"))
        print_diff(run.lineage.diff(parent.commit, individual.commit), console)


def _print_family(individual: Individual, search: Search, console: Console) -> None:
    for parent in (search.individuals[number] for number in individual.parents):
        line = f"parent #{parent.id} ({score_words(parent, search.noise)}): {parent.description}"
        console.print(Text(line), soft_wrap=True)
    everyone = search.individuals.values()
    children = [str(one.id) for one in everyone if individual.id in one.parents]
    if children:
        console.print(f"children: {', '.join(children)}", soft_wrap=True)


def _print_scores(run: Run, individual: Individual, search: Search, console: Console) -> None:
    console.print(f"{run.task.metric} {_describe_score(run, individual, search.noise)}")
    if individual.prior is not None:
        typical = format_score(individual.prior.typical, search.noise.deviation)
        console.print(f"expected at its birth: about {typical}")
    if search.noise.deviation:
        console.print(describe_noise(search.noise.deviation))
    for axis in run.task.axes:
        if axis.name in individual.measures:
            console.print(
                f"{axis.label}: {format_number(individual.measures[axis.name], axis.unit)}"
            )


def _describe_score(run: Run, individual: Individual, noise: Noise) -> str:
    """The score of an individual; the mean of fresh runs of one that the search did not measure."""
    own = [e for e in run.record.experiments() if e.individual == individual.id]
    scores = [e.measurement.fitness for e in own if e.measurement.fitness is not None]
    if individual.measurements or not scores:
        return score_words(individual, noise)
    score = format_score(fmean(scores), noise.deviation)
    return f"{score} in {len(scores)} fresh runs, not measured by the search"


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


def _print_steps(steps: Sequence[Step], console: Console) -> None:
    if not steps:
        return
    console.print(Text("\nthe changes before it that still stand:", "bold"))
    for one in steps:
        console.print(Text(f"#{one.individual.id} {one.individual.description}"), soft_wrap=True)
        for line in filter(None, (one.notes, one.did, one.stands)):
            console.print(Text(indent(printable(line), "    ")), soft_wrap=True)


def _experiments(run: Run, individual: Individual, experiments: Sequence[Experiment]) -> Table:
    table = new_table("experiment", "status", run.task.metric, "seconds", "GiB", "device", "seed")
    table.add_column("reason", overflow="fold")
    for experiment in experiments:
        m = experiment.measurement
        table.add_row(
            str(experiment.number),
            name_outcome(experiment, individual),
            "" if m.fitness is None else f"{m.fitness:.6f}",
            f"{m.seconds:.1f}",
            f"{m.memory_gb:.2f}" if m.memory_gb else "",
            m.device,
            str(m.seed),
            m.reason,
        )
    return table
