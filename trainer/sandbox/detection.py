"""Detection of the sandbox that works on this machine, by running something in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from trainer.sandbox.level import SandboxError
from trainer.sandbox.registry import LEVELS, load_level
from trainer.sandbox.sandbox import Limits, Sandbox

AUTO = "auto"
PATIENCE = 60  # seconds until a probe counts as failed
PROBE = Limits(memory=1 << 30, processes=64, file_size=1 << 20, disk=1 << 20)
INSTALL = "apt-get install bubblewrap"
HELP = (
    f"Install bubblewrap ({INSTALL}; a container must be allowed to make namespaces), or, if you "
    "trust all code that will run, choose --sandbox none."
)


def find_sandbox(choice: str, environ: Mapping[str, str] = os.environ) -> Sandbox:
    """Find the sandbox that a user's choice names, and try it out.

    Args:
        choice: "auto" (the strongest level that works) or the name of a level in `LEVELS`.
        environ: The user's environment; its PATH leads to programs such as bubblewrap.

    Raises:
        SandboxError: The choice is unknown or does not work here, or no level works that protects.
    """
    if choice not in (AUTO, *LEVELS):
        raise SandboxError(f'there is no sandbox "{choice}", only {AUTO}, {", ".join(LEVELS)}')
    refused: list[str] = []
    for name in LEVELS if choice == AUTO else [choice]:
        if choice == AUTO and not load_level(name).protects:
            continue
        try:
            return _try(name, environ, "".join(f"; {why}" for why in refused))
        except SandboxError as error:
            refused.append(str(error))
    raise SandboxError(f"{'; '.join(refused)}. {HELP}")


def _try(name: str, environ: Mapping[str, str], stronger: str) -> Sandbox:
    """A sandbox of this level, which has run something; `stronger` says why no stronger one."""
    level = load_level(name)
    if not level.protects:
        return Sandbox(name, *level.find(environ))
    if sys.platform != "linux":
        raise SandboxError(f"{name} needs Linux")
    found, program = level.find(environ)
    owner = ", as a user of its own" if os.geteuid() == 0 else ""
    sandbox = Sandbox(name, f"{found}{owner}{stronger}", program)
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
