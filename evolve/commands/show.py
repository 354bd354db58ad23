"""`python -m evolve show`: one individual: its scores, its notes, its line, what changed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from textwrap import indent

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from archive.results import status_word
from archive.rows import Experiment
from evolve.commands.changes import Step, step, story
from evolve.commands.console import new_console, new_table, printable, score_words
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.runs.history import shown_search
from evolve.runs.run import Run, find_individual, look
from evolve.search.search import Search
from population import Individual
from population.formatting import human, noise_words


def arguments() -> argparse.ArgumentParser:
    parser = new_parser("show", "Show an individual: its scores, its parents, what changed.")
    run_argument(parser)
    individual_argument(parser, nargs="?")
    return parser


def command(options: argparse.Namespace) -> int:
    """Show an individual."""
    console = new_console()
    run = look(options.name)
    try:
        _show(run, find_individual(run, options.individual), shown_search(run), console)
    finally:
        run.close()
    return 0


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
        own = step(run, search, individual.id)
        _print_notes(own, console)
        _print_line(story(run, search, individual.id)[:-1], console)
    for parent in (search.individuals[number] for number in individual.parents):
        console.print(Text(f"\nwhat changed against parent #{parent.id}:", "bold"))
        change = run.lineage.diff(parent.commit, individual.commit)
        if console.is_terminal:
            console.print(Syntax(change, "diff", background_color="default", word_wrap=True))
        else:
            print(change)


def _print_family(individual: Individual, search: Search, console: Console) -> None:
    for parent in (search.individuals[number] for number in individual.parents):
        score = score_words(parent, search.beliefs.noise)
        line = f"parent #{parent.id} ({score}): {parent.description}"
        console.print(Text(line), soft_wrap=True)
    everyone = search.individuals.values()
    children = [str(one.id) for one in everyone if individual.id in one.parents]
    if children:
        console.print(f"children: {', '.join(children)}", soft_wrap=True)


def _print_scores(run: Run, individual: Individual, search: Search, console: Console) -> None:
    console.print(f"{run.task.metric} {score_words(individual, search.beliefs.noise)}")
    if individual.prior is not None:
        console.print(f"expected at its birth: about {individual.prior.typical:.6g}")
    if search.noise:
        console.print(noise_words(search.noise))
    for axis in run.task.axes:
        if axis.name in individual.measures:
            console.print(f"{axis.label}: {human(individual.measures[axis.name], axis.unit)}")


def _print_parts(run: Run, experiment: Experiment, console: Console) -> None:
    """What else the latest run reported."""
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
            status_word(experiment),
            "" if m.fitness is None else f"{m.fitness:.6f}",
            f"{m.seconds:.1f}",
            f"{m.memory_gb:.2f}",
            m.device,
            str(m.seed),
            m.reason,
        )
    return table
