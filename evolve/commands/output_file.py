"""The file that a command writes, which replaces another one only if it is told to."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive import RunError


def output_option(parser: argparse.ArgumentParser, metavar: str, what: str) -> None:
    """Add the options `-o` and `--force`."""
    parser.add_argument("-o", type=Path, dest="output", metavar=metavar, help=what)
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")


def check_output(path: Path, *, force: bool) -> None:
    """Check that a file may be written.

    Raises:
        RunError: It exists and `force` is not given, or it is no file; the message says so.
    """
    if path.exists() and not path.is_file():
        raise RunError(f"{path} is {'a folder' if path.is_dir() else 'no ordinary file'}")
    if path.exists() and not force:
        raise RunError(f"{path} exists already; name another file, or replace it with --force")
