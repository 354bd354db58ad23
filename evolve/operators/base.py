"""What an operator is: it turns parents into one child's source text, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np

from archive.rows import ModelCall
from evolve.genome.screening import Identity, RefusedError
from population import Individual
from trainer.task import Task

TRIES = 20  # draws before an operator gives up; a draw that repeats a known genome is refused


@dataclass(frozen=True)
class Parent:
    """An individual with its genome.

    Attributes:
        individual: the genome's numbers.
        source: its text.
        intent: what it and those before it were to achieve, a line each, for a language model;
            empty unless it is one of two parents.
    """

    individual: Individual
    source: str
    intent: Sequence[str] = ()


@dataclass(frozen=True)
class Proposal:
    """A child that passed the screen.

    Attributes:
        source: its genome.
        description: one line on what it tries.
        notes: what was changed and what it is expected to do, for the commit message; may be empty.
    """

    source: str
    description: str
    notes: str = ""


class ProposalError(Exception):
    """No valid child came of this attempt.

    Attributes:
        unreachable: whether the model itself failed, rather than its reply.
    """

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


# Sends chat messages ({"role", "content"}) to a language model, which is recorded. Raises
# evolve.models.client.ModelError, or evolve.models.allowance.SpentError.
Ask = Callable[[Sequence[dict[str, str]]], ModelCall]


def rough_tokens(text: str) -> int:
    """The tokens of a text where no tokenizer is at hand: four characters each."""
    return len(text) // 4


@dataclass(frozen=True)
class Section:
    """Lines on one matter, for a language model; what does not fit is cut from its end.

    Attributes:
        title: the line above them.
        lines: the most important first.
        fence: the language of the fence around them, may be empty; None is no fence.
        share: of a request's tokens that it may have at most.
    """

    title: str
    lines: Sequence[str]
    fence: str | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Relative:
    """A genome that differs from the parent in the values of its constants alone.

    Attributes:
        source: its text.
        objective: the best guess of its true fitness, in the metric's unit; None if it failed.
    """

    source: str
    objective: float | None


@dataclass(frozen=True)
class Context:
    """What an operator may use besides the parents.

    Attributes:
        task: whose genome it is.
        rng: this proposal's own source of randomness.
        screen: what a source will be known by; raises `evolve.genome.screening.RefusedError` for
            one that is not worth a run.
        ask: a language model; None if the operator needs none.
        parents: The child's parents with their genomes.
        background: what else a language model should know, the most important first.
        target: where in the archive the child should be, in words; empty if anywhere.
        ancestor: the genome of the parents' lowest common ancestor; None if that is of no use.
        relatives: genomes that have run and differ from the parent in constants alone, itself
            included, the nearest first; empty unless the operator learns.
        shown: the task's files for a language model, in its standing instruction; may be empty.
        said: the last lines that a parent printed before it failed; nobody vouches for them.
        tokens: that a request to a language model may have, all its messages together.
        count: the tokens of a text.
    """

    task: Task
    rng: np.random.Generator
    screen: Callable[[str], Identity]
    ask: Ask | None = None
    parents: Sequence[Parent] = ()
    background: Sequence[Section] = ()
    target: str = ""
    ancestor: str | None = None
    relatives: Sequence[Relative] = ()
    shown: str = ""
    said: str = ""
    tokens: int = 30_000
    count: Callable[[str], int] = rough_tokens


class Operator(Protocol):
    """A way to make a child.

    It may have one attribute more, `learns`: whether it wants the parent's relatives with their
    results. Most have no use for them.

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


def first_new(draws: Iterable[Proposal], context: Context) -> Proposal:
    """The first of some draws that passes the screen; not many are tried.

    Raises:
        ProposalError: none does.
    """
    count, reason = 0, "there was nothing to draw"
    for proposal in islice(draws, TRIES):
        count += 1
        try:
            context.screen(proposal.source)
        except RefusedError as refused:
            reason = str(refused)
        else:
            return proposal
    raise ProposalError(f"{count} draws gave nothing new: {reason}")
