"""The base of every level of the sandbox.

It imports the standard library's lightest modules alone, since the launcher's start counts.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from population.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.sandbox.options import Options


class SandboxError(UserError):
    """The sandbox that was asked for does not work here; the message says why and what to do."""


class NotEnteredError(Exception):
    """The level did not get as far as the command; it has said why."""


class Level(ABC):
    """A level of protection. Each is a subclass, in a file of its own.

    The trainer asks `find` whether the level can work. The launcher, a process between the trainer
    and one command, makes an instance for that command, and calls `enter` in a fork of its own and
    the other methods in itself.

    Args:
        options: The launcher's options; see `Sandbox.wrap`.

    Attributes:
        name: Name of the level for `--sandbox`.
        protects: Whether it takes any right from the command; else the command runs as it is.
        has_own_tmp: Whether /tmp is the command's own, and not what everyone shares.
        is_watched: Whether `excess` has to be asked now and then.
        adds_signals: Whether a signal that ended the command comes back as an exit code of 128 and
            its number, in the way of shells.
        user: User and group id of the command's own; None if it stays the caller's.
        is_pinned: Whether the caller, and so the command, was given one core of the machine's.
    """

    name: str
    protects = True
    has_own_tmp = False
    is_watched = False
    adds_signals = False

    def __init__(self, options: Options) -> None:
        self.options = options
        self.user: int | None = None
        self.is_pinned = len(os.sched_getaffinity(0)) == 1

    @classmethod
    @abstractmethod
    def find(cls, environ: Mapping[str, str]) -> tuple[str, str]:
        """Look whether the level has what it needs on this machine.

        Args:
            environ: The user's environment; its PATH leads to programs.

        Returns:
            A line for people that describes it, and the path of the program that it runs, if any.

        Raises:
            SandboxError: Something is missing.
        """

    def enter(self, launcher: int) -> None:
        """Give up all rights but the command's and become the command, in the launcher's fork.

        Args:
            launcher: Process id of the launcher, with which the command has to end.
        """
        os.execvpe(self.options.command[0], self.options.command, self.options.environ)

    def started(self) -> None:  # noqa: B027  # most have nothing to do here
        """Let the command begin, once the fork is on its way.

        Raises:
            NotEnteredError: The fork does not get as far as the command.
            OSError: Its folder cannot be made ready.
        """

    def list_processes(self, fork: int) -> list[int]:
        """The ids of the command's processes, which can be asked to end.

        Args:
            fork: Id of the launcher's fork, which became the command or waits for it.
        """
        from trainer.supervisor import list_descendants

        return [fork, *list_descendants(fork)]

    def excess(self, processes: list[int]) -> str | None:
        """Say what the command holds too much of, or None.

        Args:
            processes: Ids of the processes that run.
        """
        return None

    def ended(self, code: int) -> None:  # noqa: B027  # most have nothing to do here
        """Tidy up, once nothing of the command runs any more.

        Args:
            code: Exit code of the command, or the negative number of the signal that ended it.
        """
