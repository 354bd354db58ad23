"""`--serve`: live pages beside a run, which neither depends on them nor waits for them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from evolve.cli import main

pytest.importorskip("uvicorn", reason="pip install -e '.[serve]'")
LONG = ("--task", "toy", "--generations", "200", "--devices", "cpu:0")
LIVE = ("--serve", "--port", "0")


class Served:
    """A run with live pages, by a real process.

    Args:
        process: The run's process.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.address = process.stdout.readline().removeprefix("live pages: ").partition(",")[0]
        self.server = self._find_server()

    def _find_server(self) -> psutil.Process:
        """The server's process, once it is one: for a moment a new process is a copy of the run."""
        while True:
            assert self.process.poll() is None, self.process.communicate()
            for child in psutil.Process(self.process.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "evolve.commands.live_pages" in child.cmdline():
                        return child
            time.sleep(0.02)

    def end(self) -> str:
        """Wait for the run's end: the rest of what it printed."""
        return self.process.communicate(timeout=120)[0]


@pytest.fixture
def begin(place: Any) -> Iterator[Callable[..., Served]]:
    """Begins runs with live pages, in a process group of their own."""
    begun: list[Served] = []

    def begin(*arguments: str) -> Served:
        begun.append(Served(place.start(*arguments, *LIVE, group=True)))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()


def test_a_page_shows_how_its_run_ended(
    chromium: Any, begin: Callable[..., Served], place: Any
) -> None:
    served = begin("--task", "toy", "--run", "a", "--generations", "1")
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    page.goto(served.address)
    page.locator(".card", has_text="of 5 children").wait_for()
    assert "the live pages" not in served.end()
    assert served.process.returncode == 0
    page.locator(".card", has_text="finished").wait_for()
    assert not served.server.is_running()
    page.locator("#state", has_text="the last that it sent").wait_for()
    page.close()

    again = begin("resume", "a", "--generations", "2")
    assert again.address.startswith("http://127.0.0.1:")
    again.end()
    assert again.process.returncode == 0
    assert place.count("a", "individuals WHERE parents != '[]'") == 10


def test_a_run_goes_on_without_its_server(begin: Callable[..., Served]) -> None:
    served = begin("--task", "toy", "--run", "a", "--generations", "1")
    served.server.kill()
    printed = served.end()
    assert served.process.returncode == 0
    assert printed.count("the live pages have ended") == 1
    assert "(killed by SIGKILL); the run goes on, and `python -m evolve serve a`" in printed
    assert "everything:" in printed


def test_the_server_ends_with_a_run_that_is_interrupted(begin: Callable[..., Served]) -> None:
    served = begin(*LONG, "--run", "a")
    assert served.process.stdout is not None
    while "sandboxed" not in served.process.stdout.readline():  # from then on it listens to Ctrl-C
        pass
    served.process.stdout.readline()
    os.killpg(served.process.pid, signal.SIGINT)
    printed = served.end()
    assert served.process.returncode == 130, printed
    assert "the live pages" not in printed
    assert not served.server.is_running()


def test_the_server_ends_with_a_run_that_is_killed(
    begin: Callable[..., Served], eventually: Any
) -> None:
    served = begin(*LONG)
    served.process.kill()
    eventually(lambda: not served.server.is_running())


def test_what_is_in_the_way_is_said_before_a_run_begins(
    here: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: str) -> str:
        assert main(["--task", "toy", *arguments]) == 2
        assert not (here.folder / "runs").exists()
        return capsys.readouterr().err

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refuse("--serve", "--port", port)
        assert f"127.0.0.1:{port} cannot be listened on (Address already in use)" in said
        assert "choose another --port, or 0" in said
    assert "numbers up to 65535" in refuse("--serve", "--port", "99999")
    assert "add --serve" in refuse("--port", "0")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "uvicorn is not installed, which the live pages need: pip install" in refuse(*LIVE)
