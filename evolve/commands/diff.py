"""`python -m evolve diff`: how one genome differs from another, net."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from rich.text import Text

from evolve.commands.console import new_console, print_diff, score_words
from evolve.commands.options import new_parser, run_argument
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, open_run
from population import Individual
from population.family import find_seed

SEED = "seed"


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "diff",
        "Show how a genome differs from another one, whatever came between: from the seed to the "
        "best if nothing else is said. A terminal gets colours, a file or a pipe a plain patch.",
    )
    run_argument(parser)
    for name, default, other in (
        ("older", SEED, "seed, the first seed ancestor of B"),
        ("newer", "best", "best"),
    ):
        letter = "A" if name == "older" else "B"
        parser.add_argument(
            name,
            nargs="?",
            default=default,
            metavar=letter,
            help=f"a genome's number, best, or {SEED} (default: {other})",
        )
    return parser


def command(options: argparse.Namespace) -> int:
    """Print the difference of two genomes."""
    console = new_console()
    with closing(open_run(options.name)) as run:
        newer = _find(run, options.newer, None)
        older = _find(run, options.older, newer)
        change = run.lineage.diff(older.commit, newer.commit)
        if not change:
            print(f"genomes {older.id} and {newer.id} are the same", file=sys.stderr)
            return 0
        if console.is_terminal:
            noise = view_search(run).noise
            for one in (older, newer):
                line = f"#{one.id} ({score_words(one, noise)}) {one.description}"
                console.print(Text(line, "bold"), soft_wrap=True)
        print_diff(change, console)
    return 0


def _find(run: Run, text: str, newer: Individual | None) -> Individual:
    """The individual that is called ID, best or seed."""
    if text != SEED:
        return find_individual(run, text)
    everyone = {one.id: one for one in run.individuals()}
    return everyone[0] if newer is None else find_seed(everyone, newer)
