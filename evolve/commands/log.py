"""`python -m evolve log`: what a child printed, or prints now."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from archive import RunError, RunFolder
from evolve.commands.console import printable
from evolve.commands.options import new_parser, run_argument
from evolve.runs.run import find_individual, open_run

PAUSE = 0.2  # seconds between two looks at a log that grows
CHUNK = 1 << 16  # bytes


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "log",
        "Print what a genome printed while it ran. ID-N is the log of its run N, as the folder "
        "logs/ has it; without N it is the first run's. pN is what a coding agent printed who made "
        "proposal N.",
    )
    run_argument(parser)
    parser.add_argument("which", metavar="ID", help="a genome's number, or best; ID-N; or pN")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on as the child prints, until it ends"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Print a child's log."""
    folder = RunFolder.existing(options.name)
    label = _find_label(options.name, options.which)
    log = folder.log(label)
    if not log.is_file():
        known = [path.stem for path in folder.path.glob(f"logs/{label.partition('-')[0]}-*.log")]
        others = f"; there are {', '.join(sorted(known))}" if known else ""
        raise RunError(f"run {folder.name} has no log {label}: it has not run yet{others}")
    for text in _read(log, folder.work / label if options.follow else None):
        sys.stdout.write(printable(text))
        sys.stdout.flush()
    return 0


def _find_label(name: str, which: str) -> str:
    """The name of a log: the genome's number, and that of its run."""
    if which[:1] == "p" and which[1:].isdecimal():
        return f"agent-{which}"
    number, dash, run_number = which.partition("-")
    if dash and not run_number.isdecimal():
        raise RunError(f"{which} is no genome's number, nor ID-N of one of its runs")
    with closing(open_run(name)) as run:
        return f"{find_individual(run, number).id}{dash}{run_number}"


def _read(log: Path, work: Path | None) -> Iterator[str]:
    """The text of a log, a piece at a time.

    Args:
        log: The log.
        work: Working folder of the child, whose end is the log's; None does not wait for it.
    """
    with log.open(encoding="utf-8", errors="replace", newline="") as file:
        while True:
            runs = work is not None and work.is_dir()  # looked at first: then the rest is read
            while text := file.read(CHUNK):
                yield text.replace("\r\n", "\n").replace("\r", "\n")
            if not runs:
                return
            time.sleep(PAUSE)
