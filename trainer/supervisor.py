"""Runs one command as its own process tree, and leaves nothing of it behind.

    python -I supervisor.py --deadline=360 --log=child.log [--core=3] -- python main.py

With `--stdin=FILE` the command reads that file, and with `--notice=10` it gets SIGTERM at its
deadline and is killed ten seconds later.

Standard input is a lifeline: the trainer holds its other end, and when that closes, because the
trainer asks for an end or was killed itself, the tree is killed. (The kernel's parent-death signal
would follow the trainer's thread, not its process.) Standard output gets one line of JSON at the
end. What the command prints goes to the log, which never grows beyond `CAP`.

The supervisor is a child subreaper (Linux, prctl(2)): whatever the command forks, daemonises or
orphans stays below it. Stand-alone and of the standard library alone, to start in milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator

CAP = 4 << 20  # bytes: the log's size at most
HEAD = TAIL = 1 << 20  # bytes: what is kept of each end of a longer output
CHUNK = 1 << 16
PATIENCE = 10.0  # seconds until a tree that does not die is given up
LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class CappedLog:
    """A log file that keeps the head and the tail of an output of any length."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  # open as long as the process
        self._size = self._left_out = self._notice = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            view = view[written:]
        self._size += len(data)
        if self._size > CAP:
            self._compact()

    def _compact(self) -> None:
        self._file.seek(self._size - TAIL)
        tail = self._file.read(TAIL)
        self._left_out += self._size - HEAD - self._notice - TAIL
        notice = f"\n[... {self._left_out} bytes left out ...]\n".encode()
        self._file.seek(HEAD)
        self._file.truncate()
        self._notice = self._size = 0
        self._notice, self._size = len(notice), HEAD
        self.write(notice + tail)


def main() -> None:
    options, command = _arguments(sys.argv[1:])
    if LINUX:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        if "core" in options:
            os.sched_setaffinity(0, {int(options["core"])})
    report = supervise(
        command,
        float(options["deadline"]),
        CappedLog(options["log"]),
        stdin=options.get("stdin", os.devnull),
        notice=float(options.get("notice", 0)),
    )
    print("\n" + json.dumps(report), flush=True)  # on a line of its own, whatever came before


def supervise(
    command: list[str],
    deadline: float,
    log: CappedLog,
    *,
    stdin: str = os.devnull,
    notice: float = 0.0,
) -> dict[str, object]:
    """Run the command to its end, its deadline or the lifeline's; return what `Ended` holds.

    Args:
        command: Words of the command.
        deadline: Wall-clock seconds after which it is ended.
        log: Log of what it prints.
        stdin: Path of the file that it reads as its standard input.
        notice: Seconds that it has to end after a SIGTERM at its deadline; 0 kills it at once.
    """
    wake = _signals_as_a_pipe()
    kills = _oom_kills()
    started = time.monotonic()
    pid, output = spawn(command, stdin)
    try:
        status, ending = _watch(pid, output, wake, started + deadline, log)
        if ending == "deadline" and notice:
            os.kill(pid, signal.SIGTERM)
            _watch(pid, output, wake, time.monotonic() + notice, log)
        seconds = time.monotonic() - started
    finally:
        left = end_tree(pid)
    _drain(output, log)
    code = None if status is None else os.waitstatus_to_exitcode(status)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": code if code is not None and code >= 0 else None,
        "signal": -code if code is not None and code < 0 else None,
        "seconds": seconds,
        "timed_out": ending == "deadline",
        "stopped": ending == "stop",
        "peak_bytes": usage.ru_maxrss * (1024 if LINUX else 1),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "left": left,
        # Where the kernel does not count its kills, one that nobody here made was most likely its.
        "oom_killed": ending == "exit" and (kills is None or kills != _oom_kills()),
    }


def spawn(command: list[str], stdin: str = os.devnull) -> tuple[int, int]:
    """Start the command; return its process id and a descriptor to read its output from."""
    read, write = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        # Python ignores two signals, which would pass through exec to a command that expects them.
        for number in (*ENDINGS, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if LINUX:
            _first_to_go()
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(1)  # it died before the line above
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def end_tree(root: int) -> int:
    """Kill and reap every descendant, whatever it does; return how many could not be killed.

    A process with a pending SIGKILL forks no more, so each look leaves only what was forked since
    the look before. An orphan becomes this process's own child; so when there is no child left,
    there is no descendant left.
    """
    give_up = time.monotonic() + PATIENCE
    pause = 0.0005
    if not LINUX:  # without a subreaper: at least the command's process group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(root, signal.SIGKILL)
    known: set[int] = set()
    while _reap()[1]:
        alive = list_descendants(os.getpid())
        if time.monotonic() > give_up:
            return len(alive)
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(pause)
        # Look again at once while new ones turn up, else give the dying time.
        pause = min(2 * pause, 0.05) if known.issuperset(alive) else 0.0005
        known.update(alive)
    return 0


def list_descendants(ancestor: int) -> list[int]:
    """List the ids of the processes below one, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(ancestor, ()))
    for pid in found:  # it grows while it is read
        found.extend(children.get(pid, ()))
    return found


def _arguments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    # Parsed by hand: argparse would take as long to import as all the rest.
    split = words.index("--")
    options = dict(word.removeprefix("--").split("=", 1) for word in words[:split])
    return options, words[split + 1 :]


def _watch(
    pid: int, output: int, wake: int, deadline: float, log: CappedLog
) -> tuple[int | None, str]:
    """Log the output until something ends the run; return the wait status, if any, and what it was.

    That is "exit", "deadline" or "stop".
    """
    trainer = os.getppid()
    watched = {sys.stdin.fileno(), wake, output}
    while (left := deadline - time.monotonic()) > 0:
        # The parent is looked at too: a process forked off the trainer may hold the lifeline.
        if os.getppid() != trainer:
            return None, "stop"
        ready = select.select(watched, (), (), min(left, 1.0))[0]
        if output in ready:
            data = os.read(output, CHUNK)
            log.write(data)
            if not data:
                watched.discard(output)
        if sys.stdin.fileno() in ready:
            return None, "stop"
        if wake in ready:
            if not set(os.read(wake, CHUNK)).isdisjoint(ENDINGS):
                return None, "stop"
            dead, _ = _reap()
            if pid in dead:
                return dead[pid], "exit"
    return None, "deadline"


def _reap() -> tuple[dict[int, int], bool]:
    """Reap the dead, orphans too; return their wait statuses by id, and whether a child is left."""
    dead = {}
    try:
        while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
            dead[reaped[0]] = reaped[1]
    except ChildProcessError:
        return dead, False
    return dead, True


def _drain(output: int, log: CappedLog) -> None:
    os.set_blocking(output, False)
    with contextlib.suppress(BlockingIOError):
        while data := os.read(output, CHUNK):
            log.write(data)


def _signals_as_a_pipe() -> int:
    """Make a pipe that gets the number of each signal as a byte, which wakes up select."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*ENDINGS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return read


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process's id and its parent's."""
    if not LINUX:
        import subprocess  # here, since its import takes as long as all the others

        table = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        )
        for line in table.stdout.splitlines():
            pid, parent = line.split()
            yield int(pid), int(parent)
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    stat = file.read()
            except (FileNotFoundError, ProcessLookupError):
                continue  # gone by now
            yield int(name), int(stat.rpartition(b")")[2].split()[1])  # "pid (name) state ppid"


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _first_to_go() -> None:
    """Let the kernel kill the command, not the trainer, when the machine's memory runs out."""
    # Some containers do not allow it, and it is a preference only.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


def _oom_kills() -> int | None:
    """Count the processes that the kernel killed for memory since it booted; None if unknown."""
    with contextlib.suppress(OSError), open("/proc/vmstat") as file:
        for line in file:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


if __name__ == "__main__":
    main()
