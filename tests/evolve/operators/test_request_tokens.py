"""Everything that is sent to a language model keeps to the tokens that a request may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from archive.rows import ModelCall
from evolve.genome import screen
from evolve.operators import (
    Context,
    Operator,
    Parent,
    ProposalError,
    Section,
    estimate_tokens,
)
from evolve.operators.conversation import RETRIES
from evolve.operators.crossover import Crossover
from evolve.operators.mutations import REPAIR, TWEAK
from evolve.operators.prompts.requests import (
    compute_room_for_files,
    write_system_message,
    write_task_files,
)
from population import Direction, Individual, Measurement, Status
from trainer.task import Task

LINES = [f"A{number} = {number}" for number in range(60)]
SOURCE = "\n".join(["import given; print(given.GOAL)", *LINES]) + "\n"
OTHER = SOURCE.replace(" = 1", " = 9")
BACKGROUND = [
    Section("Lessons:", [f"- lesson {number}" for number in range(3000)], share=0.125),
    Section("A change that paid:", [f"+B = {number}" for number in range(900)], fence="diff"),
    Section("Tried:", [f"- genome {number}: {'x' * (number % 90)}" for number in range(900)]),
    Section("One line:", ["y" * 90_000]),
]


@pytest.fixture(scope="module")
def task(make_place: Callable[[], Any]) -> Task:
    return make_place().task


def parent(source: str, number: int, *, broken: bool = False) -> Parent:
    status, fitness = (Status.CRASH, None) if broken else (Status.OK, 2.0)
    run = Measurement(status, fitness, {"size": 1.0, "speed": 1.0}, 1.0, reason="e" * 5000)
    born = Individual(number, "c", (1,), "tweak", "i" * 5000, 1, Direction.MINIMIZE, (run,))
    return Parent(born, source, [f'before it, in genome {n}: "{"w" * 200}"' for n in range(40)])


CASES: dict[str, tuple[Operator, list[Parent], str | None]] = {
    "a tweak": (TWEAK, [parent(SOURCE, 3)], None),
    "a repair": (REPAIR, [parent(SOURCE, 3, broken=True)], None),
    "a free crossover": (Crossover(), [parent(SOURCE, 3), parent(OTHER, 8)], None),
    "a merge": (
        Crossover(),
        [parent(SOURCE.replace(" = 2", " = 7"), 3), parent(SOURCE.replace(" = 2", " = 8"), 8)],
        SOURCE,
    ),
}


def sent(task: Task, case: str, tokens: int, reply: str) -> list[list[dict[str, str]]]:
    """All that a model is sent whose reply is no edit."""
    requests: list[list[dict[str, str]]] = []

    def ask(messages: Sequence[dict[str, str]], *, max_tokens: int = 0) -> ModelCall:
        requests.append([dict(message) for message in messages])
        return ModelCall("m", "", reply)

    operator, parents, ancestor = CASES[case]
    context = Context(
        task=task,
        rng=np.random.default_rng(0),
        screen=lambda source: screen(source, task, ()),
        ask=ask,
        background=BACKGROUND,
        ancestor=ancestor,
        task_files="These files are given.\n" + "a fact\n" * 20,
        output="a line that was printed\n" * 400,
        request_tokens=tokens,
    )
    with pytest.raises(ProposalError):
        operator.propose(parents, context)
    return requests


@pytest.mark.parametrize("tokens", [1000, 2000, 6000])
@pytest.mark.parametrize("reply", ["I rather not. " * 5000, "What?"])
@pytest.mark.parametrize("case", CASES)
def test_every_request_of_a_talk_keeps_to_its_tokens(
    task: Task, case: str, reply: str, tokens: int
) -> None:
    requests = sent(task, case, tokens, reply)
    assert len(requests) == RETRIES + 1
    for messages in requests:
        assert sum(estimate_tokens(message["content"]) for message in messages) <= tokens
        assert "A59 = 59" in messages[1]["content"], "the genome is never cut"
        assert all(message["content"] for message in messages)
    for messages in requests[1:]:
        assert "neither a SEARCH/REPLACE block" in messages[-1]["content"]
        assert reply.startswith(messages[-2]["content"])
    if tokens == 6000:
        assert "+B = 5\n" in requests[0][1]["content"]
        assert "- genome 5:" in requests[0][1]["content"]
        assert requests[0][1]["content"].count("```") % 2 == 0


def test_a_genome_that_has_no_room_is_a_reason_in_words(task: Task) -> None:
    asked: list[object] = []
    context = Context(
        task=task,
        rng=np.random.default_rng(0),
        screen=lambda source: None,
        ask=lambda messages, max_tokens: asked.append(messages),  # type: ignore
        request_tokens=300,
    )
    with pytest.raises(ProposalError, match="--context-tokens allows 300: allow more") as caught:
        TWEAK.propose([parent(SOURCE, 3)], context)
    assert not caught.value.unreachable
    assert asked == []


def test_before_a_run_what_has_no_room_is_named_with_what_would_do(task: Task) -> None:
    long = replace(task, instructions="word " * 4000)
    with pytest.raises(ValueError, match="tokens of program") as caught:
        compute_room_for_files(long, [SOURCE], 2000, estimate_tokens)
    words = str(caught.value)
    assert f"{estimate_tokens(write_system_message(long)):,} tokens of program.md" in words
    assert f"{estimate_tokens(SOURCE):,} of the genome" in words
    enough = int(words.rpartition("--context-tokens ")[2])
    assert compute_room_for_files(long, [SOURCE], enough, estimate_tokens) > 0


def test_files_share_the_room_that_they_have() -> None:
    files = {"long.md": "word\n" * 9000, "short.md": "a fact\n", "other.md": "fact\n" * 9000}
    shown = write_task_files(files, 900, estimate_tokens)
    assert estimate_tokens(shown) <= 900
    assert shown.index("`long.md`") < shown.index("`short.md`") < shown.index("`other.md`")
    assert "a fact\n```" in shown
    assert shown.count("more lines)") == 2
    assert shown.count("```") == 6
    assert write_task_files({}, 900, estimate_tokens) == ""
    assert "more lines" not in write_task_files(files, 10**6, estimate_tokens)
