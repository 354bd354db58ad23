"""Proposals in the making: operators work in threads, since a language model takes its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from archive.rows import ModelCall
from evolve.context import Briefing
from evolve.models import ModelError
from evolve.operators.base import Ask, Context, Parent, Proposal, ProposalError, rough_tokens
from evolve.operators.prompts import lessons_request
from evolve.screening import Identity, identify, screen
from evolve.search import Plan
from trainer.task import Task


@dataclass(frozen=True)
class Asked:
    """A plan, with its place in the order of what the search was asked and told.

    Attributes:
        plan: what to propose.
        place: from 1.
        offline: whether no language model might be asked.
    """

    plan: Plan
    place: int
    offline: bool


@dataclass(frozen=True)
class Outcome:
    """How a plan ended: in a proposal, or in the reason why there is none.

    Attributes:
        asked: what was asked for, and when.
        proposal: the child, or None.
        identity: what the child is known by, or None.
        reason: why there is none, or empty.
        unreachable: whether that is because the language model failed.
        calls: the requests to language models that were made.
        seconds: it took.
    """

    asked: Asked
    proposal: Proposal | None
    identity: Identity | None
    reason: str
    unreachable: bool
    calls: tuple[ModelCall, ...]
    seconds: float


@dataclass(frozen=True)
class Lessons:
    """What a language model learnt from results; empty text if it did not answer.

    Attributes:
        number: of the proposal that it counts as.
        model: that was asked.
        children: that the results were of, in all.
        text: the lessons.
        calls: the request.
        seconds: it took.
    """

    number: int
    model: str
    children: int
    text: str
    calls: tuple[ModelCall, ...]
    seconds: float


class Proposer:
    """Turns plans into proposals, several at a time.

    The threads are daemons: a model that hangs does not keep the program from ending.

    Args:
        task: whose genomes they are.
        models: the language models by name; empty if there is none.
        tokens: that a request may have.
        count: the tokens of a text.
        wake: set whenever a proposal is done.
    """

    def __init__(
        self,
        task: Task,
        models: Mapping[str, Ask],
        *,
        tokens: int,
        count: Callable[[str], int] = rough_tokens,
        wake: threading.Event,
    ) -> None:
        self._task, self._models, self._wake = task, models, wake
        self._tokens, self._count = tokens, count
        self._done: SimpleQueue[Outcome | Lessons | BaseException] = SimpleQueue()
        self.pending = 0

    def submit(self, asked: Asked, briefing: Briefing, known: Container[str]) -> None:
        """Begin a proposal.

        Args:
            asked: what to propose.
            briefing: what the operator is told besides.
            known: the hashes of the genomes that were tried; may grow meanwhile.
        """
        context = Context(
            task=self._task,
            rng=asked.plan.rng,
            screen=partial(screen, task=self._task, known=known),
            ask=self._models[asked.plan.model] if asked.plan.model else None,
            background=briefing.background,
            target=briefing.target,
            ancestor=briefing.ancestor,
            said=briefing.said,
            tokens=self._tokens,
            count=self._count,
        )
        language = self._task.language
        self._begin(lambda: _propose(asked, briefing.parents, context, language))

    def distil(
        self, number: int, model: str, children: int, earlier: str, results: Sequence[str]
    ) -> None:
        """Begin to learn lessons from results.

        Args:
            number: of the proposal that it counts as.
            model: to ask.
            children: that the results are of, in all.
            earlier: the lessons until now; may be empty.
            results: a line each.
        """
        messages = lessons_request(self._task, earlier, results)
        ask = self._models[model]
        self._begin(lambda: _distil(number, model, children, ask, messages))

    def finished(self) -> list[Outcome | Lessons]:
        """What is done, in the order in which it ended."""
        outcomes: list[Outcome | Lessons] = []
        while not self._done.empty():
            outcome = self._done.get()
            self.pending -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    def _begin(self, work: Callable[[], Outcome | Lessons]) -> None:
        def run() -> None:
            try:
                self._done.put(work())
            except BaseException as error:  # a defect of an operator: raised where it is seen
                self._done.put(error)
            self._wake.set()

        self.pending += 1
        threading.Thread(target=run, daemon=True).start()


def _propose(asked: Asked, parents: Sequence[Parent], context: Context, language: str) -> Outcome:
    start = time.monotonic()
    proposal, identity, reason, unreachable = None, None, "", False
    try:
        proposal = asked.plan.operator.propose(parents, context)
        identity, calls = identify(proposal.source, language), proposal.calls
    except ProposalError as error:
        reason, unreachable, calls = str(error), error.unreachable, error.calls
    seconds = time.monotonic() - start
    return Outcome(asked, proposal, identity, reason, unreachable, calls, seconds)


def _distil(
    number: int, model: str, children: int, ask: Ask, messages: list[dict[str, str]]
) -> Lessons:
    start = time.monotonic()
    try:
        call = ask(messages)
        text = call.reply
    except ModelError as error:
        call, text = error.call, ""
    return Lessons(number, model, children, text, (call,), time.monotonic() - start)
