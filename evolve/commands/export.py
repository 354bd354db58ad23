"""`python -m evolve export`: a genome's source, or a run for other programs."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from archive import RunError
from archive.files import replace_file
from evolve.commands.console import new_console, score_words
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.commands.output_file import check_output, output_option
from evolve.commands.run_state import print_confirmation
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, open_run
from population.formatting import format_count
from views.exports import EXPORTS, Exported


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "export",
        "Write a genome's source; or, with --to, every experiment of the run in a format that "
        "other programs read.",
    )
    run_argument(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    individual_argument(what, nargs="?", default=None)
    what.add_argument(
        "--to",
        choices=EXPORTS,
        help="format of the experiments: "
        + "; ".join(f"{name}: {export.about}" for name, export in EXPORTS.items()),
    )
    output_option(
        parser, "FILE", "file to write, with --to tensorboard a folder (default: print the source)"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Write a genome's source, or a run's experiments."""
    output: Path | None = options.output
    with closing(open_run(options.name)) as run:
        if options.to is not None:
            _export_run(run, options.to, output, force=options.force)
            return 0
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


def _export_run(run: Run, name: str, output: Path | None, *, force: bool) -> None:
    export, exported = EXPORTS[name], Exported(run.record, run.task.metric, run.task.direction)
    if output is None:
        output = Path(f"{run.folder.name}{export.ending}")
    if export.is_folder:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise RunError(f"{output} exists already and is not an empty folder; name another one")
        count = export.write(exported, output)
    else:
        check_output(output, force=force)
        with replace_file(output) as draft:
            count = export.write(exported, draft)
    print(f"{output}: {format_count(count, 'experiment')} of {run.folder.name}")
