"""`python -m evolve best`: the best genome, how good it is, and how it came to be."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.text import Text

from archive.comparison import NOT_CONFIRMED
from evolve.commands.console import new_console, printable, score_words
from evolve.commands.json_output import (
    describe_comparison,
    describe_individual,
    json_option,
    print_json,
)
from evolve.commands.options import new_parser, run_argument
from evolve.commands.run_state import read_confirmation
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, open_run
from evolve.search.search import Search
from population import Individual
from population.formatting import format_number
from population.invocation import write_command
from views.ancestry import tell_story, trace_ancestry


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "best",
        "Show the best genome of a run: its result in fresh runs, where it lies in the archive, "
        "and the changes that gained most on the way to it.",
    )
    run_argument(parser)
    json_option(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Show the best genome."""
    with closing(open_run(options.name)) as run:
        search = view_search(run)
        best = search.champion or find_individual(run, "best")
        if options.json:
            comparison = describe_comparison(read_confirmation(run, search))
            print_json({**describe_individual(best, search), "confirmed": comparison})
        else:
            _print_best(run, search, best, new_console())
    return 0


def _print_best(run: Run, search: Search, best: Individual, console: Console) -> None:
    console.print(Text(printable(f"#{best.id} {best.description}"), "bold"), soft_wrap=True)
    comparison, metric = read_confirmation(run, search), run.task.metric
    if comparison is not None:
        console.print(Text(comparison.text(metric)), soft_wrap=True)
    else:
        line = f"{metric} {score_words(best, search.noise)}, {NOT_CONFIRMED}"
        console.print(Text(line), soft_wrap=True)
    for axis in run.task.axes:
        if axis.name in best.measures:
            value = format_number(best.measures[axis.name], axis.unit)
            console.print(Text(f"{axis.label}: {value}"))
    if best.parents:
        _print_story(search, best, console)
    name, exported = run.folder.name, f"best{Path(run.task.genome).suffix}"
    console.print(Text(f"\nwrite it: {write_command('export', name, 'best', '-o', exported)}"))
    console.print(Text(f"its changes: {write_command('show', name, 'best')}"))
    console.print(Text(f"all about the run: {write_command('report', name)}"))


def _print_story(search: Search, best: Individual, console: Console) -> None:
    ancestry = trace_ancestry(search.individuals, best.id)
    gains = {node.individual.id: search.gain(node.individual) for node in ancestry.nodes}
    story = tell_story(ancestry, gains)
    console.print(Text("\nwhat made it better, by the gain over the fitter parent:", "bold"))
    for one in story:
        line = Text(f"{gains[one.id]:>+10.3g}  ", "green" if gains[one.id] > 0 else "dim")
        line.append(printable(f"#{one.id} {one.description}"), "default")
        line.append(f" ({one.operator})", "dim")
        console.print(line, soft_wrap=True)
