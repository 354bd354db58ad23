"""What an operator is: it turns parents into one child's source text, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from archive.rows import ModelCall
from population import Individual
from trainer.task import Task


@dataclass(frozen=True)
class Parent:
    """An individual with its genome."""

    individual: Individual
    source: str


@dataclass(frozen=True)
class Proposal:
    """A child that passed the screen.

    Attributes:
        source: its genome.
        description: one line on what it tries.
        notes: what was changed and what it is expected to do, for the commit message; may be empty.
        calls: the requests to language models that it took.
    """

    source: str
    description: str
    notes: str = ""
    calls: tuple[ModelCall, ...] = field(default=(), repr=False)


class ProposalError(Exception):
    """No valid child came of this attempt.

    Attributes:
        calls: the requests to language models that were made all the same.
        unreachable: whether the model itself failed, rather than its reply.
    """

    def __init__(
        self, reason: str, calls: tuple[ModelCall, ...] = (), *, unreachable: bool = False
    ) -> None:
        super().__init__(reason)
        self.calls = calls
        self.unreachable = unreachable


# Sends chat messages ({"role", "content"}) to a language model. Raises evolve.models.ModelError.
Ask = Callable[[Sequence[dict[str, str]]], ModelCall]


def rough_tokens(text: str) -> int:
    """The tokens of a text where no tokenizer is at hand: four characters each."""
    return len(text) // 4


@dataclass(frozen=True)
class Section:
    """Lines on one matter, for a language model; what does not fit is cut from its end."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Context:
    """What an operator may use besides the parents.

    Attributes:
        task: whose genome it is.
        rng: this proposal's own source of randomness.
        screen: raises `evolve.screening.RefusedError` for a source that is not worth a run.
        ask: a language model; None if the operator needs none.
        background: what else a language model should know, the most important first.
        target: where in the archive the child should be, in words; empty if anywhere.
        ancestor: the genome of the parents' lowest common ancestor; None if that is of no use.
        said: the last lines that a parent printed before it failed; nobody vouches for them.
        tokens: that a request to a language model may have, its standing instruction left out.
        count: the tokens of a text.
    """

    task: Task
    rng: np.random.Generator
    screen: Callable[[str], object]
    ask: Ask | None = None
    background: Sequence[Section] = ()
    target: str = ""
    ancestor: str | None = None
    said: str = ""
    tokens: int = 30_000
    count: Callable[[str], int] = rough_tokens


class Operator(Protocol):
    """A way to make a child.

    Attributes:
        name: how records and options call it.
        arity: the number of parents that it wants, 1 or 2.
        needs_model: whether it asks a language model.
        mends: whether its parent is a genome that failed early, rather than an elite; it is not
            drawn, but used whenever there is such a genome.
        aims: whether it wants a cell of the archive as its target.
    """

    @property
    def name(self) -> str: ...
    @property
    def arity(self) -> int: ...
    @property
    def needs_model(self) -> bool: ...
    @property
    def mends(self) -> bool: ...
    @property
    def aims(self) -> bool: ...

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        """Make one child of `arity` parents.

        Raises:
            ProposalError: nothing valid came of it.
        """
        ...
