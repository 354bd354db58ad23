"""`python -m evolve new`: write a task's folder to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from evolve.commands.options import new_parser
from evolve.commands.skeleton import write_skeleton
from population.invocation import write_command
from trainer.task import LANGUAGES


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "new", "Write a task's folder, small and working, to be changed into a task of your own."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="python",
        help="what the file that is evolved is written in (default python)",
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Write the skeleton of a task."""
    folder: Path = options.folder
    for path in write_skeleton(folder, options.language):
        print(path)
    start = write_command("--task", str(folder))
    print(f"try it:   {write_command('check', str(folder))}")
    if options.language == "python":
        print(f"and then: {start}")
        print(f"or with a model, for more than constants: {start} --model NAME --target 1.9")
    else:
        print(f"and then: {start} --model NAME")
    return 0
