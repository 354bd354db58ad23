"""What an operator works with: the parents, and what it may use besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from archive import Axis, Cell
from archive.rows import ModelCall
from evolve.agents import Assignment
from evolve.edits.forms import FREE
from evolve.genome import Identity
from evolve.operators.prompts.packing import Section, estimate_tokens
from population import Individual
from trainer.task import Task


class AskModel(Protocol):
    """A function that asks a language model."""

    def __call__(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int = ...,
        schema: Mapping[str, Any] | None = ...,
    ) -> ModelCall:
        """Send chat messages and wait for the reply.

        Args:
            messages: Chat messages, each with "role" and "content".
            max_tokens: Most tokens that the reply may have.
            schema: JSON schema that the reply is to follow; None is no schema.

        Raises:
            evolve.models.ModelError: No model gave a reply.
            evolve.models.BudgetSpentError: There is no money left for the request.
        """
        ...


class LetAgentWork(Protocol):
    """A function that lets a coding agent work in a folder of its own."""

    def __call__(self, assignment: Assignment) -> ModelCall:
        """Hold one session and wait for its end; `AgentReply.read` reads the call's reply.

        Raises:
            evolve.models.ModelError: The session failed.
        """
        ...


@dataclass(frozen=True)
class Parent:
    """An individual with its genome.

    Attributes:
        individual: Record of the individual, with its measurements.
        source: Text of its genome.
        intent: What it and its ancestors were to achieve, a line each, for a language model; empty
            unless it is one of two parents.
    """

    individual: Individual
    source: str
    intent: Sequence[str] = ()


@dataclass(frozen=True)
class Relative:
    """A genome that differs from the parent in the values of its constants alone.

    Attributes:
        source: Text of the genome.
        objective: Best guess of its true fitness, in the metric's unit, or the mean of its runs for
            an operator that reads those; None if it failed.
        measures: Its value on each axis of the archive; empty if it failed.
    """

    source: str
    objective: float | None
    measures: tuple[float, ...] = ()


@dataclass(frozen=True)
class Cells:
    """The archive at the time of a proposal, for an operator that aims by itself.

    Attributes:
        axes: Axes of the grid.
        levels: Objective that a child must beat in each cell, of shape (cells of each axis): that
            of the cell's elite; in an empty cell that of the weakest elite.
    """

    axes: tuple[Axis, ...]
    levels: NDArray[np.float64]


@dataclass(frozen=True)
class Context:
    """What an operator may use besides the parents.

    Attributes:
        task: Task whose genome is evolved.
        rng: Generator for this proposal alone.
        screen: Check of a child's source, which returns its hashes and raises
            `evolve.genome.RefusedError` for a source that is not worth a run.
        ask: Function that asks the language model; None if the operator needs none.
        work: Function that lets the coding agent work; None if the operator needs none.
        parents: Parents of the child with their genomes.
        background: What a language model should know besides, the most important first.
        target: Place in the archive that the child should reach, in words; empty if any will do.
        target_cell: The same as a cell; None if any will do.
        ancestor: Genome of the parents' lowest common ancestor; None if it is of no use.
        relatives: Genomes that have run and differ from the parent in constants alone, the parent
            included, the nearest first; empty unless the operator learns.
        cells: The archive's cells; None unless the operator maps.
        task_files: Files of the task for a language model, in its standing instruction; may be
            empty.
        output: Last lines that a parent printed before it failed, which are not to be trusted.
        form: Name of the form in which a language model is to reply, of `evolve.edits.forms`.
        request_tokens: Most tokens a request to a language model may have, all its messages
            together.
        count_tokens: Function that counts the tokens of a text.
    """

    task: Task
    rng: np.random.Generator
    screen: Callable[[str], Identity]
    ask: AskModel | None = None
    work: LetAgentWork | None = None
    parents: Sequence[Parent] = ()
    background: Sequence[Section] = ()
    target: str = ""
    target_cell: Cell | None = None
    ancestor: str | None = None
    relatives: Sequence[Relative] = ()
    cells: Cells | None = None
    task_files: str = ""
    output: str = ""
    form: str = FREE
    request_tokens: int = 30_000
    count_tokens: Callable[[str], int] = estimate_tokens
