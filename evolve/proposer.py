"""Proposals in the making: operators work in threads, since a language model takes its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from archive.record import ModelCall
from evolve.models import LiteLLM
from evolve.operators.base import Ask, Context, Parent, Proposal, ProposalError
from evolve.screening import screen
from evolve.search import Plan
from population import Individual
from trainer.task import Task


@dataclass(frozen=True)
class Outcome:
    """How a plan ended: in a proposal, or in the reason why there is none.

    Attributes:
        plan: what was asked for.
        proposal: the child, or None.
        reason: why there is none, or empty.
        unreachable: whether that is because the language model failed.
        calls: the requests to language models that were made.
        seconds: it took.
    """

    plan: Plan
    proposal: Proposal | None
    reason: str
    unreachable: bool
    calls: tuple[ModelCall, ...]
    seconds: float


class Proposer:
    """Turns plans into proposals, several at a time.

    The threads are daemons: a model that hangs does not keep the program from ending.

    Args:
        task: whose genomes they are.
        models: the language models with their weights; empty if there is none.
        source_of: an individual's commit to its genome.
        said_by: the last lines that an individual printed.
        wake: set whenever a proposal is done.
    """

    def __init__(
        self,
        task: Task,
        models: Sequence[tuple[LiteLLM, float]],
        source_of: Callable[[str], str],
        said_by: Callable[[Individual], str],
        wake: threading.Event,
    ) -> None:
        self._task, self._models, self._source_of = task, models, source_of
        self._said_by = said_by
        self._wake = wake
        self._done: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self.pending = 0

    def submit(self, plan: Plan, history: Sequence[str], known: Container[str]) -> None:
        """Begin a proposal.

        Args:
            plan: what to propose.
            history: lines on what was tried, for the models.
            known: the digests of the genomes that were tried; may grow meanwhile.
        """
        parents = [Parent(one, self._source_of(one.commit)) for one in plan.parents]
        context = Context(
            task=self._task,
            rng=plan.rng,
            screen=partial(screen, task=self._task, known=known),
            history=history,
            ask=self._draw_model(plan) if plan.operator.needs_model else None,
            said=self._said_by(plan.parents[0]) if plan.operator.mends else "",
        )
        self.pending += 1
        threading.Thread(target=self._work, args=(plan, parents, context), daemon=True).start()

    def finished(self) -> list[Outcome]:
        """The proposals that are done, in the order in which they ended."""
        outcomes = []
        while not self._done.empty():
            outcome = self._done.get()
            self.pending -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    def _work(self, plan: Plan, parents: Sequence[Parent], context: Context) -> None:
        try:
            self._done.put(_propose(plan, parents, context))
        except BaseException as error:  # a defect of an operator: raised where it is seen
            self._done.put(error)
        self._wake.set()

    def _draw_model(self, plan: Plan) -> Ask:
        total = sum(weight for _, weight in self._models)
        index = plan.rng.choice(len(self._models), p=[w / total for _, w in self._models])
        return self._models[int(index)][0]


def _propose(plan: Plan, parents: Sequence[Parent], context: Context) -> Outcome:
    start = time.monotonic()
    proposal, reason, unreachable = None, "", False
    try:
        proposal = plan.operator.propose(parents, context)
        calls = proposal.calls
    except ProposalError as error:
        reason, unreachable, calls = str(error), error.unreachable, error.calls
    return Outcome(plan, proposal, reason, unreachable, calls, time.monotonic() - start)
