"""Runs one command in a sandbox: limits it, enters, waits, tidies up, and ends as it ended.

    python -I -S launcher.py --level=bwrap --folder=/job --memory=1000000000 ... -- python main.py

Written by `Sandbox.wrap` and run below a supervisor. Of the standard library alone, to start in
milliseconds. Its own end is the command's: the kernel kills that one when this one is killed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from trainer.sandbox import syscalls
from trainer.sandbox.cgroup import Group
from trainer.sandbox.folder import TooMuchError
from trainer.sandbox.level import Level, NotEnteredError
from trainer.sandbox.options import Options
from trainer.sandbox.registry import load_level

NOT_ENTERED = 126
LOOK = 0.5  # seconds between two looks at what the command holds
PAGE = resource.getpagesize()
SIGNALLED = 128  # added to the number of a signal, in the way of shells


def main() -> None:
    options = Options(sys.argv[1:])
    _close_but(options.fds)
    syscalls.adopt_orphans()
    group = Group(options.memory, options.processes)
    try:
        level = load_level(options.level)(options)
        status = _run(level, group)
    except NotEnteredError:
        sys.exit(NOT_ENTERED)
    except (OSError, TooMuchError) as error:
        print(f"sandbox: error: {error}", file=sys.stderr)
        sys.exit(NOT_ENTERED)
    finally:
        group.remove()
    _end_like(os.waitstatus_to_exitcode(status), adds_signals=level.adds_signals)


def _run(level: Level, group: Group) -> int:
    """Run the command to its end and return its wait status."""
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(level, group, launcher)
    try:
        level.started()
        if level.options.notice:
            _forward_term(pid, level)
        status = _wait(pid, level, group)
    finally:
        if level.options.notice:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nobody is left to hand it on to
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it is not reaped yet, or was and there is none
        _end_all(pid)
    level.ended(os.waitstatus_to_exitcode(status))
    return status


def _forward_term(pid: int, level: Level) -> None:
    """Hand a SIGTERM on to the command, and kill it when its notice is over."""

    def kill(number: int, _: object) -> None:
        for process in level.list_processes(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        signal.setitimer(signal.ITIMER_REAL, LOOK)  # once more, for what was forked meanwhile

    def ask(number: int, _: object) -> None:
        for process in level.list_processes(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, level.options.notice)

    signal.signal(signal.SIGALRM, kill)
    signal.signal(signal.SIGTERM, ask)


def _become(level: Level, group: Group, launcher: int) -> None:
    try:
        # A shell's background job or nohup may ignore the first two, and Python the others, which
        # would pass through exec to a command.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        group.join()
        level.options.set_limits(group.holds, level.user)
        syscalls.die_with(launcher)
        level.enter(launcher)
    except BaseException as error:
        os.write(2, f"sandbox: error: {error}\n".encode())
    finally:
        os._exit(NOT_ENTERED)


def _wait(pid: int, level: Level, group: Group) -> int:
    """Wait for the command's end, or end it when it holds too much; return its wait status."""
    watched = level.is_watched or "memory" not in group.holds
    ended = os.pidfd_open(pid)
    while not select.select([ended], (), (), LOOK if watched else None)[0]:
        with contextlib.suppress(ChildProcessError):  # orphans; the command itself comes later
            while (
                other := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            ) is not None:
                if other.si_pid == pid:
                    break
                os.waitpid(other.si_pid, 0)
        from trainer.supervisor import list_descendants

        processes = list_descendants(os.getpid())
        excess, ending = level.excess(processes), signal.SIGXFSZ
        if "memory" not in group.holds and _memory(processes) > level.options.memory:
            ending = signal.SIGKILL
            excess = f"out of memory: more than {level.options.memory} bytes"
        if excess:
            os.write(2, f"sandbox: error: {excess}\n".encode())
            return int(ending)  # as a wait status: ended by this signal
    return os.waitpid(pid, 0)[1]


def _memory(processes: list[int]) -> int:
    """Count the bytes of memory that belong to these processes alone."""
    pages = 0
    for process in processes:
        with contextlib.suppress(OSError), open(f"/proc/{process}/statm") as file:
            _, resident, shared, *_ = file.read().split()
            pages += int(resident) - int(shared)
    return pages * PAGE


def _end_all(pid: int) -> None:
    """End all that the command has started."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return  # no child, no descendant
    from trainer.supervisor import end_tree

    end_tree(pid)


def _end_like(code: int, *, adds_signals: bool) -> None:
    """End by the signal that ended the command, or with its code."""
    signalled = adds_signals and code > SIGNALLED  # or it ended with such a code: nobody can tell
    number = code - SIGNALLED if signalled else -code
    if number in signal.valid_signals():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(code)


def _close_but(kept: list[int]) -> None:
    """Let the command inherit the descriptors that were given to it, and no other."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(descriptor)
    for descriptor in kept:
        os.set_inheritable(descriptor, True)


if __name__ == "__main__":
    main()
