"""A model that is a list of replies, and what the tests of operators ask it about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from archive.rows import ModelCall
from evolve.genome import screen
from evolve.models import ModelError
from evolve.operators import Context, Parent, Proposal
from evolve.operators.mutations import TWEAK
from population import Direction, Individual, Measurement, Status
from trainer.task import Task

FIRST = "import os\nimport given; print(given.GOAL)\n\nWIDTH = 32  # é\nRATE = 0.1\n"
SECOND = "import os\nimport given; print(given.GOAL)\n\nWIDTH = 32  # é\nRATE = 0.7\n\nWARMUP = 5\n"
Reply = str | ModelError
CUT = "(cut here)"  # ends a reply that was cut at its length limit


class Model:
    """Gives the replies one after the other, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.asked: list[list[dict[str, str]]] = []
        self.limits: list[int] = []

    def __call__(self, messages: Sequence[dict[str, str]], *, max_tokens: int = 0) -> ModelCall:
        self.asked.append([dict(message) for message in messages])
        self.limits.append(max_tokens)
        reply = self._replies.pop(0)
        if isinstance(reply, ModelError):
            raise reply
        cut = reply.endswith(CUT)
        return ModelCall("m", "prompt", reply.removesuffix(CUT), 10, 20, cost=0.5, cut=cut)

    @property
    def request(self) -> str:
        """What it was asked first."""
        return self.asked[0][1]["content"]


def parent(
    source: str = FIRST, number: int = 3, fitness: float | None = 2.25, size: float = 1234.0
) -> Parent:
    """A parent that has run, unless its fitness is None."""
    runs = ()
    if fitness is not None:
        runs = (Measurement(Status.OK, fitness, {"size": size, "speed": 56.0}, 5.0),)
    individual = Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE, runs)
    return Parent(individual, source)


def context(task: Task, model: Model | None, **options: Any) -> Context:
    """What an operator is given, with a real screen."""
    settings = {"screen": lambda source: screen(source, task, ()), "ask": model} | options
    return Context(task=task, rng=np.random.default_rng(0), **settings)


def tweak(task: Task, *replies: Reply, **options: Any) -> tuple[Proposal, Model]:
    """What `tweak` makes of some replies, and the model that gave them."""
    model = Model(*replies)
    return TWEAK.propose([parent()], context(task, model, **options)), model


def edit(search: str, new: str, idea: str = "wider", why: str = "more room") -> str:
    """A reply with one edit."""
    return (
        f"IDEA: {idea}\nWHY: {why}\n\n<<<<<<< SEARCH\n{search}\n=======\n{new}\n>>>>>>> REPLACE\n"
    )


GOOD = edit("WIDTH = 32  # é", "WIDTH = 64")
