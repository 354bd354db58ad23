"""`python -m evolve serve`: the runs as live pages in a browser."""

from __future__ import annotations

import argparse
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from archive import RUNS, RunError, RunFolder
from evolve.commands.options import new_parser
from evolve.commands.run_view import view_run
from evolve.commands.running import list_running
from evolve.runs.run import open_run
from population.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT = 8642
STOPPING = 1  # seconds that open pages have when the server stops


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
    try:
        import uvicorn

        from views.live import build_app
    except ModuleNotFoundError as error:
        raise RunError(
            f"{error.name} is not installed: pip install starlette uvicorn, or -e '.[serve]'"
        ) from error
    for name in options.names:
        RunFolder.existing(name)
    token = "" if _is_loopback(options.host) else secrets.token_urlsafe(24)
    listening = _listen(options.host, options.port)
    port = listening.getsockname()[1]
    app = build_app(LiveRuns(options.names), hosts=_list_hosts(options.host), token=token)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"http://{host}:{port}/{f'?token={token}' if token else ''}", flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOPPING
    )
    with closing(listening):
        uvicorn.Server(config).run(sockets=[listening])
    return 0


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


def _listen(host: str, port: int) -> socket.socket:
    """Open the port.

    Raises:
        RunError: It is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise RunError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port, or 0"
        ) from error
    return listening


class LiveRuns:
    """The runs that are shown, opened anew for every look.

    Args:
        names: Names of the runs; none shows all under runs/, those to come included.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._folders = {RunFolder.named(name).name: RunFolder.named(name) for name in names}

    def _list_folders(self) -> dict[str, RunFolder]:
        if self._folders:
            return self._folders
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
        from views.live.cards import render_card, render_unreadable

        try:
            with closing(open_run(str(self._list_folders()[name].path))) as run:
                total = run.settings.total_children
                return render_card(view_run(run), list(list_running(run)), total)
        except UserError as error:
            return render_unreadable(name, str(error))

    def report(self, name: str) -> str:
        """A run's report."""
        from views.report import render_damaged, render_report

        try:
            with closing(open_run(str(self._list_folders()[name].path))) as run:
                return render_report(view_run(run))
        except UserError as error:
            return render_damaged(name, str(error))


def _read_time(path: Path) -> float:
    """The time of a file's last change; 0 if it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
