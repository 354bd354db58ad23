"""A program on a pseudo-terminal, and what a person sees of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte

PATIENCE = 120  # seconds


class Terminal:
    """`python -m evolve ARGUMENTS` on a terminal of its own.

    Args:
        arguments: Arguments of the command.
        cwd: Current folder.
        env: Whole environment.
        columns, rows: Size of the terminal.
    """

    def __init__(
        self, *arguments: str, cwd: Path, env: dict[str, str], columns: int, rows: int
    ) -> None:
        self.columns, self.rows = columns, rows
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=0.5)
        self._stream, self.output = pyte.ByteStream(self.screen), b""
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # before the program can ask for it
            command = [sys.executable, "-m", "evolve", *arguments]
            os.execvpe(sys.executable, command, {"TERM": "xterm-256color", **env})

    def type(self, keys: bytes) -> None:
        """Type on the terminal's keyboard."""
        os.write(self._end, keys)

    def screens(self) -> Iterator[list[str]]:
        """What stands on the screen after each piece of output, until the program ends."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if not select.select([self._end], [], [], 1.0)[0]:
                continue
            try:
                data = os.read(self._end, 1 << 16)
            except OSError:  # nobody has the other end open
                data = b""
            if not data:
                return
            self.output += data
            self._stream.feed(data)
            yield [line.rstrip() for line in self.screen.display]
        raise AssertionError("the program did not end")

    def wait(self, seen: Callable[[list[str]], bool] = lambda screen: False) -> list[str]:
        """Go on until the screen is as wanted, or else to the end: the screen."""
        screen: list[str] = []
        for screen in self.screens():
            if seen(screen):
                return screen
        return screen

    def close(self) -> int:
        """The exit code of the program, which has ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self._end)
        return code

    @property
    def lines(self) -> list[str]:
        """All lines that are left on the terminal, those above the screen included."""
        above = self.screen.history.top
        return [
            *("".join(line[x].data for x in range(self.columns)).rstrip() for line in above),
            *(line.rstrip() for line in self.screen.display),
        ]
