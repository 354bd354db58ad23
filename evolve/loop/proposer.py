"""Proposals under way: operators work in threads, since a language model takes its time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from archive.rows import ModelCall
from evolve.agents.pool import AgentPool
from evolve.genome import Identity, screen
from evolve.loop.attempts import Attempt, carry_out
from evolve.loop.contexts import ContextBuilder
from evolve.loop.state import LoopState
from evolve.models import BudgetSpentError, Ensemble, ModelError
from evolve.operators import AskModel, LetAgentWork
from evolve.operators.prompts.lessons import write_lessons_request, write_notes_request
from evolve.runs.history import LESSONS, NOTES
from evolve.search.plan import Plan
from trainer.task import Task

# kinds of proposals
WITH_MODEL, WITH_AGENT, OFFLINE = "with a model", "with an agent", "offline"


@dataclass(frozen=True)
class Aside:
    """A reply that is no child: lessons from results, or notes from sources.

    Attributes:
        kind: Name of its kind in the record.
        number: Number of the proposal that it counts as.
        model: Name of the model that was asked.
        children: Number of children that had ended before.
        text: The reply; empty if no model answered.
        calls: Requests to language models, in order: the ones before the last had no answer.
        seconds: Wall-clock of it all, in seconds.
    """

    kind: str
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
        task: Task whose genomes they are.
        models: The run's language models, if there are any.
        agents: The run's coding agents, if there are any.
        contexts: Builder of the operators' contexts.
        wake: Event that is set whenever a proposal is done.
    """

    def __init__(
        self,
        task: Task,
        models: Ensemble,
        agents: AgentPool,
        contexts: ContextBuilder,
        wake: threading.Event,
    ) -> None:
        self._task, self._models, self._contexts, self._wake = task, models, contexts, wake
        self.agents = agents
        self._done: SimpleQueue[tuple[str, Attempt | Aside | BaseException]] = SimpleQueue()
        self._begun = Counter[str]()  # what is under way, by kind
        self._calls: dict[int, list[ModelCall]] = {}  # of what is under way, by number
        self._handed_out = Counter[int]()  # how many of them

    @property
    def pending(self) -> int:
        """The number of proposals under way."""
        return sum(self._begun[kind] for kind in (WITH_MODEL, WITH_AGENT, OFFLINE))

    @property
    def pending_of_others(self) -> int:
        """The number of those that no coding agent works on."""
        return self._begun[WITH_MODEL] + self._begun[OFFLINE]

    @property
    def pending_agents(self) -> int:
        """The number of those that a coding agent works on."""
        return self._begun[WITH_AGENT]

    @property
    def pending_offline(self) -> int:
        """The number of those that ask nobody."""
        return self._begun[OFFLINE]

    @property
    def asking(self) -> int:
        """The number of proposals, lessons and notes that wait for a model."""
        return self._begun.total() - self._begun[OFFLINE] - self._begun[WITH_AGENT]

    def news(self) -> list[str]:
        """What happened to requests and sessions since the last call, a line each, for the user."""
        return self._models.take_news() + self.agents.take_news()

    def calls(self) -> Iterator[tuple[int, list[ModelCall]]]:
        """The requests that have ended since the last call, by the number of their proposal.

        Only those of proposals that are still under way.
        """
        for number, calls in self._calls.items():
            new = calls[self._handed_out[number] :]
            if new:
                self._handed_out[number] += len(new)
                yield number, new

    def submit(self, plan: Plan, state: LoopState) -> None:
        """Begin a proposal.

        Args:
            plan: The plan.
            state: State with the genomes that were seen, which may grow meanwhile, and with the
                lessons and notes.
        """
        screened = list[int]()
        calls = self._calls[plan.number] = list[ModelCall]()

        def screen_now(source: str) -> Identity:
            screened.append(len(state.seen))
            seen = state.seen.as_of(screened[-1])
            return screen(source, self._task, seen, mends=plan.operator.mends)

        context = self._contexts.build(
            plan,
            screen=screen_now,
            ask=self._asking(plan.model, calls) if plan.operator.needs_model else None,
            work=self._working(plan, calls) if plan.operator.needs_agent else None,
            lessons=state.lessons,
            notes=state.notes,
        )
        work = partial(carry_out, plan, context, calls=calls, screened=screened)
        if plan.operator.needs_agent:
            self._begin_session(plan, work)
        else:
            self._begin(WITH_MODEL if plan.model else OFFLINE, work)

    def learn_lessons(
        self, number: int, model: str, children: int, earlier: str, results: Sequence[str]
    ) -> None:
        """Begin to learn lessons from results.

        Args:
            number: Number of the proposal that it counts as.
            model: Name of the model to ask.
            children: Number of children that have ended.
            earlier: The lessons until now; may be empty.
            results: Results, a line each, the most informative first.
        """
        contexts = self._contexts
        messages = write_lessons_request(
            self._task, earlier, results, contexts.tokens, contexts.count
        )
        self._begin_aside(LESSONS, number, model, children, messages)

    def take_notes(self, number: int, model: str, instruction: str) -> None:
        """Begin to take the notes that the task wants before its search begins.

        Args:
            number: Number of the proposal that it counts as.
            model: Name of the model to ask.
            instruction: The task's own words on what to take notes of, and how.
        """
        messages = write_notes_request(self._task, self._contexts.shown, instruction)
        self._begin_aside(NOTES, number, model, 0, messages)

    def finished(self) -> list[tuple[Attempt | Aside, int]]:
        """What is done, in the order of its end, with how many of its calls were handed out."""
        done: list[tuple[Attempt | Aside, int]] = []
        while not self._done.empty():
            kind, ended = self._done.get()
            self._begun[kind] -= 1
            if isinstance(ended, BaseException):
                raise ended
            del self._calls[ended.number]
            done.append((ended, self._handed_out.pop(ended.number, 0)))
        return done

    def _asking(self, model: str, calls: list[ModelCall]) -> AskModel:
        """The function that asks a model, or one that takes over, and keeps every request."""
        return partial(self._models.ask, model, calls=calls)

    def _working(self, plan: Plan, calls: list[ModelCall]) -> LetAgentWork:
        """The function that lets a plan's agent work."""
        return lambda assignment: self.agents.work(plan.model, plan.number, assignment, calls)

    def _begin_session(self, plan: Plan, work: Callable[[], Attempt]) -> None:
        """Begin a proposal of an agent, which is busy from now on until its end."""
        self.agents.begin(plan.model)

        def work_until_its_end() -> Attempt:
            try:
                return work()
            finally:
                self.agents.end(plan.model)

        self._begin(WITH_AGENT, work_until_its_end)

    def _begin_aside(
        self, kind: str, number: int, model: str, children: int, messages: list[dict[str, str]]
    ) -> None:
        calls = self._calls[number] = list[ModelCall]()
        ask = self._asking(model, calls)

        def work() -> Aside:
            start, text = time.monotonic(), ""
            with suppress(ModelError, BudgetSpentError):
                text = ask(messages).reply
            seconds = time.monotonic() - start
            return Aside(kind, number, model, children, text, tuple(calls), seconds)

        self._begin(kind, work)

    def _begin(self, kind: str, work: Callable[[], Attempt | Aside]) -> None:
        def run() -> None:
            try:
                self._done.put((kind, work()))
            except BaseException as error:  # a defect of this program: raised in the loop's thread
                self._done.put((kind, error))
            self._wake.set()

        self._begun[kind] += 1
        threading.Thread(target=run, daemon=True).start()
