"""What the page is made of: its policy, its libraries, its tables, and how a run went."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import Purpose
from archive.axis import bounds_of_cell
from population import Direction, Individual, Status
from views.ancestry import STORY, tell_story, trace_ancestry
from views.report import render_report
from views.report.grid import picture_grid
from views.report.history import count_dollars, count_hours, trace_history
from views.tallies import tally_arms, tally_failures
from views.unseen import cut, show_unseen

ECHARTS = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"  # 6.1.0, from npm


@pytest.fixture(scope="module")
def run(make_run: Any, call: Any) -> Any:
    """A run of a seed, two children, a crossover and failures, with a model."""
    run = make_run("page")
    run.add("X = 0\n")
    run.run(0, 2.0)
    run.record.add_event(run.tick(-70), "sandbox", "none")
    run.tick(70)
    run.add("X = 1\n", 0, calls=[call("p", "r")], model="some/model")
    run.run(1, 1.5, size=8e5)
    run.refuse("no edit")
    run.tick(7200)
    run.record.add_event(run.tick(0), "sandbox", "none")
    run.add("X = 2\n", 0, operator="rework")
    run.run(2, 1.75, size=2e5)
    run.add("X = 3\n", 1, 2, operator="crossover")
    run.run(3, 1.25, size=8e5)
    run.add("X = 4\n", 3)
    run.run(4, reason="SyntaxError", status=Status.CRASH)
    run.run(3, 1.3, purpose=Purpose.FINAL)
    return run


def test_the_policy_allows_the_pages_own_scripts_and_nothing_else(run: Any) -> None:
    page = render_report(run.view())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    allowed = set(re.findall(r"sha256-([^&]*)&#39;", policy[1]))
    inline = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline}
    assert allowed == digests
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    rest = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<(?:script|img|link|iframe)|https?:| style=| on[a-z]+=", rest)


def test_the_vendored_library_is_the_published_one() -> None:
    folder = files("views.report").joinpath("assets", "echarts")
    assert hashlib.sha256(folder.joinpath("echarts.min.js").read_bytes()).hexdigest() == ECHARTS
    assert "Apache License" in folder.joinpath("LICENSE").read_text()
    assert "Apache ECharts" in folder.joinpath("NOTICE").read_text()


def test_the_history_ends_where_the_archive_is(run: Any) -> None:
    view = run.view()
    last = trace_history(view)[-1]
    assert view.archive is not None
    assert (last.best, last.objective) == (3, 1.25)
    assert last.coverage == view.archive.coverage
    assert last.qd_score == pytest.approx(view.archive.qd_score(2.0))
    assert [moment.best for moment in trace_history(view)] == [0, 1, 1, 3, 3]


def test_pauses_do_not_count_as_work(run: Any) -> None:
    hours = count_hours(run.view())
    assert hours == sorted(hours)
    assert 0 < hours[0] < 0.05
    assert hours[-1] < 0.2, "two hours between two processes are no work"


def test_dollars_add_up(run: Any) -> None:
    assert count_dollars(run.view()) == [0, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_each_operator_has_what_it_made_and_cost(run: Any) -> None:
    view = run.view()
    arms = {(arm.operator, arm.model): arm for arm in tally_arms(view, run.record.proposals())}
    paid = arms["tweak", "some/model"]
    assert (paid.children, paid.kept, paid.spend.cost) == (1, 1, 0.5)
    assert paid.best_gain == paid.median_gain == 0.5
    free = arms["tweak", ""]
    assert (free.proposals, free.children, free.failed, free.gains) == (2, 1, 1, [])
    assert arms["crossover", ""].gains == [0.25]


def test_failures_are_counted_by_kind_and_reason(run: Any) -> None:
    failures = {one.kind: one for one in tally_failures(run.view(), run.record.proposals())}
    assert failures["crash"].reasons == [("SyntaxError", 1, [4])]
    assert failures["refused"].reasons == [("no edit", 1, [])]


def test_the_family_is_drawn_with_children_above_their_parents(run: Any) -> None:
    ancestry = trace_ancestry(run.view().individuals, 3)
    assert [node.individual.id for node in ancestry.nodes] == [3, 2, 1, 0]
    assert all(edge.child.row < edge.parent.row for edge in ancestry.edges)
    assert ancestry.lanes == 2


def person(number: int, *parents: int) -> Individual:
    return Individual(number, "c", parents, "tweak", "", 0, Direction.MINIMIZE)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=25))
def test_no_line_of_a_family_runs_through_a_stranger(drawn: list[tuple[int, int]]) -> None:
    people = {0: person(0)}
    for number, (first, second) in enumerate(drawn, 1):
        parents = {first % number, second % number}
        people[number] = person(number, *parents)
    ancestry = trace_ancestry(people, len(people) - 1)
    at = {(node.lane, node.row) for node in ancestry.nodes}
    assert len({node.row for node in ancestry.nodes}) == len(ancestry.nodes)
    for edge in ancestry.edges:
        between = range(edge.child.row + 1, edge.parent.row)
        assert not any((edge.lane, row) in at for row in between)
    expected = sum(len(node.individual.parents) for node in ancestry.nodes)
    assert len(ancestry.edges) == expected


def test_the_story_has_the_largest_gains_and_the_best(run: Any) -> None:
    people = {0: person(0)} | {number: person(number, number - 1) for number in range(1, 9)}
    gains = {number: float(number % 4) for number in people}
    story = tell_story(trace_ancestry(people, 8), gains)
    assert len(story) == STORY
    assert story[-1].id == 8
    assert {one.id for one in story} >= {3, 7}
    assert tell_story(trace_ancestry(people, 0), gains) == []


@pytest.mark.parametrize("cells", [1, 4, 50])
def test_the_grid_has_a_place_for_every_cell(run: Any, cells: int) -> None:
    view = run.view()
    assert view.archive is not None
    axes = [type(axis)(**{**axis.to_dict(), "cells": cells}) for axis in view.archive.axes]
    picture = picture_grid(view.archive.rebin(axes), metric="val_bpb", noise=view.noise)
    assert len(picture.cells) == cells**2
    assert len({(cell.x, cell.y) for cell in picture.cells}) == cells**2
    assert sum(cell.best for cell in picture.cells) == 1
    assert all(cell.x + picture.width <= picture.sheet[0] for cell in picture.cells)
    for cell in picture.cells:
        assert cell.about.startswith("empty: " if cell.elite is None else f"#{cell.elite} ")


def test_empty_cells_that_were_aimed_at_are_told_apart(run: Any) -> None:
    view = run.view()
    assert view.archive is not None
    empty = next(cell for cell in ((3, 0), (0, 0)) if view.archive.elite_of(cell) is None)
    full = view.archive.cell_of(view.individuals[3])
    targets = [bounds_of_cell(view.archive.axes, cell) for cell in (empty, empty, full)]
    picture = picture_grid(
        view.archive, metric="val_bpb", noise=view.noise, targets=[*targets, ((1.0, 2.0),)]
    )
    aimed = {(cell.column, cell.row): cell for cell in picture.cells if cell.aims}
    assert {place: cell.aims for place, cell in aimed.items()} == {empty: 2}
    assert aimed[empty].about.startswith("empty, aimed at 2 times in vain: ")


def test_what_is_not_seen_is_shown() -> None:
    assert show_unseen("a\u202eb\x1b\ud800\tc\n") == "a⟨U+202E⟩b⟨U+001B⟩⟨U+D800⟩\tc\n"
    assert show_unseen("naïve 日本語 👍") == "naïve 日本語 👍"


def test_long_texts_are_cut() -> None:
    assert cut("a  b\nc", 5) == "a b c"
    assert cut("x" * 99, 5) == "xxxx…"
    assert cut(" " * 99 + "x", 5) == "…"
