"""Attacks: small scripts that run inside a sandbox and print what they got away with."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from trainer.process import build_environment
from trainer.sandbox import LEVELS, Limits, Sandbox, SandboxError, find_sandbox
from trainer.sandbox.registry import load_level

LIMITS = Limits(memory=1 << 30, processes=200, file_size=64 << 20, disk=64 << 20)
# An attack calls attempt() on what it tries: "did ..." says that it was not prevented.
ATTEMPT = """
import os, sys
def attempt(what):
    try:
        print("did", what(), flush=True)
    except Exception as error:
        print("refused", type(error).__name__, flush=True)
"""


@cache
def sandbox_at(level: str) -> Sandbox | None:
    try:
        return find_sandbox(level)
    except SandboxError:
        return None


@dataclass
class Jail:
    """A sandbox with a working folder; `mark` is in the command line of all that it runs."""

    sandbox: Sandbox
    scratch: Path
    limits: Limits = LIMITS
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def folder(self) -> Path:
        return self.scratch / "work"

    @property
    def environ(self) -> dict[str, str]:
        return build_environment(self.folder, own_tmp=self.sandbox.has_own_tmp)

    def command(self, *words: str, limits: Limits | None = None, **more: Any) -> list[str]:
        return self.sandbox.wrap(words, folder=self.folder, limits=limits or self.limits, **more)

    def call(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        pass_fds: Iterable[int] = (),
        before: Sequence[str] = (),
        **more: Any,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, *self.command(*words, **more)],
            cwd=self.folder,
            env=self.environ if env is None else env,
            pass_fds=tuple(pass_fds),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=120,
        )

    def attack(self, script: str, **more: Any) -> list[str]:
        """The lines that an attack prints; it must not fail otherwise."""
        done = self.call("python", "-c", ATTEMPT + script, self.mark, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def living(self) -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                if self.mark in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except psutil.NoSuchProcess:
                continue
        return found


def jail_at(level: str, scratch: Path) -> Jail:
    sandbox = sandbox_at(level)
    if sandbox is None:
        pytest.skip(f"{level} does not work on this machine")
    jail = Jail(sandbox, scratch)
    (jail.folder / ".tmp").mkdir(parents=True)
    return jail


@pytest.fixture(params=[name for name in LEVELS if load_level(name).protects])
def jail(request: pytest.FixtureRequest) -> Iterator[Jail]:
    """A sandbox of each level that works here; the names of sockets in it must not be long."""
    with TemporaryDirectory(prefix="jail-") as scratch:
        yield jail_at(request.param, Path(scratch))


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Jail:
    """No sandbox: where an attack has to succeed, or it would prove nothing."""
    return jail_at("none", tmp_path_factory.mktemp("outside"))
