"""The words by which this program is started, for hints that a user can repeat."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def write_command(*arguments: str, program: str = "evolve") -> str:
    """The command that starts a program as this process was started, quoted for a shell.

    Args:
        arguments: Arguments of the command. What is in capitals or brackets stands for a value and
            is not quoted.
        program: "evolve" or "trainer".
    """
    if launcher := os.environ.get("EVOLVE_LAUNCHER"):
        start = f"{launcher} {program}"
    elif Path(sys.argv[0]).name.startswith("evolve"):
        start = "evolve" if program == "evolve" else f"evolve-{program}"
    else:
        start = f"python -m {program}"
    return " ".join([start, *map(_quote, arguments)])


def write_install(extra: str) -> str:
    """The command that installs an extra of this project where this process runs.

    Args:
        extra: Name of the extra, such as "serve".
    """
    if launcher := os.environ.get("EVOLVE_LAUNCHER"):
        return f"{launcher} setup {extra}"
    return f"pip install -e '.[{extra}]'"


def _quote(argument: str) -> str:
    stands_for_a_value = argument.isupper() or argument == "D,..."
    return argument if stands_for_a_value else shlex.quote(argument)
