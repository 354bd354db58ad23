"""What a run's record consists of, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from archive.axis import Bounds
from population import Measurement, Status


class Purpose(StrEnum):
    """Why a measurement was made."""

    SEARCH = "search"  # it decides about the archive
    REPEAT = "repeat"  # so does another run of a genome that seemed to be the best
    FINAL = "final"  # a fresh run after the search, for the headline alone
    ABLATION = "ablation"  # a fresh run that shows what the parts of a genome are worth

    @property
    def decides(self) -> bool:
        """Whether the search learns of it; it knows nothing of fresh runs."""
        return self in (Purpose.SEARCH, Purpose.REPEAT)


@dataclass(frozen=True)
class ModelCall:
    """One request to a language model.

    Attributes:
        model: Name of the model, as the user gave it.
        prompt: Messages that were sent, as JSON.
        reply: Text that came back; empty if none did.
        tokens_in: Tokens of the prompt, as the model counted them.
        tokens_out: Tokens of the reply, as the model counted them.
        cost: Price in US dollars; None if the model's price is unknown, which is not free.
        seconds: Time from the request to its reply, in seconds.
        error: Reason why there was no reply; empty if there was one.
        cut: Whether the reply ends at its length limit rather than where the model ended it.
        full: Whether it ends where the model's context had no more room.
    """

    model: str
    prompt: str
    reply: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    seconds: float = 0.0
    error: str = ""
    cut: bool = False
    full: bool = False


@dataclass(frozen=True)
class ProposalRow:
    """One attempt of an operator to make a child.

    Attributes:
        number: The proposal's number within the run, from 0; it also seeds its randomness.
        operator: Name of the operator.
        parents: Ids of the parents that the operator was given.
        individual: Id of the child; None if there is none.
        reason: Reason why the proposal was refused; empty if it was not.
        seconds: Wall-clock time of the proposal, in seconds.
        ended: Time of its end, in seconds since 1970; 0 while it is being made.
        calls: Requests to language models, in order.
        model: Name of the model that was drawn; empty if the operator asks none. Where it failed
            and another one answered, the calls and the child say which.
        asked: Its place in the order of what the search was asked and told; 0 if unknown.
        told: Place in that order at which the search was told of its end; 0 if it was not.
        offline: Whether no language model was to be asked.
        target: Bounds, on each axis, of the cell that the child should reach; empty if any will do.
        screened: Number of genomes that were known at each of its screenings, in order: which
            genomes count as new depends on it.
        form: Form in which the language model was to reply, such as "free"; empty if none was.
        without: Names of the coding agents that could not be drawn, see `Ask`.
    """

    number: int
    operator: str
    parents: tuple[int, ...]
    individual: int | None
    reason: str
    seconds: float
    ended: float
    calls: tuple[ModelCall, ...] = ()
    model: str = ""
    asked: int = 0
    told: int = 0
    offline: bool = False
    target: Bounds = ()
    screened: tuple[int, ...] = ()
    form: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """What the search was asked for, and what it decided.

    Attributes:
        place: Its place in the order of what the search was asked and told, from 1.
        number: Number of the proposal; one whose process was killed is asked for again.
        operator: Name of the operator that was drawn.
        model: Name of the model that was drawn; empty if the operator asks none.
        parents: Ids of the parents that were drawn.
        offline: Whether no language model was to be asked.
        target: Bounds, on each axis, of the cell that the child should reach; empty if any will do,
            or if the operator chooses by itself and the proposal has not ended yet.
        without: Names of the coding agents that could not be drawn; "" stands for the operators
            that ask nobody.
    """

    place: int
    number: int
    operator: str
    model: str
    parents: tuple[int, ...]
    offline: bool
    target: Bounds = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Epoch:
    """The work of one process on a run, with the options and axes that it began with.

    Attributes:
        place: First place, in the order of what the search was asked and told, that is its own.
        settings: The run's settings at that time, as JSON holds them.
        axes: The archive's axes at that time, as JSON holds them.
    """

    place: int
    settings: dict[str, Any]
    axes: list[dict[str, Any]]


@dataclass(frozen=True)
class Experiment:
    """One measurement with its place in the record.

    Attributes:
        number: The experiment's number within the run, from 1, in the order of their ends.
        individual: Id of the individual that was measured.
        purpose: Reason for the measurement.
        measurement: Result of the measurement.
        kept: Whether the individual became an elite by it (greedy: the incumbent).
        told: Its place in the order of what the search was asked and told.
    """

    number: int
    individual: int
    purpose: Purpose
    measurement: Measurement
    kept: bool
    told: int = 0

    @property
    def outcome(self) -> str:
        """What came of it in one word: keep, discard, repeat, final, or the failure's name."""
        if self.measurement.status is not Status.OK:
            return str(self.measurement.status)
        if self.purpose is not Purpose.SEARCH:
            return str(self.purpose)
        return "keep" if self.kept else "discard"


class Event(NamedTuple):
    """Something that a reader of the run should know.

    Attributes:
        time: Time of the event, in seconds since 1970.
        kind: Kind of the event in one word, such as "end", "models" or "device".
        text: Description of the event; may have several lines, such as a traceback.
    """

    time: float
    kind: str
    text: str


class Lessons(NamedTuple):
    """What a language model learnt from the results so far.

    Attributes:
        time: Time at which they were written, in seconds since 1970.
        children: Number of children that had been measured by then.
        text: The lessons.
    """

    time: float
    children: int
    text: str


@dataclass(frozen=True)
class Spend:
    """What the language models took so far.

    Attributes:
        calls: Number of requests.
        answered: Number of those that had a reply.
        tokens_in: Tokens of all prompts.
        tokens_out: Tokens of all replies.
        cost: Price of all requests whose price is known, in US dollars.
        unpriced: Number of answered requests whose price is unknown.
    """

    calls: int
    answered: int
    tokens_in: int
    tokens_out: int
    cost: float
    unpriced: int

    def plus(self, calls: Sequence[ModelCall]) -> Spend:
        """The spend with some more requests."""
        return Spend(
            calls=self.calls + len(calls),
            answered=self.answered + sum(not call.error for call in calls),
            tokens_in=self.tokens_in + sum(call.tokens_in for call in calls),
            tokens_out=self.tokens_out + sum(call.tokens_out for call in calls),
            cost=self.cost + sum(call.cost or 0.0 for call in calls),
            unpriced=self.unpriced + sum(call.cost is None and not call.error for call in calls),
        )
