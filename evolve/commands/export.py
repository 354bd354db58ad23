"""`python -m evolve export`: a genome's source."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from archive.files import replace_file
from evolve.commands.console import new_console, score_words
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.commands.output_file import check_output, output_option
from evolve.commands.run_state import print_confirmation
from evolve.runs.history import view_search
from evolve.runs.run import find_individual, open_run


def arguments() -> argparse.ArgumentParser:
    parser = new_parser("export", "Write a genome's source.")
    run_argument(parser)
    individual_argument(parser)
    output_option(parser, "FILE", "file to write (default: print the source)")
    return parser


def command(options: argparse.Namespace) -> int:
    """Write a genome's source."""
    output: Path | None = options.output
    with closing(open_run(options.name)) as run:
        individual = find_individual(run, options.individual)
        source = run.lineage.source(individual.commit)
        if output is None:
            sys.stdout.write(source)
            return 0
        check_output(output, force=options.force)
        with replace_file(output) as draft:
            draft.write_text(source, encoding="utf-8")
        print_confirmation(run, new_console())
        score = score_words(individual, view_search(run).noise)
        print(f"{output}: genome #{individual.id} of {run.folder.name} ({score})")
    return 0
