"""`python -m evolve resume`: go on with a run."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from archive.run_folder import RunFolder
from evolve.commands.console import new_console, sayer
from evolve.commands.options import (
    device_option,
    length_options,
    model_options,
    new_parser,
    resumed,
    run_argument,
)
from evolve.commands.working import work
from evolve.models import build_models, check_model_options
from evolve.runs.run import look, reopen


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "resume",
        "Go on with a run where it stopped; more --generations extend it. An option that is left "
        "out stays as the run has it; --model and --price replace all models and all prices.",
    )
    what = parser.add_argument_group("what to do")
    run_argument(what)
    what.add_argument(
        "--task",
        type=lambda text: str(Path(text).resolve()),
        metavar="DIR",
        help="the task's folder, if it was moved (default: where it was)",
    )
    length_options(parser)
    device_option(parser)
    model_options(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Go on with a run."""
    changes, console = resumed(options), new_console()
    with RunFolder.existing(options.name).lock():  # nothing of a run is touched that another uses
        with closing(look(options.name)) as run:
            settings = replace(run.settings, **changes)
        if {"models", "api_base", "prices"} & changes.keys():
            check_model_options(settings.models, options.api_base, changes.get("prices", ()))
        build_models(settings)  # a missing key is refused before anything is changed
        return work(reopen(options.name, changes, sayer(console)), console)[0]
