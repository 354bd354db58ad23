"""`python -m evolve export`: a genome's source."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evolve.commands.console import score_words
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.runs.history import shown_search
from evolve.runs.run import find_individual, look


def arguments() -> argparse.ArgumentParser:
    parser = new_parser("export", "Write a genome's source.")
    run_argument(parser)
    individual_argument(parser)
    parser.add_argument(
        "-o", type=Path, dest="output", metavar="FILE", help="the file to write (default: print it)"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Write a genome's source."""
    run = look(options.name)
    individual = find_individual(run, options.individual)
    source = run.lineage.source(individual.commit)
    output: Path | None = options.output
    if output is None:
        sys.stdout.write(source)
    else:
        output.write_text(source, encoding="utf-8")
        score = score_words(individual, shown_search(run).beliefs.noise)
        print(f"{output}: genome #{individual.id} of {run.folder.name} ({score})")
    run.close()
    return 0
