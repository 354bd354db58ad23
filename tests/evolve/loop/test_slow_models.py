"""Models that are slow or useless cost requests, and no device its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

MODEL = "openai/a"
COMMON = ("--task", "toy", "--run", "m", "--final-runs", "0", "--seed-runs", "2")
ONLY_MODELS = ("--operators", "tweak:1,perturb:0.000001")  # which hardly ever draw another one


def evolve(place: Any, server: Any, *arguments: str) -> Any:
    return place.evolve(*COMMON, "--model", MODEL, "--api-base", server.base, *arguments)


def rubbish(scripted: ModuleType, number: int) -> Any:
    """A reply that comes word by word, for some seconds, and is of no use."""
    text = f"Well, {number}. " + "".join(f"{word}, " for word in range(60))
    return scripted.stream(scripted.completion(text), pieces=60, gap=0.04)


@pytest.fixture(scope="module")
def dripping(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A run whose model answers all the time, and uselessly."""
    place, server = make_place(), serve(lambda request: rubbish(scripted, request.number))
    options = ("--generations", "4", "--offline-after", "2", *ONLY_MODELS)
    done = evolve(place, server, *options)
    assert done.returncode == 1, "it was asked to work with a model, and did not"
    place.output, place.server = done.stdout, server
    return place


def test_a_device_waits_once_for_a_model_that_gives_no_child(dripping: Any) -> None:
    (event,) = dripping.rows("m", "SELECT text FROM events WHERE kind = 'models'")
    assert event[0].startswith("no model has given a child for 2 s while a device was free")
    assert "--offline-after" in event[0]
    measured = dripping.count("m", "measurements WHERE individual > 0 AND purpose = 'search'")
    assert measured == 20
    stood_in = dripping.count("m", "proposals WHERE offline = 1 AND operator = 'perturb'")
    assert stood_in >= 15


def test_the_last_words_say_why_its_replies_were_of_no_use(dripping: Any) -> None:
    said = re.search(
        r"none of the models' (\d+) replies gave a child(, mostly since)?", dripping.output
    )
    assert said, dripping.output
    # a reply may still have come when that was said
    assert 0 <= dripping.count("m", "calls WHERE error = ''") - int(said[1]) <= 2
    refused = dripping.count("m", "proposals WHERE told > 0 AND model != '' AND reason != ''")
    assert bool(said[2]) == bool(refused), "the reason is that of proposals that have ended"


def test_its_decisions_can_be_taken_again(dripping: Any) -> None:
    again = dripping.evolve("replay", "m")
    assert again.returncode == 0, again.stdout


@pytest.mark.slow
def test_after_too_many_useless_replies_in_a_row_nobody_waits_for_more(
    place: Any, chat: Any
) -> None:
    server = chat(lambda request: f"I am sorry, I cannot help with that ({request.number}).")
    done = evolve(place, server, "--generations", "2", "--offline-after", "600", *ONLY_MODELS)
    assert done.returncode == 1
    assert "25 proposals in a row gave no child: the offline operators go on" in done.stdout
    assert place.count("m", "individuals WHERE id > 0") == 10
    assert place.evolve("replay", "m").returncode == 0


def test_a_request_that_will_always_be_refused_makes_nobody_wait(place: Any, chat: Any) -> None:
    server = chat(lambda request: (400, "the chat template knows no system role"))
    done = evolve(place, server, "--generations", "2", "--offline-after", "600", *ONLY_MODELS)
    assert done.returncode == 1
    words = "openai/a refuses the request (HTTP 400: "
    assert f"WARNING: {words}" in done.stdout
    assert place.count("m", "individuals WHERE id > 0") == 10
    assert "the offline operators did it all: check what its server takes (BadReq" in done.stdout
