"""The sandbox as its callers see it: its level, its limits, and the command that enters it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.devices import Device
from trainer.process import resolve_python
from trainer.sandbox.registry import load_level

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Limits:
    """What a child and all that it starts may use, together unless said otherwise.

    Attributes:
        memory: Bytes of the machine's memory, with what it writes to memory file systems.
        processes: Number of processes and threads.
        file_size: Bytes of a single file.
        disk: Bytes in its working folder, and again in /tmp.
        open_files: Number of descriptors of each process.
    """

    memory: int
    processes: int = 1024
    file_size: int = 4 << 30
    disk: int = 4 << 30
    open_files: int = 4096

    @classmethod
    def share(cls, slots: int) -> Limits:
        """Return the limits of a child that shares the machine with its like in other slots."""
        import psutil  # here: only who measures needs it

        return cls(memory=int(0.9 * psutil.virtual_memory().total / slots))


@dataclass(frozen=True)
class Sandbox:
    """A level that works on this machine; plain data, which a job can carry.

    Attributes:
        level: Name of the level.
        note: One line for people: what it is, and why there is no stronger one.
        program: Path of the program that the level runs; empty if it needs none.
    """

    level: str
    note: str
    program: str = ""

    @property
    def protects(self) -> bool:
        """Whether it takes any right from a child."""
        return load_level(self.level).protects

    @property
    def has_own_tmp(self) -> bool:
        """Whether /tmp is the child's own, and not what everyone shares."""
        return load_level(self.level).has_own_tmp

    def wrap(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        limits: Limits,
        masked: Iterable[Path] = (),
        readable: Iterable[Path] = (),
        device: Device | None = None,
        keep_fds: Iterable[int] = (),
        keep: bool = True,
        network: bool = False,
        notice: float = 0.0,
    ) -> list[str]:
        """Return the command that runs a command in the sandbox, and ends as that one ends.

        It has the environment that the whole is started with, to the letter. Code 126 means
        that the sandbox could not be entered; the last line of the output says why.

        Args:
            command: Words of the command; "python" as the first means this interpreter.
            folder: Folder in which it runs, the only place that it may write to but /tmp and
                /dev/shm. Nothing else must use it meanwhile. As root it may be handed to another
                user.
            limits: Limits of what it may use.
            masked: Files and folders that it must not read though they lie in what is readable.
                With a module goes what the interpreter cached of it.
            readable: Files and folders that it may read, besides the interpreter and the system.
                Where the caller is root, their modes must let everybody read.
            device: Device that it runs on, whose device files are let in; None lets none in.
            keep_fds: Open descriptors of the caller's that it gets; all others above 2 are closed.
            keep: Whether the folder gets what a command that ended by itself left in it; at the
                level landlock it always does.
            network: Whether it may use the network, and map more memory than there is, as programs
                on the network do. The rest stays closed.
            notice: Seconds that it has to end after a SIGTERM to the launcher, after which it is
                killed and its folder kept; 0 kills it at once.
        """
        if not self.protects:
            return resolve_python(command)
        options = [
            *_words("level", [self.level]),
            *_words("program", [self.program]),
            *_words("folder", [folder.resolve()]),
            *_words("read", dict.fromkeys([*_interpreter(), *(p.absolute() for p in readable)])),
            *_words("mask", dict.fromkeys(_with_caches(masked))),
            *_words("fd", keep_fds),
            *_words("driver", [int(device is not None and device.needs_driver)]),
            *_words("device-file", [] if device is None else device.device_files()),
            *_words("keep", [int(keep)]),
            *_words("network", [int(network)]),
            *_words("notice", [notice]),
            *_words("memory", [limits.memory]),
            *_words("processes", [limits.processes]),
            *_words("file-size", [limits.file_size]),
            *_words("disk", [limits.disk]),
            *_words("open-files", [limits.open_files]),
        ]
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
        return [*launcher, *options, "--", *resolve_python(command)]


def _words(name: str, values: Iterable[object]) -> list[str]:
    return [f"--{name}={value}" for value in values]


def _interpreter() -> Iterator[Path]:
    """Folders of Python and its packages, under the names that it will look them up by."""
    prefixes = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)]
    program = Path(sys.executable).resolve()
    for place in (*prefixes, program.parent.parent):
        # Names for versions, such as 3.11 for 3.11.7, are links, which must lead somewhere.
        yield place
        yield place.resolve()


def _with_caches(masked: Iterable[Path]) -> Iterator[Path]:
    for path in masked:
        real = path.resolve()
        yield real
        if real.suffix == ".py":
            yield from (real.parent / "__pycache__").glob(f"{real.stem}.*.pyc")
