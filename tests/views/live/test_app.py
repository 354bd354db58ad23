"""The server of live pages: who is let in, what it answers, and what its cards show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from population import CurvePoint
from views.running import RunningChild

testclient = pytest.importorskip("starlette.testclient", reason="pip install -e '.[serve]'")


class Fake:
    """Two runs, of which one has a name that must be escaped."""

    def names(self) -> Sequence[str]:
        return ["a", "b c"]

    def state(self, name: str) -> object:
        return 1

    def card(self, name: str) -> str:
        return f"card of {name}"

    def report(self, name: str) -> str:
        return f"report of {name}"


@pytest.fixture
def ask() -> Iterator[Any]:
    from views.live import build_app

    app = build_app(Fake(), hosts=["127.0.0.1"])
    with testclient.TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def test_this_machine_is_answered_and_nobody_can_write(ask: Any) -> None:
    page = ask.get("/")
    assert page.status_code == 200
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "connect-src &#39;self&#39;" in page.text
    assert ask.get("/runs/a").text == "report of a"
    assert ask.get("/runs/b%20c").text == "report of b c"
    for path in ("/runs/x", "/runs/..%2f..", "/etc/passwd"):
        assert ask.get(path).status_code == 404
    for method in (ask.post, ask.put, ask.delete):
        assert method("/").status_code == 405


def test_another_name_for_this_machine_is_refused(ask: Any) -> None:
    """A page from elsewhere can have its own name point to 127.0.0.1."""
    assert ask.get("/", headers={"host": "evil.example"}).status_code == 400
    assert ask.get("/", headers={"host": "127.0.0.1.evil.example"}).status_code == 400


def test_another_sites_page_is_refused(ask: Any) -> None:
    assert ask.get("/", headers={"origin": "http://evil.example"}).status_code == 403
    assert ask.get("/", headers={"origin": "null"}).status_code == 403
    assert ask.get("/", headers={"origin": "http://127.0.0.1"}).status_code == 200


def test_where_a_token_is_asked_for_nothing_is_shown_without_it() -> None:
    from views.live import build_app

    app = build_app(Fake(), hosts=["*"], token="secret")
    with testclient.TestClient(app, base_url="http://10.0.0.1") as client:
        for path in ("/", "/events", "/runs/a", "/?token=", "/?token=wrong"):
            assert client.get(path).status_code == 403
        assert "secret" not in client.get("/").headers.get("set-cookie", "")
        first = client.get("/?token=secret")
        assert first.status_code == 200
        assert "HttpOnly; SameSite=Strict" in first.headers["set-cookie"]
        assert client.get("/runs/a").status_code == 200, "the cookie has it now"


def test_a_card_shows_the_run_and_escapes_it(make_run: Any) -> None:
    from views.live.cards import render_card, render_unreadable

    run = make_run("<b>card")
    run.add("X = 1\n", description="<i>seed")
    run.run(0, 2.0)
    run.add("X = 2\n", 0, description="<script>idea")
    run.run(1, 1.5)
    curve = [CurvePoint(float(n), n, 5.0 - n) for n in range(4)]
    running = [RunningChild("7", 3.0, 2.0, "loss <b>\u202e", curve)]
    card = render_card(run.view(), running, 10, ["gpu-<box>: left out, it has no Ray"])
    assert "idle: gpu-&lt;box&gt;: left out, it has no Ray" in card
    assert "<script>idea" not in card
    assert "&lt;script&gt;idea" in card
    assert "<b>card" not in card
    assert "loss &lt;b&gt;⟨U+202E⟩" in card
    assert "2.0 s of training left" in card
    assert card.count("<polyline") == 1
    assert ("</a> elite" in card, "</a> seed" in card) == (True, True)
    assert 'href="runs/%3Cb%3Ecard#g1"' in card
    assert "1 of 10 children, about 1 h 30 min of work left" in card
    assert "of work left" not in render_card(run.view(), [], 10), "nothing works on it"
    assert "&lt;b&gt;" in render_unreadable("<b>", "<script>")
