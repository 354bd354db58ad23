"""A supervised command from the trainer's side: its start, its end, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from population.errors import UserError
from trainer.clock import Clock, WallClock
from trainer.devices import DEVICE_TYPES

SUPERVISOR = Path(__file__).with_name("supervisor.py")
POLL = 0.25  # seconds between two looks at the stop event
GRACE = 20.0  # seconds that a supervisor may take to end a tree; it gives up itself before that
MARK = "TRAINER_RUN"

LONGEST_TMP = 70  # bytes: a socket has 107 for its name, and multiprocessing adds some 32
# What a child sees of the user's environment. Names, not prefixes: NVIDIA_API_KEY is a key.
ALLOWED = (
    *("PATH", "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "TERM"),
    *("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    *("LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "CC", "CXX"),
    *(name for device_type in DEVICE_TYPES.values() for name in device_type.variables),
)


class SupervisorError(UserError):
    """A supervisor could not do its work, for a cause that is not the command's."""


@dataclass(frozen=True)
class Ended:
    """How a supervised command ended. By then nothing of its process tree is left.

    Attributes:
        code: Exit code; None if the command did not end by itself, or was ended by a signal.
        signal: Signal that ended the command and that the trainer did not send; else None.
        seconds: Wall-clock seconds from its start to its end.
        timed_out: Whether it was still running at its limit.
        stopped: Whether it was ended because the trainer asked for it.
        peak_bytes: Peak resident memory of its largest process.
        cpu_seconds: Processor seconds of all its processes.
        left: Number of its processes that could not be killed (stuck in the kernel, say).
        oom_killed: Whether the kernel killed for lack of memory while it ran; with other
            children at work it may not have been this one.
        lost: Whether the supervisor was killed or stopped, so that the rest is not known.
    """

    code: int | None
    signal: int | None
    seconds: float
    timed_out: bool = False
    stopped: bool = False
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    left: int = 0
    oom_killed: bool = False
    lost: bool = False


def resolve_python(command: Sequence[str]) -> list[str]:
    """Return the command with "python" as its first word replaced by this interpreter."""
    first = sys.executable if command[0] == "python" else command[0]
    return [first, *command[1:]]


def build_environment(
    folder: Path, environ: Mapping[str, str] = os.environ, *, own_tmp: bool = False
) -> dict[str, str]:
    """Build the environment of a child: an allow list of the user's, and a home of its own.

    Caches that compilers and libraries keep under HOME or TMPDIR thus lie in the child's folder,
    where no other child can plant anything in them.

    Args:
        folder: Working folder of the child.
        environ: Environment of the user.
        own_tmp: Whether the child has a /tmp of its own, which stands in where the folder's name is
            too long for the sockets of multiprocessing.
    """
    temporary = folder / ".tmp"
    if own_tmp and len(os.fsencode(temporary)) > LONGEST_TMP:
        temporary = Path("/tmp")
    kept = {name: environ[name] for name in ALLOWED if name in environ}
    binaries = str(Path(sys.executable).parent)
    return {
        "USER": "trainer",  # looked up by libraries that name a cache after it
        **kept,
        "PATH": os.pathsep.join([binaries, kept.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run(
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    limit: float,
    core: int | None = None,
    stop: threading.Event | None = None,
    grace: float = GRACE,
    keep: Sequence[int] = (),
    clock: Clock | None = None,
    stdin: Path | None = None,
    notice: float = 0.0,
) -> Ended:
    """Run a command as a tree of its own that ends with it, with its limit or with this process.

    May be called from several threads at once.

    Args:
        command: Words of the command; "python" as the first means this interpreter.
        folder: Folder in which it runs.
        env: Whole environment of the command.
        log: File that gets what it prints; of more than 4 MiB, the first and the last MiB or more.
        limit: Seconds by the clock after which it is ended.
        core: Processor core that it is pinned to (Linux); None leaves it all of them.
        stop: Event that ends it soon after it is set.
        grace: Seconds that the supervisor may take to end the tree before it counts as lost.
        keep: Descriptors that the command inherits under their own numbers.
        clock: Clock of the command, which learns here what to count; None is wall-clock.
        stdin: File that the command reads as its standard input; None gives it none.
        notice: Seconds that it has to end after a SIGTERM at its limit; 0 kills it at once.

    Raises:
        SupervisorError: The supervisor failed by itself: no such core, a full disk.
    """
    mark = uuid.uuid4().hex
    clock = clock or WallClock()
    deadline = limit * clock.slowest  # wall-clock, which the supervisor sees to
    pin = [] if core is None else [f"--core={core}"]
    options = [f"--deadline={deadline}", f"--log={log.resolve()}", f"--notice={notice}", *pin]
    options += [] if stdin is None else [f"--stdin={stdin.resolve()}"]
    started = time.monotonic()
    lifeline_there, lifeline_here = os.pipe()
    try:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), *options, "--", *resolve_python(command)],
            cwd=folder,
            env={**env, MARK: mark},
            stdin=lifeline_there,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=keep,
            start_new_session=True,  # the terminal's Ctrl-C is the trainer's to handle
        )
    except BaseException:
        os.close(lifeline_here)
        raise
    finally:
        os.close(lifeline_there)
    lifeline = _Lifeline(lifeline_here)
    clock.attach(supervisor.pid)
    watch = clock.start()

    def is_asked() -> bool:
        return stop is not None and stop.is_set()

    def is_over() -> bool:
        return is_asked() or (clock.slowest > 1 and watch() >= limit)

    try:
        report, errors = _wait(supervisor, lifeline, started + deadline + notice, is_over, grace)
    finally:
        lifeline.cut()
        _see_off(supervisor, mark, grace)
    asked = is_asked()
    if supervisor.returncode == 0:
        ended = Ended(**json.loads(report.splitlines()[-1]))
        if not ended.stopped or asked:
            return ended
        # A supervisor that was told to stop, but not from here, was told so by the command.
        return replace(ended, stopped=False, **{"timed_out" if is_over() else "lost": True})
    if supervisor.returncode > 0:
        lines = errors.decode(errors="replace").splitlines() or ["it left no message"]
        reason = re.sub(r"^\w+: (\[Errno \d+\] )?", "", lines[-1])
        raise SupervisorError(
            f"the supervisor of a child failed: {reason}; nothing of what was measured is lost, so "
            "mend that (most often a full disk) and go on"
        )
    return Ended(None, None, time.monotonic() - started, stopped=asked, lost=True)


class _Lifeline:
    """The writing end of a pipe; when it closes, the supervisor ends its tree."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def cut(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _wait(
    supervisor: subprocess.Popen[bytes],
    lifeline: _Lifeline,
    deadline: float,
    is_over: Callable[[], bool],
    grace: float,
) -> tuple[bytes, bytes]:
    """Wait for the supervisor's output; none if it is overdue, for a child can stop it."""
    overdue, cut = deadline + grace, False
    while time.monotonic() < overdue:
        if not cut and is_over():
            lifeline.cut()
            overdue, cut = min(overdue, time.monotonic() + grace), True
        with contextlib.suppress(subprocess.TimeoutExpired):
            return supervisor.communicate(timeout=POLL)
    supervisor.kill()
    return b"", b""


def _see_off(supervisor: subprocess.Popen[bytes], mark: str, grace: float) -> None:
    """Wait until the supervisor is gone; if it could not do its work, kill what bears its mark."""
    try:
        supervisor.wait(grace)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    for pipe in (supervisor.stdout, supervisor.stderr):
        if pipe is not None:
            pipe.close()
    if supervisor.returncode < 0:
        _kill_marked(f"{MARK}={mark}".encode())


def _kill_marked(mark: bytes) -> None:
    """Kill every process whose environment bears the mark (Linux), until a look finds none."""
    give_up = time.monotonic() + GRACE
    found = True
    while found and time.monotonic() < give_up:
        found = False
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):  # another user's, or gone by now
                if mark in path.read_bytes().split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    found = True
        time.sleep(0.01)
