"""The report in a real browser: under the mouse, by the keyboard alone, with hostile contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive import Purpose
from archive.comparison import FreshComparison
from population import CurvePoint, Direction
from views.pictures import PICTURES
from views.report import render_damaged, render_report

SEED = (
    "import math\n\nRATE = 0.1  # of learning\nWIDTH = 32\n\n\ndef train():\n    return math.pi\n"
)
HOSTILE = (
    "</script><script>window.hurt=1</script><img src=x onerror='window.hurt=1'>"
    "<!--<script> &lt; \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202ecilbup\u202c \u2066x\u2069 "
    "\x00 \x9b"
)
LONG = "x" * (1 << 20)


class Tab:
    """A page in the browser, with what went wrong in it and what it asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.path, self.complaints, self.requests = path, list[str](), list[str]()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def check(self) -> None:
        """Check that nothing went wrong and that nothing but the file itself was asked for."""
        assert self.complaints == []
        others = [url for url in self.requests if not url.startswith((self.path.as_uri(), "blob:"))]
        assert others == []
        assert self.page.evaluate("typeof window.hurt") == "undefined"

    def reach(self, selector: str, key: str = "Tab", most: int = 40) -> None:
        """Press a key until an element that matches has the focus."""
        for _ in range(most):
            self.page.keyboard.press(key)
            if self.page.evaluate("s => document.activeElement?.matches(s)", selector):
                return
        raise AssertionError(f"{key} does not lead to {selector}")


@pytest.fixture(scope="module")
def plain(make_run: Any, call: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run: a seed, two mutations, a crossover of them, and a failure."""
    run = make_run("plain")
    run.add(SEED, description="train.py")
    run.run(0, 2.0, curve=[CurvePoint(1.0, 10, 3.0), CurvePoint(2.0, 20, 2.5)])
    run.add(SEED.replace("0.1", "0.2"), 0, description="twice the rate")
    run.run(1, 1.5, size=2e5, curve=[CurvePoint(1.0, 9, 2.9), CurvePoint(2.0, 19, 2.1)], log="so\n")
    asked = call("Make it wide.", "Here is a wide one.")
    run.add(SEED.replace("32", "64"), 0, description="wider", calls=[asked], model="some/model")
    run.run(2, 1.6, size=8e5, speed=5e3)
    both = SEED.replace("32", "64").replace("0.1", "0.2")
    run.add(both, 1, 2, operator="crossover", description="both", notes="they do not interfere")
    run.run(3, 1.2, size=8e5, speed=2.5e3)
    run.add(SEED.replace("math.pi", "1 / 0"), 3, description="a daring idea")
    run.run(4, reason="ZeroDivisionError: division by zero")
    run.refuse("the reply has no edit")
    run.run(3, 1.25, purpose=Purpose.REPEAT)
    comparison = FreshComparison(0, 3, 2.0, 1.25, 0.75, 0.7, 0.8, (3, 3))
    path: Path = tmp_path_factory.mktemp("pages") / "plain.html"
    path.write_text(render_report(run.view(comparison=comparison)), encoding="utf-8")
    return path


@pytest.fixture
def open_tab(chromium: Any) -> Iterator[Callable[..., Tab]]:
    tabs: list[Tab] = []

    def open_tab(path: Path, **options: Any) -> Tab:
        tabs.append(Tab(chromium, path, **options))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.context.close()


def test_a_click_on_a_cell_shows_the_right_changes(
    open_tab: Callable[..., Tab], plain: Path
) -> None:
    tab = open_tab(plain)
    tab.page.locator("svg.grid a.best").click()
    dialog = tab.page.locator("#genome")
    dialog.get_by_role("heading", name="#3 both").wait_for()
    changes = dialog.get_by_role("region", name="Changes against #1")
    assert [line.strip() for line in changes.locator(".remove .t").all_inner_texts()] == [
        "WIDTH = 32"
    ]
    assert [line.strip() for line in changes.locator(".add .t").all_inner_texts()] == ["WIDTH = 64"]
    against = dialog.get_by_role("region", name="Changes against #2").locator(".add .t")
    assert against.inner_text().strip() == "RATE = 0.2  # of learning"
    assert against.locator(".c").inner_text() == "# of learning"
    assert "they do not interfere" in dialog.inner_text()
    source = dialog.get_by_role("region", name="Source").locator(".t").all_inner_texts()
    assert [line.rstrip("\n") for line in source][:3] == [
        "import math",
        "",
        "RATE = 0.2  # of learning",
    ]
    tab.check()


def test_hovering_tells_the_elite(open_tab: Callable[..., Tab], plain: Path) -> None:
    tab = open_tab(plain)
    tab.page.locator("svg.grid a.cell").first.hover()
    readout = tab.page.locator("#readout").inner_text()
    assert "val_bpb" in readout
    assert "parameters" in readout
    tab.check()


def test_the_best_is_saved_as_it_is(open_tab: Callable[..., Tab], plain: Path) -> None:
    tab = open_tab(plain)
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Save the best train.py").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text == SEED.replace("32", "64").replace("0.1", "0.2")
    assert download.value.suggested_filename == "plain-3-train.py"
    tab.check()


def test_the_keyboard_alone_reaches_everything(open_tab: Callable[..., Tab], plain: Path) -> None:
    tab = open_tab(plain)
    keys, dialog = tab.page.keyboard, tab.page.locator("#genome")
    tab.reach("svg.grid a.best")
    keys.press("ArrowUp")
    assert "#2" in tab.page.locator("#readout").inner_text()
    keys.press("Enter")
    dialog.get_by_role("heading", name="#2 wider").wait_for()
    tab.reach("summary")
    keys.press("Enter")
    assert "Make it wide." in dialog.inner_text()
    assert "Here is a wide one." in dialog.inner_text()
    keys.press("Escape")
    dialog.wait_for(state="hidden")
    assert tab.page.evaluate("document.activeElement.matches('svg.grid a.cell')"), "back again"
    tab.reach("[type=search]")
    keys.type("daring")
    rows = tab.page.locator("#all tbody tr")
    assert rows.count() == 1
    tab.reach("#all tbody a")
    keys.press("Enter")
    dialog.get_by_role("heading", name="#4 a daring idea").wait_for()
    assert "ZeroDivisionError: division by zero" in dialog.inner_text()
    tab.check()


def test_charts_and_filters_work_in_every_dress(open_tab: Callable[..., Tab], plain: Path) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    tab = open_tab(plain, **phone)
    for chart in tab.page.locator("[data-chart]").all():
        chart.scroll_into_view_if_needed()
        chart.locator("canvas").first.wait_for()
    wide = tab.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, "nothing is wider than the phone"
    tab.page.get_by_label("hours").check()
    tab.page.get_by_label("ancestors of the best").check()
    assert tab.page.locator("#found").inner_text() == "4 of 5"
    tab.page.goto(f"{plain.as_uri()}#g1")
    tab.page.locator("#genome .chart canvas").first.wait_for()
    tab.check()


def test_hostile_contents_harm_nothing(
    open_tab: Callable[..., Tab], make_run: Any, call: Any, tmp_path: Path
) -> None:
    run = make_run("<b>hostile")
    run.add(SEED, description=HOSTILE)
    run.run(0, 2.0, log=HOSTILE)
    source = f'"""{HOSTILE}"""\nLONG = "{LONG}"\n'
    asked = call(f"{HOSTILE}\n{LONG}", f"{HOSTILE}\n{LONG}", error=HOSTILE)
    run.add(
        source.replace("\x00", ""),
        0,
        operator=HOSTILE.replace("\x00", ""),
        description=f"{HOSTILE} {LONG}",
        notes=HOSTILE.replace("\x00", ""),
        calls=[call(HOSTILE, HOSTILE), asked],
        model=HOSTILE,
    )
    run.run(1, 1.0, size=8e5, log=f"{HOSTILE}\n{LONG}\n")
    run.add(SEED + "\n", 1)
    run.run(2, reason=f"{HOSTILE} {LONG}")
    run.refuse(f"{HOSTILE} {LONG}")
    run.record.add_event(1.0, HOSTILE, f"{HOSTILE}\n{LONG}")
    run.record.add_lessons(1.0, 3, HOSTILE)
    view = run.view(
        program=HOSTILE, settings={HOSTILE: HOSTILE}, fingerprint={HOSTILE: "half \ud800 a pair"}
    )
    path = tmp_path / "hostile.html"
    path.write_text(render_report(view), encoding="utf-8")
    tab = open_tab(path)
    for number in (0, 1, 2):
        tab.page.goto(f"{path.as_uri()}#g{number}")
        tab.page.locator("#genome .code").first.wait_for()
        for summary in tab.page.locator("#genome summary").all():
            summary.click()
    assert tab.page.locator("img").count() == 0
    everything = tab.page.locator("body").inner_text()
    assert "<script>window.hurt=1</script>" in everything, "it is shown as what it is"
    assert "half ⟨U+D800⟩ a pair" in everything
    assert "⟨U+202E⟩cilbup" in everything
    assert "\x1b" not in everything
    assert not {"\u202e", "\u2066", "\x9b"} & set(everything)
    tab.check()


def test_without_scripts_there_are_still_pictures(
    open_tab: Callable[..., Tab], make_run: Any, tmp_path: Path
) -> None:
    run = make_run("still")
    run.add(SEED)
    run.run(0, 2.0)
    run.add(SEED.replace("0.1", "0.2"), 0, description=HOSTILE)
    run.run(1, 1.5)
    view = run.view()
    stills = {name: picture.draw(view) for name, picture in PICTURES.items()}
    path = tmp_path / "still.html"
    path.write_text(render_report(view, stills=stills), encoding="utf-8")
    tab = open_tab(path, java_script_enabled=False)
    for name in PICTURES:
        picture = tab.page.get_by_alt_text(name)
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 200, "it is drawn"
    assert "these are still pictures" in tab.page.locator("body").inner_text()
    assert not [url for url in tab.requests if not url.startswith((path.as_uri(), "data:"))]
    assert tab.complaints == []


def test_what_is_missing_is_said(
    open_tab: Callable[..., Tab], make_run: Any, tmp_path: Path
) -> None:
    run = make_run("empty")
    pages = {"nothing.html": render_report(run.view())}
    run.add(SEED)
    pages["waiting.html"] = render_report(run.view())
    run.run(0, reason="OutOfMemoryError")
    pages["failed.html"] = render_report(run.view())
    run.run(0, 2.0)
    pages["seed.html"] = render_report(run.view())
    pages["damaged.html"] = render_damaged("<i>run", "archive.db: database disk image is malformed")
    expected = {
        "nothing.html": "Nothing has been measured yet",
        "waiting.html": "Nothing has been measured yet",
        "failed.html": "No genome has scored yet",
        "seed.html": "No child is fitter than the seed yet",
        "damaged.html": "database disk image is malformed",
    }
    for name, words in expected.items():
        path = tmp_path / name
        path.write_text(pages[name], encoding="utf-8")
        tab = open_tab(path)
        assert words in tab.page.locator("body").inner_text(), name
        tab.check()


def test_a_genome_whose_source_is_gone_says_so(
    open_tab: Callable[..., Tab], make_run: Any, tmp_path: Path
) -> None:
    run = make_run("gone")
    run.add(SEED)
    run.run(0, 2.0)
    run.add(SEED.replace("0.1", "0.3"), 0)
    run.run(1, 1.0)
    commit = run.commits[1]
    (run.folder.genomes / "objects" / commit[:2] / commit[2:]).unlink()
    path = tmp_path / "gone.html"
    path.write_text(render_report(run.view()), encoding="utf-8")
    tab = open_tab(path)
    tab.page.goto(f"{path.as_uri()}#g1")
    tab.page.get_by_text("does not hold train.py").wait_for()
    assert tab.page.locator("#genome").get_by_text("idea 1").count()
    tab.check()


def test_it_prints(open_tab: Callable[..., Tab], plain: Path) -> None:
    tab = open_tab(plain)
    pdf = tab.page.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000, "the charts are in it"
    assert tab.page.locator("[data-chart] canvas").count() >= 4
    tab.check()


def test_directions_agree(open_tab: Callable[..., Tab], make_run: Any, tmp_path: Path) -> None:
    """Where higher is fitter, the best is on top of the list."""
    run = make_run("higher")
    for number, fitness in enumerate((1.0, 3.0, 2.0)):
        run.add(SEED + f"# {number}\n", *([0] if number else []))
        run.run(number, fitness, size=2e5 * (number + 1))
    individuals = {one.id: one for one in run.record.individuals(Direction.MAXIMIZE)}
    view = run.view()
    archive = type(view.archive)(view.archive.axes)
    for one in individuals.values():
        archive.add(one)
    view = run.view(
        direction=Direction.MAXIMIZE,
        individuals=individuals,
        archive=archive,
        best=archive.best,
    )
    path = tmp_path / "higher.html"
    path.write_text(render_report(view), encoding="utf-8")
    tab = open_tab(path)
    assert tab.page.locator("#all tbody tr").first.inner_text().startswith("#1")
    assert tab.page.locator(".headline").inner_text().count("2 better") == 1
    tab.check()
