"""The clocks by which a child's time is counted: wall-clock, or the processor time of its tree.

Shared cores make a second of wall-clock worth a third on one day and all of it on another. A child
that computes on the processor alone is therefore given seconds of processor time, counted from
outside over all that it has started. It may wait for its turn, up to `SLOWEST` times its limit.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from trainer.sandbox.cgroup import find_usage_file
from trainer.supervisor import list_descendants

WALL, CPU = "wall", "cpu"
SLOWEST = 4.0  # seconds of wall-clock after which one is used up, whoever had the processor
LOOK = 0.25  # seconds between two looks for processes that are new, without a control group
CAN_COUNT = os.path.exists("/proc/self/stat")  # as Linux has it
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds, in which the kernel states a process's time

Watch = Callable[[], float]  # the seconds since it was started


class Clock(ABC):
    """A way to count the time of one child.

    Attributes:
        name: Name of the kind, "wall" or "cpu".
        unit: Its seconds in words.
        slowest: Most seconds of wall-clock that a second of the clock takes.
    """

    name: str
    unit: str
    slowest: float

    @abstractmethod
    def start(self) -> Watch:
        """Start a watch. May be called from several threads at once, as may be the watches."""

    def start_working(self) -> Watch:
        """Start a watch that counts no waiting, if the clock can tell it; else as `start`."""
        return self.start()

    def attach(self, root: int) -> None:  # noqa: B027  # wall-clock needs to know of no process
        """Name the process whose descendants are the child's.

        Args:
            root: Id of the supervisor's process.
        """


class WallClock(Clock):
    """The time that passes, whoever has the processor."""

    name = WALL
    unit = "s"
    slowest = 1.0

    def start(self) -> Watch:
        begun = time.monotonic()
        return lambda: time.monotonic() - begun


class ProcessorClock(Clock):
    """The processor time of a child's tree, or a quarter of the wall-clock if that is more."""

    name = CPU
    unit = "s of processor time"
    slowest = SLOWEST

    def __init__(self) -> None:
        self._time: ProcessorTime | None = None

    def attach(self, root: int) -> None:
        self._time = ProcessorTime(root)

    def start(self) -> Watch:
        begun, used = time.monotonic(), self._read()
        return lambda: max(self._read() - used, (time.monotonic() - begun) / SLOWEST)

    def start_working(self) -> Watch:
        used = self._read()
        return lambda: self._read() - used

    def _read(self) -> float:
        return self._time.read() if self._time else 0.0


class ProcessorTime:
    """The processor time of all that a process has started, ended processes included (Linux).

    Read from the control group that the sandbox has made, where it could make one. Else from /proc,
    as the larger one of two sums: over the processes that are there, with the time of those that
    they have waited for; and over all that were ever seen. There, processes that nobody waits for
    and that end between two looks are missed.

    Args:
        root: Id of the process, whose own time does not count.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._usage = ""  # file of the control group
        self._looked = -LOOK
        self._tree: list[int] = []
        self._seen: dict[tuple[int, int], float] = {}  # own time by process id and start
        self._most = 0.0

    def read(self) -> float:
        """The seconds until now; they never fall."""
        with self._lock:
            self._most = max(self._most, self._read_now())
            return self._most

    def _read_now(self) -> float:
        if not self._usage and time.monotonic() - self._looked >= LOOK:
            self._look()
        if self._usage:
            with contextlib.suppress(OSError, ValueError):  # it is gone with the last process
                return _read_usage(self._usage)
            return 0.0
        return self._add_up()

    def _look(self) -> None:
        self._looked = time.monotonic()
        self._tree = list_descendants(self._root)
        for launcher in self._tree[:2]:
            self._usage = self._usage or find_usage_file(launcher)

    def _add_up(self) -> float:
        there = _read_stat(self._root)
        total = there[2] if there else 0.0  # orphans become the supervisor's own
        for pid in self._tree:
            if (stat := _read_stat(pid)) is not None:
                own, waited = stat[1], stat[2]
                self._seen[pid, stat[0]] = own
                total += own + waited
        return max(total, sum(self._seen.values()))


def choose_clock(wanted: str, *, computes_alone: bool) -> Clock:
    """Make the clock for a child.

    Args:
        wanted: Clock that the task asks for, "wall" or "cpu".
        computes_alone: Whether the child's device is the processor alone, so that its time says how
            much was computed.
    """
    return ProcessorClock() if wanted == CPU and computes_alone and CAN_COUNT else WallClock()


def _read_usage(path: str) -> float:
    """The seconds that a control group has used, by its file of either version."""
    with open(path) as file:
        text = file.read()
    if path.endswith("cpuacct.usage"):
        return int(text) / 1e9
    return int(text.split("usage_usec", 1)[1].split(None, 1)[0]) / 1e6


def _read_stat(pid: int) -> tuple[int, float, float] | None:
    """A process's start, its own seconds and those of the children it has waited for, if there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # "pid (name) state ppid ..."
    except (FileNotFoundError, ProcessLookupError):
        return None
    own, waited = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return int(fields[19]), own * TICK, waited * TICK
