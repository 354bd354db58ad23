"""Runs of models that reply in other forms than freely: learnt, fixed, recorded and shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

MODEL = "openai/a"
COMMON = ("--task", "toy", "--run", "m", "--final-runs", "0", "--seed-runs", "2")


def evolve(place: Any, server: Any, *arguments: str) -> Any:
    return place.evolve(*COMMON, "--model", MODEL, "--api-base", server.base, *arguments)


def constants_only(request: Any) -> Any:
    """A small model: of use where a schema holds it to constants, and nowhere else."""
    properties = schema_of(request).get("properties", {})
    if "constants" in properties:
        value = 33 + request.number
        return json.dumps({"constants": [{"name": "WIDTH", "value": value}]})
    if "definition" in properties:
        return json.dumps({"idea": "", "definition": "nowhere", "lines": ["pass"]})
    return "IDEA: a better one\n```python\nimport nothing\n```"


def schema_of(request: Any) -> Any:
    asked = request.options.get("response_format", {})
    return asked.get("json_schema", {}).get("schema", {})


@pytest.fixture(scope="module")
def small(make_place: Callable[[], Any], serve: Any) -> Any:
    """A run with a small model, whose genome has a function besides its constants."""
    place, server = make_place(), serve(constants_only)
    path = place.task_folder / "toy.py"
    path.write_text(path.read_text() + "\n\ndef unused(x):\n    return x\n")
    done = evolve(place, server, "--generations", "3", "--operators", "tweak,rework")
    assert done.returncode == 0, done.stdout + done.stderr
    place.server = server
    return place


def test_the_form_that_gives_children_is_learnt_and_recorded(small: Any) -> None:
    children = small.rows(
        "m",
        "SELECT p.form, count(*) FROM proposals p JOIN individuals i ON i.id = p.individual "
        "WHERE i.model != '' GROUP BY 1",
    )
    assert [form for form, _ in children] == ["constants"]
    (first,) = small.rows("m", "SELECT form FROM proposals WHERE model != '' ORDER BY id LIMIT 1")
    assert first == ("free",)
    ideas = small.rows("m", "SELECT description FROM individuals WHERE model != ''")
    assert all(re.fullmatch(r"WIDTH \d+ -> \d+", idea) for (idea,) in ideas)


def test_each_form_is_asked_for_with_its_schema_and_its_limit(small: Any) -> None:
    by_form: dict[str, list[Any]] = {"free": [], "constants": [], "definition": []}
    for request in small.server.requests:
        names = schema_of(request).get("properties", {"free": None})
        by_form[next(name for name in by_form if name in names)].append(request)
    for form, words in (("free", "<<<<<<< SEARCH"), ("constants", "new values of one to three")):
        assert by_form[form]
        assert all(words in request.system for request in by_form[form])
    limits = {form: {r.options["max_tokens"] for r in asked} for form, asked in by_form.items()}
    assert max(limits["constants"]) < min(limits["free"])
    retries = [request.last for request in by_form["constants"] if request.is_retry]
    assert all("one JSON object" in text and "IDEA" not in text for text in retries)


def test_what_came_of_each_form_is_shown(small: Any) -> None:
    shown = small.evolve("prompts", "m").stdout
    assert "form of replies" in shown
    for form in ("free", "constants"):
        ended = f"proposals WHERE form = '{form}' AND ended > 0"
        counts = small.count("m", ended), small.count("m", f"{ended} AND individual > 0")
        line = rf"^ *{MODEL} +{form} +{counts[0]} +{counts[1]} +\d+ *$"
        assert re.search(line, shown, re.MULTILINE), shown


def test_its_decisions_can_be_taken_again(small: Any) -> None:
    again = small.evolve("replay", "m")
    assert again.returncode == 0, again.stdout


def test_a_form_can_be_fixed_and_a_server_that_takes_no_schema_is_told_in_words(
    place: Any, chat: Any
) -> None:
    def script(request: Any) -> Any:
        if "response_format" in request.options:
            return 400, "response_format of type json_schema is not supported"
        assert '{"constants": [' in request.system
        value = 33 + request.number
        return json.dumps({"constants": [{"name": "WIDTH", "value": value}]})

    server = chat(script)
    options = ("--generations", "1", "--form", f"{MODEL}=constants", "--operators", "rework")
    done = evolve(place, server, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.count("m", "individuals WHERE model != ''") == 5
    assert {row[0] for row in place.rows("m", "SELECT form FROM proposals")} == {"constants"}
    refused = [r for r in server.requests if "response_format" in r.options]
    assert len(refused) < len(server.requests) / 2, "it is known after the first answer"


@pytest.mark.parametrize(
    ("form", "words"),
    [("json", "there is no reply form json; there are free"), ("b=free", "--form names b")],
)
def test_a_form_that_cannot_be_is_refused_before_anything_is_made(
    place: Any, scripted: ModuleType, form: str, words: str
) -> None:
    done = place.evolve(*COMMON, "--model", f"{MODEL}@http://127.0.0.1:9/v1", "--form", form)
    assert done.returncode == 2
    assert words in done.stderr
    assert not place.run("m").exists()
