"""`python -m evolve lineage`: the family tree of a genome."""

from __future__ import annotations

import argparse
from contextlib import closing

from rich.console import Console
from rich.text import Text

from evolve.commands.console import new_console, printable
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.runs.history import view_search
from evolve.runs.run import find_individual, open_run
from evolve.search.search import Search
from population import Individual
from population.formatting import choose_format


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "lineage",
        "Draw a genome's family tree as git does, from the genome on top to the seed: of each "
        "ancestor its score, its gain over the fitter parent and its idea. Crossovers are merges.",
    )
    run_argument(parser)
    individual_argument(parser, nargs="?")
    return parser


def command(options: argparse.Namespace) -> int:
    """Draw the family tree of a genome."""
    console = new_console()
    with closing(open_run(options.name)) as run:
        search = view_search(run)
        individual = find_individual(run, options.individual)
        lines = run.lineage.draw_graph(individual.commit)
        known = search.individuals  # without genomes that were measured beside the search
        by_commit = {one.commit: known.get(one.id, one) for one in run.individuals()}
        family = [by_commit[name] for _, name in lines if name in by_commit]
        values = [one.objective for one in family if one.objective is not None]
        write = choose_format(values) if values else str
        width = max((len(drawn) for drawn, _ in lines), default=0)
        for drawn, name in lines:
            if name in by_commit:
                one = by_commit[name]
                score = str(one.status or "-") if one.objective is None else write(one.objective)
                _print_one(one, score, search, drawn.ljust(width), console)
            elif not name:
                console.print(Text(drawn, "dim"))
    return 0


def _print_one(one: Individual, score: str, search: Search, drawn: str, console: Console) -> None:
    line = Text(f"{drawn} ", "dim")
    line.append(f"#{one.id}", "cyan")
    line.append(f" {score}", "default")
    if one.parents and one.scored and all(parent in search.individuals for parent in one.parents):
        gain = search.gain(one)
        line.append(f" ({gain:+.3g})", "green" if gain > 0 else "dim")
    line.append(f" {printable(one.description)}", "default")
    line.append(f"  {one.operator}", "dim")
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        console.print(line, soft_wrap=True)
