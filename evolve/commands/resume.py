"""`python -m evolve resume`: go on with a run."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace

from archive.run_folder import RunFolder
from evolve.commands.console import new_console, sayer
from evolve.commands.options import new_parser, run_argument
from evolve.commands.working import work_on
from evolve.models import build_models, check_model_options
from evolve.options import add_options, read_options
from evolve.runs.run import open_run, reopen_run
from evolve.settings import Settings


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "resume",
        "Go on with a run where it stopped; more --generations extend it. An option that is left "
        "out stays as the run has it; --model and --price replace all models and all prices.",
    )
    run_argument(parser)
    add_options(parser, Settings, resumed=True)
    return parser


def command(options: argparse.Namespace) -> int:
    """Go on with a run."""
    changes = read_options(options, Settings, resumed=True)
    console = new_console()
    with RunFolder.existing(options.name).lock():  # nothing of a run is touched that another uses
        with closing(open_run(options.name)) as run:
            settings = replace(run.settings, **changes)
        if {"models", "api_base", "prices"} & changes.keys():
            api_base, prices = changes.get("api_base"), changes.get("prices", ())
            check_model_options(settings.models, api_base, prices)
        build_models(settings)  # a missing key is refused before anything is changed
        return work_on(reopen_run(options.name, changes, sayer(console)), console)[0]
