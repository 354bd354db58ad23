"""What a run's record consists of, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from population import Measurement


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
        model: its name as the user gave it.
        prompt: the messages that were sent, as JSON.
        reply: the text that came back; empty if none did.
        tokens_in, tokens_out: as the model counted them.
        cost: in US dollars; None if the model's price is unknown, which is not free.
        seconds: from request to reply.
        error: why there was no reply; empty if there was.
        cut: whether the reply ends where it may be no longer, rather than where the model ended.
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


@dataclass(frozen=True)
class ProposalRow:
    """One attempt of an operator to make a child.

    Attributes:
        number: counts the run's proposals from 0; it also seeds the proposal's randomness.
        operator: its name.
        parents: the ids of the parents that it was given.
        individual: the child that came of it; None if it was refused.
        reason: why it was refused, or empty.
        seconds: it took.
        ended: in seconds since 1970; 0 while it is in the making.
        calls: to language models, in order.
        model: the one that was drawn; empty if the operator asks none. Where it failed another one
            answered: the calls and the child say which.
        asked, told: its places in the order of what the search was asked and told; an `asked` of 0
            is unknown, a `told` of 0 never came.
        offline: whether no language model might be asked.
        screened: how many genomes were known at each of its screenings, in order: what is new
            depends on it.
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
    screened: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ask:
    """What the search was asked for, and what it decided.

    Attributes:
        place: in the order of what it was asked and told, from 1.
        number: of the proposal; one whose process was killed is asked for again.
        operator, model, parents: that it drew, as in `ProposalRow`.
        offline: whether no language model might be asked.
    """

    place: int
    number: int
    operator: str
    model: str
    parents: tuple[int, ...]
    offline: bool


@dataclass(frozen=True)
class Epoch:
    """What a process that worked on a run knew from its start: others may have had other options.

    Attributes:
        place: from which on it asked the search.
        settings: of the run then, as JSON holds them.
        axes: of the archive then, as JSON holds them.
    """

    place: int
    settings: dict[str, Any]
    axes: list[dict[str, Any]]


@dataclass(frozen=True)
class Experiment:
    """One measurement with its place in the record.

    Attributes:
        number: counts the run's experiments from 1, in the order in which they ended.
        individual: whose it is, by id.
        kept: whether it took a cell of the archive (greedy: became the incumbent).
        told: its place in the order of what the search was asked and told.
    """

    number: int
    individual: int
    purpose: Purpose
    measurement: Measurement
    kept: bool
    told: int = 0


@dataclass(frozen=True)
class Spend:
    """What the language models took so far.

    `answered` counts the calls that had a reply, `unpriced` those of unknown price.
    """

    calls: int
    answered: int
    tokens_in: int
    tokens_out: int
    cost: float
    unpriced: int

    def plus(self, calls: Sequence[ModelCall]) -> Spend:
        """The same with some calls more."""
        return Spend(
            calls=self.calls + len(calls),
            answered=self.answered + sum(not call.error for call in calls),
            tokens_in=self.tokens_in + sum(call.tokens_in for call in calls),
            tokens_out=self.tokens_out + sum(call.tokens_out for call in calls),
            cost=self.cost + sum(call.cost or 0.0 for call in calls),
            unpriced=self.unpriced + sum(call.cost is None and not call.error for call in calls),
        )
