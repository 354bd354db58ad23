"""Serves the live pages on a port that is open already, until it is told to end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

import uvicorn

from views.live.app import Board, Runs, build_app

STOPPING = 1  # seconds that requests have when the server ends
LAST = 3.0  # seconds for the last look at the runs


class Server(uvicorn.Server):
    """Sends open pages what there is to see last before it ends.

    Args:
        runs: Runs that are shown.
        hosts: Names by which browsers may call this machine.
        token: Secret that the first request must have; empty asks for none.
    """

    def __init__(self, runs: Runs, hosts: Sequence[str], token: str) -> None:
        self._app = build_app(runs, hosts=hosts, token=token)
        config = uvicorn.Config(
            self._app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOPPING
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        board: Board = self._app.state.board
        with suppress(TimeoutError):
            await asyncio.wait_for(board.finish(), LAST)
        await super().shutdown(sockets)
