"""Runs whose models fail, limit their requests or fall silent: others go on meanwhile."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

A, B = "openai/a", "openai/b"
COMMON = ("--task", "toy", "--run", "m", "--final-runs", "0", "--seed-runs", "2")
OFFLINE, BACK = "the offline operators go on", "the models are asked again"


def evolve(place: Any, server: Any, *arguments: str, models: tuple[str, ...] = (A,)) -> Any:
    named = [word for name in models for word in ("--model", name)]
    return place.evolve(*COMMON, *named, "--api-base", server.base, *arguments)


def limited(scripted: ModuleType, seconds: float) -> Any:
    """HTTP 429."""
    body = b'{"error": {"message": "slow down"}}'
    return scripted.Raw(body, 429, {"Retry-After": str(seconds)})


def events(place: Any) -> list[str]:
    """What the run says of its models."""
    return [row[0] for row in place.rows("m", "SELECT text FROM events WHERE kind LIKE 'models%'")]


# -- another model takes over ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def stood_in(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A run of two models, of which the first one fails at every other request."""

    def script(request: Any) -> Any:
        if request.model == "a":
            counted.append(request)
            if len(counted) % 2:
                return 401
        return scripted.tweaked(request)

    counted: list[Any] = []
    place, server = make_place(), serve(script)
    options = ("--generations", "3", "--operators", "tweak,perturb:0.2", "--price", "2:10")
    done = evolve(place, server, *options, models=(f"{A}:3", B))
    assert done.returncode == 0, done.stderr
    place.output, place.server = done.stdout, server
    return place


def test_the_child_is_the_one_of_the_model_that_answered(stood_in: Any) -> None:
    rows = stood_in.rows(
        "m",
        "SELECT p.id, p.model, i.model FROM proposals p JOIN individuals i ON i.id = p.individual "
        "WHERE p.operator = 'tweak'",
    )
    assert {(A, A), (A, B)} <= {row[1:] for row in rows}
    for number, drawn, credited in rows:
        calls = stood_in.rows(
            "m", f"SELECT model, error, cost FROM calls WHERE proposal = {number} ORDER BY id"
        )
        assert calls[-1][:2] == (credited, "")
        failed = calls[:-1]
        assert all(model == A and "Authentication" in error for model, error, _ in failed)
        assert all(cost is None for _, _, cost in failed), "what was not answered has no price"
        assert failed or drawn in (credited, A)


def test_every_request_is_in_the_record(stood_in: Any) -> None:
    recorded = stood_in.rows("m", "SELECT model, count(*) FROM calls GROUP BY 1 ORDER BY 1")
    asked = [f"openai/{request.model}" for request in stood_in.server.requests]
    assert recorded == [(name, asked.count(name)) for name in (A, B)]


def test_nobody_calls_the_models_silent_while_one_of_them_answers(stood_in: Any) -> None:
    assert OFFLINE not in stood_in.output
    assert "did not answer" not in stood_in.output
    assert stood_in.count("m", "individuals WHERE id > 0") == 15


def test_the_decisions_can_be_taken_again(stood_in: Any) -> None:
    again = stood_in.evolve("replay", "m")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout


def test_the_spend_is_that_of_the_model_that_took_it(stood_in: Any) -> None:
    shown = stood_in.evolve("prompts", "m").stdout
    for model in (A, B):
        children = stood_in.count(
            "m", f"individuals WHERE operator = 'tweak' AND model = '{model}'"
        )
        calls = stood_in.count("m", f"calls WHERE model = '{model}'")
        columns = rf"{model} +\d+ +{children} +\d+ +{calls} "
        assert re.search(rf"^ *tweak +{columns}", shown, re.MULTILINE), shown


# -- a limit of the requests ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def slowed(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A run whose model, of which no price is known, turns every third request away."""

    def script(request: Any) -> Any:
        return limited(scripted, 0) if request.number % 3 == 0 else scripted.tweaked(request)

    place = make_place()
    done = evolve(place, serve(script), "--generations", "2", "--operators", "tweak")
    assert done.returncode == 0, done.stderr
    place.output = done.stdout
    return place


def test_a_limit_slows_the_run_and_is_no_failure(slowed: Any) -> None:
    assert slowed.count("m", "calls WHERE error != ''") == 0
    assert slowed.count("m", "individuals WHERE model = 'openai/a'") == 10
    assert "did not answer" not in slowed.output
    assert slowed.output.count("openai/a takes no more requests for now (HTTP 429)") >= 1


def test_what_has_no_known_price_is_said_to_be_so_and_not_free(slowed: Any) -> None:
    assert re.search(r"model openai/a: some 10 requests, of unknown price \(--price", slowed.output)
    calls = slowed.count("m", "calls WHERE cost IS NULL")
    shown = slowed.evolve("prompts", "m").stdout
    assert f"$0.0000 and {calls} of unknown price" in shown
    assert "tokens in, 200 out, of unknown price" in slowed.evolve("prompts", "m", "1").stdout


def test_while_a_limit_is_long_the_offline_operators_keep_the_devices_busy(
    place: Any, chat: Any, scripted: ModuleType
) -> None:
    def script(request: Any) -> Any:
        return limited(scripted, 4) if request.number < 2 else scripted.tweaked(request)

    options = ("--generations", "8", "--operators", "tweak:1,perturb:0.01", "--offline-after", "1")
    done = evolve(place, chat(script), *options)
    assert done.returncode == 0, done.stderr
    told = [text for text in events(place) if OFFLINE in text or text == BACK]
    assert OFFLINE in told[0]
    assert told[0].startswith("no model has answered for ")
    assert told[1] == BACK
    assert place.count("m", "individuals WHERE operator = 'perturb'") > 0
    assert place.count("m", "individuals WHERE operator = 'tweak'") > 0
    measured = "id IN (SELECT individual FROM measurements WHERE purpose = 'search')"
    assert place.count("m", f"individuals WHERE id > 0 AND {measured}") == 40
    assert re.search(r"no model answered for .* s, in \d outages?\n", done.stdout)
    assert place.evolve("replay", "m").returncode == 0


def test_a_refused_key_is_said_loudly_and_the_run_goes_on_at_once(place: Any, chat: Any) -> None:
    done = evolve(place, chat(lambda request: 401), "--generations", "1")
    assert done.returncode == 1, "no model ever answered"
    words = "the key of openai/a is refused (HTTP 401); check OPENAI_API_KEY"
    assert done.stdout.count(f"WARNING: {words}") == 1
    assert any(text == f"{words}: {OFFLINE}" for text in events(place))
    assert place.count("m", "individuals WHERE id > 0") == 5


def test_an_interruption_does_not_wait_for_a_limit(
    place: Any, chat: Any, scripted: ModuleType, eventually: Any
) -> None:
    server = chat(lambda request: limited(scripted, 3600))
    process = place.start(
        *(*COMMON, "--model", A, "--api-base", server.base, "--operators", "tweak"), group=True
    )
    eventually(lambda: server.requests or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "go on with: python -m evolve resume m" in output


@pytest.mark.parametrize("kind", ["a limit", "a short context"])
def test_without_any_answer_to_the_end_the_run_says_so(
    place: Any, chat: Any, scripted: ModuleType, kind: str
) -> None:
    answer = (400, "prompt is too long") if kind == "a short context" else limited(scripted, 3600)
    advice = "its context is too small" if kind == "a short context" else "they still wait"
    server = chat(lambda request: answer)
    done = evolve(place, server, "--generations", "1", "--offline-after", "0.5")
    assert done.returncode == 1, "it was asked to work with a model, and did not"
    assert re.search(
        rf"no model ever answered in \d+ requests?, the offline operators did it all: {advice}",
        done.stdout,
    )
    assert place.count("m", "individuals WHERE id > 0") == 5


PROSE = """\
+++
name = "prose"
genome = "story.md"
language = "prose"
run = ["python", "score.py"]
fixed = ["score.py"]
metric = "score"
direction = "maximize"
budget = 1

[[axes]]
name = "length"
measure = "length"

[[axes]]
name = "words"
measure = "words"
+++
Make it longer.
"""
SCORE = """\
text = open("story.md").read()
print("---")
print("score:", text.count("very"))
print("length:", len(text))
print("words:", len(text.split()))
"""


STORIES = {  # in neither is there anything that an offline operator could change
    "prose": ("story.md", "A story, told to the end.\n"),
    "python": ("story.py", "text = 'a story'\n"),
}


def test_what_no_operator_did_is_said_of_none(place: Any, chat: Any) -> None:
    (place.task_folder / "program.md").write_text(PROSE)
    (place.task_folder / "score.py").write_text(SCORE)
    (place.task_folder / "story.md").write_text("A story, told to the end.\n")
    done = evolve(place, chat(lambda request: 404), "--generations", "1", "--hours", "0.001")
    assert done.returncode == 1
    assert re.search(
        r"no model ever answered in \d+ requests?: check the model's name", done.stdout
    )
    assert "offline" not in done.stdout


@pytest.mark.parametrize("language", STORIES)
def test_where_no_other_operator_can_help_the_models_are_waited_for(
    place: Any, chat: Any, scripted: ModuleType, language: str
) -> None:
    def script(request: Any) -> Any:
        if request.number < 2:
            return limited(scripted, 2) if request.number else 401
        start = request.genome.partition("\n")[0]
        return scripted.edit(start, start.replace(" story", " very story"), idea="longer")

    genome, text = STORIES[language]
    head = PROSE.replace("story.md", genome).replace('"prose"\nrun', f'"{language}"\nrun')
    (place.task_folder / "program.md").write_text(head)
    (place.task_folder / "score.py").write_text(SCORE.replace("story.md", genome))
    (place.task_folder / genome).write_text(text)
    done = evolve(
        place, chat(script), "--generations", "2", "--operators", "tweak", "--offline-after", "0.5"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.count("m", "individuals WHERE model = 'openai/a'") == 10
    causes = ("no model has answered", "the key of openai/a is refused")  # whichever is noticed
    assert any(text.startswith(causes) for text in events(place))
    assert BACK in events(place)
