"""The server of the live pages: read-only, for this machine unless a token is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from http.cookies import SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from views.live.cards import render_unreadable
from views.report.environment import make_environment, read_asset, write_policy

LOOK = 1.0  # seconds between two looks at the runs
SHARE = 0.2  # of the time for reading runs at most: their children need the cores
ALIVE = 15.0  # seconds without news after which a connection is tested
COOKIE = "evolve_token"
LOG = logging.getLogger(__name__)


class Runs(Protocol):
    """What the server shows. The methods are called in threads, one at a time."""

    def names(self) -> Sequence[str]:
        """The names of the runs."""
        ...

    def state(self, name: str) -> object:
        """A value that differs as soon as a run has changed; quick."""
        ...

    def card(self, name: str) -> str:
        """A run's card as HTML."""
        ...

    def report(self, name: str) -> str:
        """A run's report as HTML."""
        ...


class Board:
    """The cards of all runs, kept up to date while somebody looks."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.cards: dict[str, str] = {}
        self.version = 0
        self.ended = False
        self.changed = asyncio.Condition()
        self.reading = asyncio.Lock()
        self._states: dict[str, object] = {}
        self._readers, self._watched = 0, asyncio.Event()

    async def refresh(self) -> None:
        """Read the runs that have changed."""
        async with self.reading:
            cards = await asyncio.to_thread(self._read)
        if cards != self.cards or not self.version:
            async with self.changed:
                self.cards, self.version = cards, self.version + 1
                self.changed.notify_all()

    def _read(self) -> dict[str, str]:
        return {name: self._read_card(name) for name in self.runs.names()}

    def _read_card(self, name: str) -> str:
        """The card of a run, which is made anew if the run has changed."""
        try:
            state = self.runs.state(name)
            if name not in self.cards or self._states.get(name) != state:
                self._states[name] = state  # before: what fails is not tried again until it changes
                return self.runs.card(name)
        except Exception as error:  # a defect at one run must not freeze the page of all
            LOG.exception("the card of run %s cannot be made", name)
            return render_unreadable(name, f"{type(error).__name__}: {error}")
        return self.cards[name]

    async def keep(self) -> None:
        """Refresh for ever while somebody looks, for at most `SHARE` of the time."""
        while True:
            await self._watched.wait()
            begun = time.monotonic()
            await self.refresh()
            await asyncio.sleep(max(LOOK, (time.monotonic() - begun) * (1 - SHARE) / SHARE))

    async def finish(self) -> None:
        """Read the runs a last time if somebody looks, and end all that `follow`."""
        if self._watched.is_set():
            await self.refresh()
        async with self.changed:
            self.ended = True
            self.changed.notify_all()

    async def follow(self) -> AsyncIterator[str]:
        """Server-sent events: the cards that differ from those sent before, with all names."""
        self._count_reader(1)
        try:
            async for event in self._send_news():
                yield event
        finally:
            self._count_reader(-1)

    def _count_reader(self, more: int) -> None:
        self._readers += more
        if self._readers:
            self._watched.set()
        else:
            self._watched.clear()

    async def _send_news(self) -> AsyncIterator[str]:
        sent: dict[str, str] = {}
        version = 0  # before the first look at the runs
        while not (self.ended and self.version == version):
            async with self.changed:
                if self.version == version and not self.ended:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.changed.wait(), ALIVE)
            if self.version == version:
                yield ": still here\n\n"
                continue
            version, cards = self.version, self.cards
            news = {name: card for name, card in cards.items() if sent.get(name) != card}
            sent = cards
            yield f"data: {json.dumps({'names': list(cards), 'cards': news})}\n\n"


def build_app(runs: Runs, *, hosts: Sequence[str], token: str = "") -> Starlette:
    """Build the application.

    Args:
        runs: Runs that are shown.
        hosts: Names by which browsers may call this machine: others are refused, since a page from
            elsewhere can have its own name point here (DNS rebinding).
        token: Secret that the first request must have as `?token=`; empty asks for none.
    """

    @contextlib.asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        app.state.board = Board(runs)
        task = asyncio.create_task(app.state.board.keep())
        try:
            yield
        finally:
            task.cancel()

    return Starlette(
        routes=[
            Route("/", _show_runs),
            Route("/events", _send_events),
            Route("/runs/{name}", _show_report),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(Guard, token=token),
        ],
        lifespan=live,
    )


async def _show_runs(request: Request) -> Response:
    script, style = read_asset("live.js"), read_asset("page.css")
    page = (
        make_environment()
        .get_template("live.html")
        .render(script=script, style=style, policy=write_policy([script], style, "'self'"))
    )
    return HTMLResponse(page)


async def _send_events(request: Request) -> Response:
    board: Board = request.app.state.board
    return StreamingResponse(board.follow(), media_type="text/event-stream")


async def _show_report(request: Request) -> Response:
    board: Board = request.app.state.board
    name = request.path_params["name"]
    async with board.reading:
        if name not in await asyncio.to_thread(board.runs.names):
            return PlainTextResponse("there is no such run", 404)
        return HTMLResponse(await asyncio.to_thread(board.runs.report, name))


Scope = dict[str, Any]
Call = Callable[..., Awaitable[Any]]


class Guard:
    """Lets in who may read, and sends the headers that keep a page from others.

    Args:
        app: Application behind it.
        token: Secret that is asked for; empty asks for none.
    """

    def __init__(self, app: Call, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Any, receive: Call, send: Call) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._find_refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers()]
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _find_refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return PlainTextResponse("another site's page may not read this", 403)
        if not self._token:
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        known = [given, "" if cookie is None else cookie.value]
        if any(secrets.compare_digest(one.encode(), self._token.encode()) for one in known):
            return None
        return PlainTextResponse("the address lacks its token: use the one that was printed", 403)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = {
            "content-security-policy": "frame-ancestors 'none'",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-store",
        }
        if self._token:
            headers["set-cookie"] = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        return [(name.encode(), value.encode()) for name, value in headers.items()]
