"""What a real model makes of the toy task: how many proposals become children, by form of reply.

    EVOLVE_TEST_MODEL=ollama_chat/qwen3:8b pytest -m real_llm -s

For an OpenAI-compatible server EVOLVE_TEST_API_BASE is its address, such as
http://127.0.0.1:8000/v1, and the model is openai/NAME. EVOLVE_TEST_PROPOSALS is how many are asked
for in each form, 10 by default, and EVOLVE_TEST_FORMS which forms, such as free,constants.

The other tests here show that this one works, with a scripted server in the model's place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from archive.rows import ModelCall
from evolve.edits.forms import FORMS
from evolve.genome.screening import identify, screen
from evolve.models import CostBudget, Ensemble, LiteLLM, count_tokens
from evolve.operators import OPERATORS, Context, Parent, ProposalError
from population import Direction, Individual, Measurement, Status
from trainer.task import Task

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

MODEL, API_BASE = (os.environ.get(f"EVOLVE_TEST_{name}") for name in ("MODEL", "API_BASE"))
PROPOSALS = int(os.environ.get("EVOLVE_TEST_PROPOSALS", "10"))
ASKED = tuple(os.environ.get("EVOLVE_TEST_FORMS", ",".join(FORMS)).split(","))
OPERATORS_IN_TURN = ("tweak", "rework", "tweak", "simplify", "crossover")
FUNCTION = "\n\ndef decay(step, rate=RATE):\n    return rate * DECAY**step\n"
ROOT = Path(__file__).parents[2]


@pytest.mark.real_llm
@pytest.mark.skipif(
    not MODEL,
    reason="EVOLVE_TEST_MODEL names no model, as litellm knows it; with EVOLVE_TEST_API_BASE it is "
    "one of an OpenAI-compatible server",
)
def test_some_proposals_of_a_real_model_become_children(place: Any) -> None:
    model = LiteLLM(MODEL or "", api_base=API_BASE)
    print(f"\n{model.name}: proposals on the toy task")
    assert sum(propose(place, model, form) for form in ASKED) > 0


def propose(place: Any, model: LiteLLM, form: str) -> int:
    """Ask for some proposals in one form and print what came of them: how many became children."""
    task, source = place.task, (place.task_folder / "toy.py").read_text() + FUNCTION
    known = {identify(source, task.language).exact}
    parents, calls = [parent(0, source)], list[ModelCall]()
    ensemble = Ensemble([model], budget=CostBudget(None), patience=60)
    begun = time.monotonic()
    for number in range(PROPOSALS):
        name = OPERATORS_IN_TURN[number % len(OPERATORS_IN_TURN)]
        operator, before, start = OPERATORS[name], len(calls), time.monotonic()
        chosen = (parents * 2)[-operator.arity :]
        ask = partial(ensemble.ask, model.name, calls=calls)
        told = replace(context(task, number, known, ask), form=form)
        try:
            proposal = operator.propose(chosen, told)
        except ProposalError as error:
            result = f"no child: {error}"
        else:
            result = f"child: {proposal.description}"
            known.add(identify(proposal.source, task.language).exact)
            parents.append(parent(len(parents), proposal.source))
        made = calls[before:]
        print(
            f"{form:10} {name:9} {time.monotonic() - start:6.1f} s, {len(made)} requests, "
            f"{sum(call.tokens_out for call in made):5} tokens out; {result[:100]}"
        )
    children, cut = len(parents) - 1, sum(call.cut for call in calls)
    print(
        f"{form}: {children} of {PROPOSALS} proposals became valid children "
        f"({children / PROPOSALS:.0%}), in "
        f"{time.monotonic() - begun:.1f} s and {len(calls)} requests ({cut} replies cut): "
        f"{sum(call.tokens_in for call in calls)} tokens in, "
        f"{sum(call.tokens_out for call in calls)} out"
    )
    return children


def parent(number: int, source: str) -> Parent:
    runs = (Measurement(Status.OK, 2.44, {"size": 160.0, "speed": 31.25}, 0.1),)
    return Parent(Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE, runs), source)


def context(task: Task, number: int, known: set[str], ask: Callable[..., ModelCall]) -> Context:
    return Context(
        task=task,
        rng=np.random.default_rng(number),
        screen=partial(screen, task=task, known=known),
        ask=ask,
        count_tokens=count_tokens,
    )


# -- that it works --------------------------------------------------------------------------------


def run_it(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the test above as a person does."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("EVOLVE_TEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "real_llm",
        "-s",
        "-rs",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, "tests/evolve/test_real_llm.py"],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_without_a_model_it_is_skipped_with_what_to_do() -> None:
    done = run_it({})
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "EVOLVE_TEST_MODEL names no model" in done.stdout


@pytest.mark.slow
def test_it_counts_the_children_the_tokens_and_the_requests(
    chat: Any, scripted: ModuleType
) -> None:
    def script(request: Any) -> Any:
        if "response_format" in request.options:
            schema = request.options["response_format"]["json_schema"]["schema"]
            value = {"name": "WIDTH", "value": 500 + request.number}
            return json.dumps({"constants": [value]} if "constants" in schema["properties"] else {})
        return "I would rather not." if request.number < 3 else scripted.tweaked(request)

    server = chat(script)
    done = run_it({"EVOLVE_TEST_MODEL": "openai/test", "EVOLVE_TEST_API_BASE": server.base})
    assert done.returncode == 0, done.stdout
    assert "free: 9 of 10 proposals became valid children (90%)" in done.stdout
    assert "definition: 0 of 10 proposals became valid children (0%)" in done.stdout
    assert "constants: 10 of 10 proposals became valid children (100%)" in done.stdout
    requests = 3 + 9  # the first proposal was refused three times
    assert f"{requests} requests (0 replies cut)" in done.stdout
    assert f"{requests * scripted.TOKENS_IN} tokens in" in done.stdout


@pytest.mark.slow
def test_it_fails_for_a_model_that_gives_no_child(chat: Any) -> None:
    server = chat(lambda request: "I would rather not.")
    done = run_it({"EVOLVE_TEST_MODEL": "openai/test", "EVOLVE_TEST_API_BASE": server.base})
    assert done.returncode == 1
    assert done.stdout.count(": 0 of 10 proposals became valid children") == 3
