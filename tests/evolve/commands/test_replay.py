"""What the models were asked and answered can be read, and a run's decisions can be taken again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

COMMON = ("--task", "toy", "--run", "m", "--final-runs", "0", "--price", "2:10")


@pytest.fixture(scope="module")
def talked(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A run of 30 children with all operators, whose model answers every seventh time nonsense."""

    def script(request: Any) -> str:
        if request.is_for_lessons or request.number % 7:
            return str(scripted.tweaked(request))
        return "I would rather not."

    place, server = make_place(), serve(script)
    done = place.evolve(
        *(*COMMON, "--generations", "6", "--devices", "cpu:0,cpu:1"),
        *("--model", "openai/test", "--api-base", server.base),
    )
    assert done.returncode == 0, done.stderr
    place.server = server
    return place


def test_a_run_with_a_model_takes_the_same_decisions_again(talked: Any) -> None:
    again = talked.evolve("replay", "m")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout
    proposals = talked.count("m", "proposals WHERE operator != 'lessons'")
    assert f"{proposals} of {proposals} proposals are the same" in again.stdout


def test_what_was_aimed_at_is_recorded(talked: Any) -> None:
    rows = talked.rows("m", "SELECT operator, target FROM asks")
    aimed = [json.loads(target) for operator, target in rows if operator == "aim"]
    assert aimed
    for (low, high), (slow, fast) in aimed:
        assert low < high
        assert slow < fast
    others = {target for operator, target in rows if operator not in ("aim", "illuminate")}
    assert others == {"[]"}


@pytest.mark.slow
def test_so_does_one_whose_proposals_were_twins_and_that_others_went_on_with(
    place: Any, chat: Any, scripted: ModuleType
) -> None:
    """The model gives each edit twice, so which twin is refused depends on who came first."""

    def script(request: Any) -> str:
        width = 40 + request.number // 2
        line = next(line for line in request.genome.splitlines() if line.startswith("WIDTH"))
        return str(scripted.edit(line, f"WIDTH = {width}", f"width {width}"))

    server = chat(script)
    options = ("--api-base", server.base, "--devices", "cpu:0,cpu:1")
    begun = place.evolve(*COMMON, *options, "--model", "openai/a", "--generations", "2")
    assert begun.returncode == 0, begun.stderr
    other = place.evolve("resume", "m", "--model", "openai/b", "--generations", "4")
    assert other.returncode == 0, other.stderr
    assert place.evolve("rebin", "m", "--cells", "9").returncode == 0
    again = place.evolve("replay", "m")
    proposals = place.count("m", "proposals WHERE operator != 'lessons'")
    assert f"{proposals} of {proposals} proposals are the same" in again.stdout, again.stdout
    assert again.returncode == 0
    assert place.evolve("resume", "m", "--generations", "5").returncode == 0
    assert place.evolve("replay", "m").returncode == 0, "in the cells that it was given"


def test_a_decision_that_differs_is_named(talked: Any, make_place: Callable[[], Any]) -> None:
    import shutil
    import sqlite3

    other = make_place()
    shutil.copytree(talked.folder, other.folder, dirs_exist_ok=True)
    with sqlite3.connect(other.run("m") / "archive.db") as database:
        database.execute("UPDATE asks SET operator = 'simplify' WHERE proposal = 0")
    again = other.evolve("replay", "m")
    assert again.returncode == 1
    assert re.search(r"proposal 0: was simplify.*\n *proposal 0: is ", again.stdout)


def test_the_requests_of_a_genome_are_shown_with_their_price(talked: Any) -> None:
    ((number, operator),) = talked.rows(
        "m", "SELECT id, operator FROM individuals WHERE model != '' ORDER BY id LIMIT 1"
    )
    shown = talked.evolve("prompts", "m", str(number)).stdout
    assert f"to openai/test ({operator}), 1000 tokens in, 200 out, $0.0040" in shown
    for words in ("-- system", "Make the score small.", "-- user", "WIDTH = ", "-- reply", "IDEA:"):
        assert words in shown
    assert "no language model was asked for genome 0" in talked.evolve("prompts", "m", "0").stdout


def test_what_was_refused_is_listed_and_its_requests_can_be_read(talked: Any) -> None:
    refused = talked.rows("m", "SELECT id, reason FROM proposals WHERE reason != '' AND told")
    listed = talked.evolve("prompts", "m", "--refused").stdout
    for number, reason in refused:
        assert re.search(rf"^ *p{number} .*{re.escape(reason[:30])}", listed, re.MULTILINE)
    shown = talked.evolve("prompts", "m", "p0").stdout
    assert "-- system" in shown or "no language model was asked for proposal 0" in shown
    missing = talked.evolve("prompts", "m", "p9999")
    assert missing.returncode == 2
    assert "has no proposal p9999" in missing.stderr


def test_the_spend_is_told_by_operator_and_model_with_the_lessons(talked: Any) -> None:
    shown = talked.evolve("prompts", "m").stdout
    calls, cost = talked.rows("m", "SELECT count(*), sum(cost) FROM calls")[0]
    assert f"{calls} requests, {calls} answered, {1200 * calls} tokens, ${cost:.4f}" in shown
    for operator, model in talked.rows("m", "SELECT DISTINCT operator, model FROM proposals"):
        assert re.search(rf"^ *{operator} +{model or '-'} ", shown, re.MULTILINE)
    assert "lessons after 20 children (version 1):" in shown
    assert "- a width near 64" in shown
    assert (
        "lessons after 20 children (version 1):"
        in talked.evolve("prompts", "m", "--lessons").stdout
    )


def test_lessons_reach_the_requests_that_come_after_them(talked: Any) -> None:
    (asked,) = [r for r in talked.server.requests if r.is_for_lessons]
    assert asked.user.count("- genome ") == 20
    later = talked.server.requests[talked.server.requests.index(asked) + 4 :]
    told = [r for r in later if "as a model drew them:\nHelped:" in r.user]
    assert not later or told
