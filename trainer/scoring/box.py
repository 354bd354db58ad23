"""A folder and a sandbox, in which a scoring script runs the genome."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from trainer.head import check_path
from trainer.log import read_end
from trainer.process import Ended, build_environment, run
from trainer.sandbox import Limits, Sandbox, find_sandbox, remove_tree
from trainer.scoring.folder import read_file, write_file
from trainer.scoring.module import DRIVER, Module

SANDBOX, BWRAP, MEMORY = "TRAINER_SANDBOX", "TRAINER_BWRAP", "TRAINER_MEMORY"
OUTPUT = 1 << 20  # bytes at the end of a command's output that are handed over


@dataclass(frozen=True)
class CommandResult:
    """How a command in a box ended. None of its processes runs any more.

    Attributes:
        code: Its exit code; None if a signal or its limit ended it.
        signal: The signal that ended it; None if none did.
        timed_out: Whether it ran into its limit.
        seconds: Wall-clock time, the sandbox's start included.
        peak_bytes: Peak memory of its largest process, in bytes.
        output: The end of its output, which may say anything.
    """

    code: int | None
    signal: int | None
    timed_out: bool
    seconds: float
    peak_bytes: int
    output: str

    @classmethod
    def of(cls, ended: Ended, log: Path) -> CommandResult:
        """The result of a process whose output is in a log."""
        return cls(
            ended.code,
            ended.signal,
            ended.timed_out,
            ended.seconds,
            ended.peak_bytes,
            read_end(log, OUTPUT),
        )


class Box:
    """An empty folder, in which commands run in the sandbox, one after the other.

    They may read and write the folder and see nothing else but the interpreter and the system.
    The folder is removed when the `with` block ends.

    Args:
        environ: The scoring script's environment, in which the trainer names the sandbox that it
            found. By hand the box takes the strongest one that works here.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._sandbox = _choose_sandbox(environ)
        self._limits = (
            Limits(int(environ[MEMORY])) if environ.get(MEMORY) else Limits.share(slots=1)
        )
        self._place = Path(tempfile.mkdtemp(prefix="box-", dir=environ.get("TMPDIR")))
        self._logs = 0
        self.folder = self._place / "folder"
        (self.folder / ".tmp").mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder, whatever the genome made of it."""
        remove_tree(str(self._place))

    def put(self, path: str, content: str | bytes) -> None:
        """Write a file into the folder, in place of whatever has its name now.

        Args:
            path: Path within the folder.
            content: Text or bytes of the file.

        Raises:
            ValueError: The path leads out of the folder.
        """
        data = content.encode() if isinstance(content, str) else content
        write_file(self.folder, check_path(path, "path"), data)

    def read(self, path: str, most: int = 1 << 24) -> bytes:
        """Read a file that a command has left in the folder.

        Args:
            path: Path within the folder.
            most: Most bytes that the file may have.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no regular file in the folder (a link, a pipe), or too large.
        """
        return read_file(self.folder, check_path(path, "path"), most)

    def run(self, command: Sequence[str], *, seconds: float) -> CommandResult:
        """Run a command in the folder to its end.

        Args:
            command: Words of the command; "python" as the first means this interpreter.
            seconds: Seconds after which it is killed, with every process that it started.
        """
        log = self._new_log()
        ended = run(
            self._wrap(command, []),
            folder=self.folder,
            env=self._make_environment(),
            log=log,
            limit=seconds,
        )
        return CommandResult.of(ended, log)

    def module(self, path: str, *, seconds: float = 30.0) -> Module:
        """Import a Python file of the folder in the sandbox, to call its functions from here.

        Args:
            path: Path of the file within the folder.
            seconds: Most seconds that the import may take.

        Raises:
            ModuleError: The file cannot be imported.
        """
        self.put(DRIVER.name, DRIVER.read_bytes())
        return Module(
            lambda fds: self._wrap(["python", "-B", DRIVER.name, check_path(path, "path")], fds),
            folder=self.folder,
            env=self._make_environment(),
            log=self._new_log(),
            seconds=seconds,
        )

    def _new_log(self) -> Path:
        self._logs += 1
        return self._place / f"log-{self._logs}"

    def _make_environment(self) -> dict[str, str]:
        own_tmp = self._sandbox.has_own_tmp
        return build_environment(self.folder, self._environ, own_tmp=own_tmp)

    def _wrap(self, command: Sequence[str], keep_fds: Sequence[int]) -> list[str]:
        return self._sandbox.wrap(
            command, folder=self.folder, limits=self._limits, keep_fds=keep_fds
        )


def _choose_sandbox(environ: Mapping[str, str]) -> Sandbox:
    level = environ.get(SANDBOX)
    if level is None:
        return find_sandbox("auto", environ)
    return Sandbox(level, "as the trainer found it", environ.get(BWRAP, ""))
