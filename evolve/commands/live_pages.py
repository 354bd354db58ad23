"""`--serve`: the live pages beside a run, by a server in a process of its own.

The run does not depend on it. The server reads the run's folder as any other program does, at a low
priority, and only while a browser looks; whatever becomes of it, the run goes on. It ends with the
run: its standard input is a pipe whose other end closes then, however the run's process ends.

As a module it is that server: `python -m evolve.commands.live_pages DESCRIPTOR PROGRAM RUN ...`.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from evolve.commands.serve import (
    LOOPBACK,
    PORT,
    build_server,
    check_packages,
    open_port,
    write_address,
)
from evolve.settings import OptionError
from evolve.startup import ROOT
from population.invocation import write_command

ENDING = 5.0  # seconds that the server has to end
NICENESS = 10  # of the server: the run's children come first
LAST_LINES = 20  # of what the server says, which are looked at when it fails


def live_pages_options(parser: argparse.ArgumentParser) -> None:
    """Add the options `--serve` and `--port`."""
    group = parser.add_argument_group("live pages")
    group.add_argument(
        "--serve",
        action="store_true",
        help=f"show the run live in a browser, on this machine alone, until it ends; "
        f"`{write_command('serve')}` shows it to others, and at other times",
    )
    group.add_argument(
        "--port",
        type=int,
        metavar="N",
        help=f"port of the live pages (default: {PORT}; 0: any that is free)",
    )


@contextmanager
def open_live_port(options: argparse.Namespace) -> Iterator[socket.socket | None]:
    """Open the port of the live pages; None if they are not asked for.

    Raises:
        UserError: What they need is not installed, or the port is taken; nothing is made yet.
    """
    if not options.serve:
        if options.port is not None:
            raise OptionError("--port is that of the live pages: add --serve, or leave it out")
        yield None
        return
    check_packages()
    with open_port(LOOPBACK[0], PORT if options.port is None else options.port) as listening:
        yield listening


@contextmanager
def serve_beside(
    listening: socket.socket | None, names: Sequence[str], say: Callable[[str], None]
) -> Iterator[None]:
    """Serve live pages until the end of the block, whatever becomes of the server.

    Args:
        listening: Port that is open; None serves nothing. It is closed here: the server has it.
        names: Names of the runs that are shown, of which some may be still to come.
        say: Function that prints a line, in any thread.
    """
    if listening is None:
        yield
        return
    with ExitStack() as stack:
        address = write_address(listening)
        try:
            server = _start_server(listening, names)
        except OSError as error:
            say(_describe_loss(str(error), names))
        else:
            say(f"live pages: {address}, on this machine, until the run ends")
            stack.enter_context(_watch(server, names, say))
        finally:
            listening.close()
        yield


def _start_server(listening: socket.socket, names: Sequence[str]) -> subprocess.Popen[str]:
    descriptor = listening.fileno()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    # without the current folder, whose files may have the names of modules
    module = [sys.executable, "-P", "-m", "evolve.commands.live_pages"]
    return subprocess.Popen(
        [*module, str(descriptor), sys.argv[0], *names],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=[descriptor],
        start_new_session=True,  # the terminal's Ctrl-C is the run's to handle
    )


@contextmanager
def _watch(
    server: subprocess.Popen[str], names: Sequence[str], say: Callable[[str], None]
) -> Iterator[None]:
    """Say it once if the server ends before the block does, and end it then."""
    ending = threading.Event()

    def listen() -> None:
        assert server.stderr is not None
        lines = deque(server.stderr, LAST_LINES)  # until it ends, so that it never waits to write
        code = server.wait()
        if not ending.is_set():
            say(_describe_loss(_describe_end(code, lines), names))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        ending.set()
        _end(server)
        listener.join(ENDING)


def _end(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    with suppress(OSError):  # it has ended already
        server.stdin.close()
    try:
        server.wait(ENDING)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        server.kill()
        server.wait()


def _describe_end(code: int, lines: Sequence[str]) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else f"exit code {code}"


def _describe_loss(reason: str, names: Sequence[str]) -> str:
    again = write_command("serve", *names)
    return f"the live pages have ended ({reason}); the run goes on, and `{again}` shows it again"


def main(descriptor: int, program: str, names: Sequence[str]) -> None:
    """Be the server, until standard input ends.

    Args:
        descriptor: File descriptor of the port.
        program: Path of the program that works on the run, which hints on the pages name.
        names: Names of the runs.
    """
    sys.argv = [program]
    os.nice(NICENESS)
    server = build_server(names, LOOPBACK[0])

    def end_with_the_run() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=end_with_the_run, daemon=True).start()
    with socket.socket(fileno=descriptor) as listening:
        server.run(sockets=[listening])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
