"""The live pages in a real browser: hostile runs side by side, by the keyboard alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from archive import Purpose
from population import CurvePoint
from views.live.cards import render_card, render_unreadable
from views.report import render_damaged, render_report
from views.run_view import RunView
from views.running import RunningChild

server = pytest.importorskip("views.live.server", reason="pip install -e '.[serve]'")
HOSTILE = (
    "\u202ecilbup\u202c \x1b[31mred\x9b </script><script>window.hurt=1</script>"
    "<img src=x onerror='window.hurt=1'><svg onload='window.hurt=1'> "
)
LONG = "x" * (1 << 20)


class Shown:
    """Runs as pages that a test makes: the server's threads read no record of the test's.

    Args:
        runs: Makers of the runs.
    """

    def __init__(self, runs: Sequence[Any]) -> None:
        self.runs = runs
        self.change()

    def change(self, *running: RunningChild) -> None:
        """Show the runs as they are now, with these children."""
        views: dict[str, RunView] = {run.folder.name: run.view() for run in self.runs}
        reports = {name: render_report(view, live=True) for name, view in views.items()}
        self.reports = {**reports, "torn": render_damaged("torn", HOSTILE)}
        cards = {name: render_card(view, running, 10) for name, view in views.items()}
        self.cards = {**cards, "torn": render_unreadable("torn", HOSTILE)}

    def names(self) -> Sequence[str]:
        return [*self.cards, "defect", "gone"]

    def state(self, name: str) -> object:
        if name == "gone":
            raise FileNotFoundError("its folder is gone")
        return self.cards.get(name)

    def card(self, name: str) -> str:
        return self.cards[name]

    def report(self, name: str) -> str:
        return self.reports[name]


@pytest.fixture(scope="module")
def shown(make_run: Any) -> Shown:
    """Two runs, of which one is hostile in all that models and genomes write."""
    runs = []
    for name, text in (("plain", "an idea"), ("hostile", f"{HOSTILE} {LONG}")):
        runs.append(make_run(name))
        runs[-1].add("X = 1\n", description="seed")
        runs[-1].run(0, 2.0)
        runs[-1].add("X = 2\n", 0, description=text)
        runs[-1].run(1, 1.5, size=8e5)
        runs[-1].add("X = 3\n", 1, description=text, operator="tweak")
        runs[-1].run(2, reason=text)
    return Shown(runs)


@pytest.fixture(scope="module")
def address(shown: Shown) -> Iterator[str]:
    """The address of a server that shows them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = server.Server(shown, hosts=["127.0.0.1"], token="")
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        serving.should_exit = True
        thread.join(30)


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """The live page; nothing went wrong on it, and nobody else was asked for anything."""
    page, complaints, requests = chromium.new_page(), list[str](), list[str]()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    page.locator(".card").nth(4).wait_for()
    yield page
    assert complaints == []
    assert [url for url in requests if not url.startswith((address, "blob:"))] == []
    assert page.evaluate("typeof window.hurt") == "undefined"
    page.close()


def test_children_that_run_have_curves_and_time_left(page: Any, shown: Shown) -> None:
    curve = [CurvePoint(float(n), n, 5.0 - n) for n in range(4)]
    shown.change(RunningChild("7", 3.0, 125.0, f"loss 2 {HOSTILE}{LONG}", curve))
    plain = page.locator(".card").filter(has=page.get_by_role("link", name="plain", exact=True))
    plain.get_by_text("2 min 05 s of training left").wait_for()
    assert plain.get_by_role("img", name="Its learning curve so far").is_visible()
    assert page.locator(".card", has_text="hostile").locator("polyline").count() == 1
    shown.change()
    plain.get_by_text("of training left").wait_for(state="detached")


def test_hostile_runs_harm_nothing(page: Any) -> None:
    hostile = page.locator(".card", has_text="hostile")
    text = hostile.inner_text()
    assert "<script>window.hurt=1</script>" in text, "it is shown as what it is"
    assert "⟨U+202E⟩cilbup" in text
    assert page.locator(".card img, .card script").count() == 0
    torn = page.locator(".card", has_text="torn").inner_text()
    assert "<img src=x" in torn
    assert not {"\u202e", "\x1b", "\x9b"} & {*text, *torn}


def test_a_run_that_breaks_the_server_is_named_and_the_others_are_shown(page: Any) -> None:
    card = page.locator(".card", has_text="defect")
    assert "cannot be read" in card.inner_text()
    assert "KeyError: 'defect'" in card.inner_text()
    assert "its folder is gone" in page.locator(".card", has_text="gone").inner_text()
    assert page.locator(".card").count() == 5


def test_a_report_says_that_its_run_has_gone_on(page: Any, shown: Shown, address: str) -> None:
    page.goto(f"{address}runs/plain")
    assert page.locator("#news").is_hidden()
    shown.runs[0].run(1, 1.45, purpose=Purpose.REPEAT)
    shown.change()
    page.get_by_text("1 experiment has ended since this page was made.").wait_for()
    page.get_by_role("button", name="Show them").click()
    page.get_by_text("3 genomes, 4 experiments").wait_for()
    page.get_by_role("link", name="all runs").click()
    page.locator(".card").nth(4).wait_for()


def test_the_keyboard_leads_from_a_card_to_a_genome(page: Any) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('svg.grid a.best')"):
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="#1 an idea").wait_for()
    assert "/runs/plain#g1" in page.url
