"""`python -m evolve serve`, by a real process, a real browser and a run that goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evolve.commands.serve import LiveRuns

pytest.importorskip("uvicorn", reason="pip install -e '.[serve]'")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def place(make_place: Callable[[], Any], load: Callable[[Path, str], ModuleType]) -> Any:
    """A place with a finished run `a`."""
    place = make_place()
    place.instant = load(Path(__file__).parents[1] / "instant.py", "instant_serve")
    place.instant.forked(lambda: place.instant.work(place, "a", 3, 1))
    return place


@pytest.fixture
def serve(place: Any) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts servers: the process and the address that it prints."""
    processes: list[subprocess.Popen[str]] = []

    def serve(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "evolve", "serve", "--port", "0", *arguments],
            cwd=place.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


def test_a_new_run_and_its_children_appear_by_themselves(
    chromium: Any, serve: Any, place: Any
) -> None:
    process, address = serve()
    page = chromium.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.locator(".card", has_text="10 of 10 children").wait_for()
    place.instant.forked(lambda: place.instant.work(place, "later", 4, 1))
    later = page.locator(".card").filter(has=page.get_by_role("link", name="later", exact=True))
    later.get_by_text("10 of 10 children").wait_for()
    later.locator("svg.grid a.best").click()
    page.locator("#genome .code").first.wait_for()
    assert "/runs/later#g" in page.url
    assert complaints == []
    page.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) in (0, 130)


def test_an_open_address_has_a_token(serve: Any) -> None:
    _, address = serve("a", "--host", "0.0.0.0")
    base, _, token = address.partition("/?token=")
    assert base.startswith("http://0.0.0.0:")
    assert len(token) >= 32


def test_what_cannot_be_served_says_why(place: Any, serve: Any) -> None:
    missing = place.evolve("serve", "nowhere", "--port", "0")
    assert (missing.returncode, "there is no run nowhere" in missing.stderr) == (2, True)
    _, address = serve("a")
    taken = place.evolve("serve", "--port", address.rpartition(":")[2].strip("/"))
    assert taken.returncode == 2
    assert "choose another --port" in taken.stderr


def test_runs_to_come_are_shown_once_they_are_there(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    runs = LiveRuns(["a", "items-moon"])
    assert runs.names() == ["a"]
    shutil.copytree(place.run("a"), place.run("items-moon"))
    assert runs.names() == ["a", "items-moon"]
    assert "10 of 10 children" in runs.card("items-moon")
