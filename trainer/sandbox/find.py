"""Finds out which sandbox works on this machine: by running something in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from trainer.sandbox import landlock
from trainer.sandbox.wrap import Level, Limits, Sandbox, SandboxError

PATIENCE = 60  # seconds until a probe counts as failed
PROBE = Limits(memory=1 << 30, processes=64, file_size=1 << 20, disk=1 << 20)
INSTALL = "apt-get install bubblewrap"
UNPROTECTED = (
    "no sandbox: what runs can read your files and keys, use the network and change whatever you "
    "can change"
)
HELP = (
    f"Install bubblewrap ({INSTALL}; a container must be allowed to make namespaces), or, if you "
    "trust all code that will run, choose --sandbox none."
)


def find_sandbox(choice: str, environ: Mapping[str, str] = os.environ) -> Sandbox:
    """The sandbox that a user's choice names, tried out.

    Args:
        choice: "auto" (the strongest that works), "bwrap", "landlock" or "none".
        environ: its PATH leads to bubblewrap.

    Raises:
        SandboxError: the choice is unknown or does not work here, or none works but "none".
    """
    if choice == Level.NONE:
        return Sandbox(Level.NONE, UNPROTECTED)
    if choice != "auto" and choice not in list(Level):
        raise SandboxError(f'there is no sandbox "{choice}", only auto, {", ".join(Level)}')
    refused: list[str] = []
    for level in (Level.BWRAP, Level.LANDLOCK):
        if choice in ("auto", level):
            try:
                return _try(level, environ, "".join(f"; {why}" for why in refused))
            except SandboxError as error:
                refused.append(str(error))
    raise SandboxError(f"{'; '.join(refused)}. {HELP}")


def _try(level: Level, environ: Mapping[str, str], stronger: str) -> Sandbox:
    if sys.platform != "linux":
        raise SandboxError(f"{level} needs Linux")
    owner = ", as a user of its own" if os.geteuid() == 0 else ""
    if level is Level.BWRAP:
        program = shutil.which("bwrap", path=environ.get("PATH"))
        if program is None:
            raise SandboxError("bubblewrap is not installed")
        sandbox = Sandbox(level, f"bubblewrap with seccomp{owner}{stronger}", program)
    else:
        try:
            version = landlock.abi()
        except OSError as error:
            raise SandboxError(f"no {error.args[1]}") from error
        sandbox = Sandbox(level, f"Landlock (ABI {version}) with seccomp{owner}{stronger}")
    _probe(sandbox)
    return sandbox


def _probe(sandbox: Sandbox) -> None:
    """Run this interpreter in it, which shows whether its files can be read there, too."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as name:
        command = sandbox.wrap(
            ["python", "-I", "-S", "-c", "pass"], folder=Path(name), limits=PROBE
        )
        try:
            done = subprocess.run(
                command,
                env={"LC_ALL": "C"},
                cwd=name,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{sandbox.level} does not end within {PATIENCE} s") from error
    if done.returncode:
        said = " / ".join(done.stderr.split("\n")).strip(" /") or f"code {done.returncode}"
        raise SandboxError(f"{sandbox.level} does not work here ({said})")
