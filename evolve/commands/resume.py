"""`python -m evolve resume`: go on with a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive.run_folder import RunFolder
from evolve.commands.console import new_console, sayer
from evolve.commands.options import (
    device_option,
    length_options,
    model_options,
    new_parser,
    run_argument,
)
from evolve.commands.work import work
from evolve.run.run import reopen

RESUMABLE = (  # options that a resumed run may change, besides its models
    *("task", "generations", "hours", "target", "devices", "sandbox"),
    *("api_base", "price", "max_cost", "offline_after", "context_tokens"),
)


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "resume", "Go on with a run where it stopped; more --generations extend it."
    )
    run_argument(parser)
    parser.add_argument(
        "--task",
        type=lambda text: str(Path(text).resolve()),
        metavar="DIR",
        help="where the task's folder is now, if it was moved",
    )
    length_options(parser)
    device_option(parser)
    model_options(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Go on with a run."""
    changes = {name: value for name in RESUMABLE if (value := getattr(options, name)) is not None}
    if options.model:
        changes["models"] = tuple(options.model)
    console = new_console()
    with RunFolder.existing(options.name).lock():  # nothing of a run is touched that another uses
        return work(reopen(options.name, changes, sayer(console)), console)[0]
