"""Questions to a driver's own program, which may be missing, fail or hang."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence

PATIENCE = 60.0  # seconds for an answer: a driver may have to wake sleeping GPUs


def query(program: str, words: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
    """Run a driver's program and return its exit code and output; (0, "") if it is not installed.

    Args:
        program: Name of the program.
        words: Its arguments.
        environ: Environment whose PATH leads to it.
    """
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        return 0, ""
    try:
        asked = subprocess.Popen(
            [path, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return 127, str(error)
    try:
        output, _ = asked.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        asked.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            asked.wait(1)  # no longer: a driver may hold it in the kernel for ever
        return 124, f"it was still running after {PATIENCE:g} s"
    return asked.returncode, output.strip() or "without a word"
