"""A control group that bounds what a command and all that it starts hold together, and counts
the processor time of them all.

In version 1 it is made below the caller's own group. In version 2 a group that holds processes
has no groups with limits below it, so it is made beside the caller's. Where neither is allowed
there is none, and limits of single processes have to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

PREFIX = "sandbox-"
CONTROLLERS = ("memory", "pids", "cpuacct")  # the last has no limit: it counts
PATIENCE = 5.0  # seconds for what is left in a group to die


class Group:
    """The groups of this process's command.

    Args:
        memory: Most bytes of memory, all processes together.
        processes: Most processes and threads.

    Attributes:
        holds: Names of the controllers of `CONTROLLERS` that the command is subject to.
    """

    def __init__(self, memory: int, processes: int) -> None:
        self.holds: set[str] = set()
        self._folders: list[str] = []
        limits = {
            "memory": (("memory.limit_in_bytes", "memory.max"), memory),
            "pids": (("pids.max", "pids.max"), processes),
        }
        for controllers, parent in _parents():
            wanted = [name for name in controllers if name not in self.holds]
            if not wanted:
                continue
            _sweep(parent)
            folder = f"{parent}/{PREFIX}{os.getpid()}"
            try:
                os.mkdir(folder)
                for name in filter(limits.get, wanted):
                    files, value = limits[name]
                    there = [
                        f"{folder}/{file}" for file in files if os.path.exists(f"{folder}/{file}")
                    ]
                    _write(there[0], str(value))
            except (OSError, IndexError):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                continue
            for file, value in (("memory.memsw.limit_in_bytes", memory), ("memory.swap.max", 0)):
                if "memory" in wanted and os.path.exists(f"{folder}/{file}"):
                    with contextlib.suppress(OSError):
                        _write(f"{folder}/{file}", str(value))
            self._folders.append(folder)
            self.holds.update(wanted)

    def join(self) -> None:
        """Put this process into the groups."""
        for folder in self._folders:
            _write(f"{folder}/cgroup.procs", "0")

    def remove(self) -> None:
        """Kill what is left in the groups, and remove them."""
        give_up = time.monotonic() + PATIENCE
        for folder in self._folders:
            while os.path.exists(folder) and time.monotonic() < give_up:
                with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs") as file:
                    for line in file:
                        with contextlib.suppress(OSError):
                            os.kill(int(line), signal.SIGKILL)
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.005)


def find_usage_file(launcher: int) -> str:
    """Find the file that counts the processor time of a launcher's command.

    Args:
        launcher: Process id of the launcher, which is in the caller's own group.

    Returns:
        Path of the file, of version 1 or 2; empty if there is none.
    """
    for _, parent in _parents():
        for name in ("cpuacct.usage", "cpu.stat"):
            path = f"{parent}/{PREFIX}{launcher}/{name}"
            if os.path.exists(path):
                return path
    return ""


def _parents() -> list[tuple[tuple[str, ...], str]]:
    """List the folders in which a group can be made, each with the controllers that it has."""
    try:
        with open("/proc/self/cgroup") as file:
            own = [line.rstrip("\n").split(":", 2) for line in file]
        with open("/proc/self/mountinfo") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return []
    found = []
    for words in mounts:
        root, point = words[3], words[4]
        kind, options = words[words.index("-") + 1], words[-1].split(",")
        for _, names, path in own:
            inside = path[len(root.rstrip("/")) :] if path.startswith(root) else ""
            group = (point + inside).rstrip("/")
            if kind == "cgroup" and names and set(names.split(",")) <= set(options):
                wanted = tuple(name for name in CONTROLLERS if name in names.split(","))
                if wanted and os.access(group, os.W_OK):
                    found.append((wanted, group))
            elif kind == "cgroup2" and not names:
                for parent in (group, os.path.dirname(group)):
                    wanted = _enabled(parent)
                    if parent.startswith(point) and wanted and os.access(parent, os.W_OK):
                        found.append((wanted, parent))
    return found


def _enabled(folder: str) -> tuple[str, ...]:
    try:
        with open(f"{folder}/cgroup.subtree_control") as file:
            names = file.read().split()
    except OSError:
        return ()
    return tuple(name for name in CONTROLLERS if name in names)


def _sweep(parent: str) -> None:
    """Remove what launchers that were killed have left behind."""
    for name in os.listdir(parent):
        if name.startswith(PREFIX) and not os.path.exists(f"/proc/{name.removeprefix(PREFIX)}"):
            with contextlib.suppress(OSError):
                os.rmdir(f"{parent}/{name}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
