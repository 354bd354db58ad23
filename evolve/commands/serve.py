"""`python -m evolve serve`: the runs as live pages in a browser."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from archive import RUNS, RunError, RunFolder
from evolve.commands.options import new_parser
from population.errors import UserError
from population.invocation import write_install

if TYPE_CHECKING:  # uvicorn is not everywhere
    from views.live.server import Server

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT = 8642
PACKAGES = ("starlette", "uvicorn")  # of the extra `serve`


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "serve",
        "Show runs live in a browser, side by side: what runs with its learning curve, the best, "
        "the archive, and a link to the report of each. It only reads, and runs may go on or begin "
        "meanwhile. Ctrl-C stops it.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="RUN", help="runs, or their folders (default: all under runs/)"
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK[0],
        help=f"address to listen on (default {LOOPBACK[0]}: this machine alone); for another one "
        "the printed address has a token, without which nothing is shown. Nothing is encrypted",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"port (default {PORT}; 0: any)"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Serve live pages until Ctrl-C."""
    check_packages()
    for name in options.names:
        RunFolder.existing(name)
    token = "" if _is_loopback(options.host) else secrets.token_urlsafe(24)
    with open_port(options.host, options.port) as listening:
        print(write_address(listening, options.host, token), flush=True)
        build_server(options.names, options.host, token).run(sockets=[listening])
    return 0


def check_packages() -> None:
    """Check that what a server needs is installed.

    Raises:
        RunError: It is not.
    """
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise RunError(
                f"{package} is not installed, which the live pages need: {write_install('serve')}"
            )


def build_server(names: Sequence[str], host: str, token: str = "") -> Server:
    """Build a server.

    Args:
        names: Names of the runs; none shows all under runs/, those to come included.
        host: Address on which it will listen.
        token: Secret that is asked for; empty asks for none.
    """
    from views.live.server import Server

    return Server(LiveRuns(names), _list_hosts(host), token)


def write_address(listening: socket.socket, host: str = LOOPBACK[0], token: str = "") -> str:
    """The address that a browser opens."""
    named = f"[{host}]" if ":" in host else host
    port = listening.getsockname()[1]
    return f"http://{named}:{port}/{f'?token={token}' if token else ''}"


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _list_hosts(host: str) -> list[str]:
    """The names by which browsers may call the server; any, if it listens on all addresses.

    Then its token keeps strangers out.
    """
    return ["*"] if host in ("0.0.0.0", "::") else [*LOOPBACK, "[::1]", host]


def open_port(host: str, port: int) -> socket.socket:
    """Open a port, and listen on it.

    Args:
        host: Address of this machine.
        port: Number of the port; 0 takes one that is free.

    Raises:
        RunError: It is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        why = error.strerror if isinstance(error, OSError) else "ports are numbers up to 65535"
        raise RunError(
            f"{host}:{port} cannot be listened on ({why}); choose another --port, or 0"
        ) from error
    return listening


class LiveRuns:
    """The runs that are shown, opened anew for every look.

    Args:
        names: Names of the runs, of which some may be still to come; none shows all under runs/.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._folders = {RunFolder.named(name).name: RunFolder.named(name) for name in names}

    def _list_folders(self) -> dict[str, RunFolder]:
        if self._folders:
            return {name: one for name, one in self._folders.items() if one.database.is_file()}
        found = [path.parent for path in RUNS.glob("*/archive.db")]
        found.sort(key=lambda path: _read_time(path / "archive.db"), reverse=True)
        return {path.name: RunFolder(path) for path in found}

    def names(self) -> Sequence[str]:
        """The names of the runs, the one that was worked on last first."""
        return list(self._list_folders())

    def state(self, name: str) -> object:
        """A value that differs as soon as a run has changed."""
        folder = self._list_folders()[name]
        files = (folder.database, folder.database.with_name("archive.db-wal"))
        running = sorted(path.name for path in folder.work.glob("*"))
        grown = [_read_time(folder.log(label)) for label in running]
        return [*map(_read_time, files), running, grown, folder.is_locked()]

    def card(self, name: str) -> str:
        """A run's card."""
        from evolve.commands.run_view import view_run  # not for the help of other commands
        from evolve.commands.running import list_idle, list_running
        from evolve.runs.run import open_run
        from views.live.cards import render_card, render_unreadable

        try:
            with closing(open_run(str(self._list_folders()[name].path))) as run:
                total = run.settings.total_children
                running, idle = list(list_running(run)), list_idle(run)
                return render_card(view_run(run), running, total, idle)
        except UserError as error:
            return render_unreadable(name, str(error))

    def report(self, name: str) -> str:
        """A run's report."""
        from evolve.commands.run_view import view_run
        from evolve.runs.run import open_run
        from views.report import render_damaged, render_report

        try:
            with closing(open_run(str(self._list_folders()[name].path))) as run:
                return render_report(view_run(run), live=True)
        except UserError as error:
            return render_damaged(name, str(error))


def _read_time(path: Path) -> float:
    """The time of a file's last change; 0 if it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
