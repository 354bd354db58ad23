"""`python -m evolve ablate`: what each part of a genome is worth."""

from __future__ import annotations

import argparse

from rich.console import Console

from archive.run_folder import RunError, RunFolder
from evolve.commands.ablation_table import print_ablation
from evolve.commands.assembly import OpenEvaluator, ablate_run
from evolve.commands.changes import write_story
from evolve.commands.console import new_console, sayer
from evolve.commands.options import individual_argument, new_parser, run_argument
from evolve.loop.ablation import RUNS
from evolve.loop.loop import End
from evolve.options import add_options, parse_count, read_options
from evolve.runs.history import view_search
from evolve.runs.run import Run, find_individual, reopen_run
from evolve.settings import Settings
from population import Individual

EXIT_CODES = {End.COMPLETE: 0, End.INTERRUPTED: 130, End.NO_DEVICE: 2}
OPTIONS = ("task", "devices", "cluster", "device_type", "sandbox")


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "ablate",
        "Measure what each part of a genome is worth. The parts (constants, definitions, methods, "
        "paragraphs) in which it differs from its seed are reverted one at a time and measured "
        "beside it on fresh seeds. Then the distilled genome, without what does not count, is "
        "measured and joins the run. An ablation that was interrupted goes on where it stopped.",
    )
    run_argument(parser)
    individual_argument(parser, nargs="?")
    parser.add_argument(
        "--runs",
        type=_parse_runs,
        metavar="N",
        help=f"runs of each genome, at least 2 (default: {RUNS}, or as before)",
    )
    add_options(parser, Settings, only=OPTIONS, resumed=True)
    return parser


def _parse_runs(text: str) -> int:
    runs = parse_count(text)
    if runs < 2:
        raise argparse.ArgumentTypeError("at least 2 runs are needed: one alone has no interval")
    return runs


def command(options: argparse.Namespace) -> int:
    """Measure the parts of a genome."""
    console = new_console()
    with RunFolder.existing(options.name).lock():
        changes = read_options(options, Settings, resumed=True)
        run = reopen_run(options.name, changes, sayer(console))
        return ablate_individual(run, options.individual, options.runs, console)


def ablate_individual(
    run: Run,
    name: str,
    runs: int | None,
    console: Console,
    *,
    open_evaluator: OpenEvaluator | None = None,
) -> int:
    """Measure the parts of an individual and print their worth: the exit code.

    The caller has locked the run.

    Args:
        run: The run, which is closed then.
        name: Id of the individual, or "best".
        runs: Number of runs of each genome; None is as many as before, or the usual number.
        console: Console that the user looks at.
        open_evaluator: Function that opens the evaluator; None opens the one of the settings.
    """
    try:
        individual = find_individual(run, name)
        _check(run, individual)
        result, end = ablate_run(run, individual, runs, console, open_evaluator=open_evaluator)
        print_ablation(run, result, console)
        if individual.id == find_individual(run, "best").id:
            write_story(run, view_search(run), individual)
        return EXIT_CODES[end]
    finally:
        run.close()


def _check(run: Run, individual: Individual) -> None:
    """Refuse what has no parts to revert, or no score to compare with."""
    if not individual.parents:
        is_best = individual.scored and individual.id == find_individual(run, "best").id
        best = ", and still the best of this run" if is_best else ""
        raise RunError(
            f"genome {individual.id} is a seed{best}: nothing was changed in it, so there is "
            f"nothing to revert; python -m evolve list {run.folder.name} names the others"
        )
    if not individual.scored:
        raise RunError(
            f"genome {individual.id} has no score of the search, so its parts cannot be compared "
            f"with it; python -m evolve list {run.folder.name} names those that have one"
        )
