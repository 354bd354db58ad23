"""A folder and a sandbox, in which a scoring script lets a genome run."""

from __future__ import annotations

import os
import stat
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
from trainer.scoring.module import DRIVER, Module

SANDBOX, BWRAP, MEMORY = "TRAINER_SANDBOX", "TRAINER_BWRAP", "TRAINER_MEMORY"
OUTPUT = 1 << 20  # bytes of what a command printed that are given back


@dataclass(frozen=True)
class Done:
    """How a command in a box ended. Nothing of it runs any more.

    Attributes:
        code: its exit code; None if a signal or its limit ended it.
        signal: the signal that ended it, if one did.
        timed_out: whether it ran into its limit.
        seconds: wall-clock, with the start of the sandbox.
        peak_bytes: peak memory of its largest process.
        output: the end of what it printed. It may say anything.
    """

    code: int | None
    signal: int | None
    timed_out: bool
    seconds: float
    peak_bytes: int
    output: str

    @classmethod
    def of(cls, ended: Ended, log: Path) -> Done:
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
        environ: of the scoring script; the trainer says there which sandbox it found. By hand it
            is the strongest that works here.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._sandbox = _sandbox(environ)
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
        """Write a file into the folder.

        Raises:
            ValueError: the path leads out of the folder.
        """
        target = self.folder / check_path(path, "path")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, path: str, most: int = 1 << 24) -> bytes:
        """A file that a command has left in the folder.

        Args:
            path: within the folder.
            most: bytes.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no regular file in the folder (a link, a pipe), or too large.
        """
        target = self.folder / check_path(path, "path")
        if target.parent.resolve() != target.parent.absolute():
            raise ValueError(f"{path} lies behind a link")
        try:
            descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            os.close(descriptor)
            raise ValueError(f"{path} is no regular file of at most {most} bytes")
        with open(descriptor, "rb") as file:
            return file.read(most)

    def run(self, command: Sequence[str], *, seconds: float) -> Done:
        """Run a command in the folder to its end.

        Args:
            command: its words; "python" as the first means this interpreter.
            seconds: after which it is killed, with all that it started.
        """
        log = self._new_log()
        ended = run(
            self._wrapped(command, []),
            folder=self.folder,
            env=self._environment(),
            log=log,
            limit=seconds,
        )
        return Done.of(ended, log)

    def module(self, path: str, *, seconds: float = 30.0) -> Module:
        """A Python file of the folder, imported in the sandbox, to call its functions from here.

        Args:
            path: of the file.
            seconds: that the import may take.

        Raises:
            Failed: it cannot be imported.
        """
        self.put(DRIVER.name, DRIVER.read_bytes())
        return Module(
            lambda fds: self._wrapped(["python", "-B", DRIVER.name, check_path(path, "path")], fds),
            folder=self.folder,
            env=self._environment(),
            log=self._new_log(),
            seconds=seconds,
        )

    def _new_log(self) -> Path:
        self._logs += 1
        return self._place / f"log-{self._logs}"

    def _environment(self) -> dict[str, str]:
        own_tmp = self._sandbox.has_own_tmp
        return build_environment(self.folder, self._environ, own_tmp=own_tmp)

    def _wrapped(self, command: Sequence[str], keep_fds: Sequence[int]) -> list[str]:
        return self._sandbox.wrap(
            command, folder=self.folder, limits=self._limits, keep_fds=keep_fds
        )


def _sandbox(environ: Mapping[str, str]) -> Sandbox:
    level = environ.get(SANDBOX)
    if level is None:
        return find_sandbox("auto", environ)
    return Sandbox(level, "as the trainer found it", environ.get(BWRAP, ""))
