"""Proposals in the making: operators work in threads, since a language model takes its time."""

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
from evolve.genome import Identity, KnownGenomes, screen
from evolve.loop.briefing import Briefing
from evolve.models import BudgetSpentError, Ensemble, ModelError
from evolve.operators import AskModel, Context, estimate_tokens
from evolve.operators.attempts import Made, make
from evolve.operators.prompts.lessons import write_lessons_request, write_notes_request
from evolve.runs.history import LESSONS, NOTES
from evolve.search.search import Plan
from trainer.task import Task

WITH_MODEL, OFFLINE = "with a model", "offline"  # kinds of proposals


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
class Attempt:
    """How a plan ended.

    Attributes:
        asked: what was asked for, and when.
        made: what came of it.
        calls: the requests to language models that were made, in order.
        seconds: it took.
        screened: how many genomes were known at each screening, in order.
    """

    asked: Asked
    made: Made
    calls: tuple[ModelCall, ...]
    seconds: float
    screened: tuple[int, ...]

    @property
    def number(self) -> int:
        """Of the proposal."""
        return self.asked.plan.number

    @property
    def model(self) -> str:
        """The model whose reply was used: not always the one that the plan has drawn.

        Empty if none was asked, as for parents whose changes merge by themselves.
        """
        return self.calls[-1].model if self.calls else ""


@dataclass(frozen=True)
class Aside:
    """What a language model wrote that is no child: lessons from results, notes from sources.

    Attributes:
        kind: what the record calls it.
        number: of the proposal that it counts as.
        model: that was asked.
        children: that had run until then.
        text: what it wrote; empty if it did not answer.
        calls: the request, after those that had no answer.
        seconds: it took.
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
        task: whose genomes they are.
        models: the language models, if there are any.
        shown: the task's files for a language model, as `prompts.write_task_files` writes them.
        tokens: that a request may have.
        count: the tokens of a text.
        wake: set whenever a proposal is done.
    """

    def __init__(
        self,
        task: Task,
        models: Ensemble,
        *,
        shown: str = "",
        tokens: int,
        count: Callable[[str], int] = estimate_tokens,
        wake: threading.Event,
    ) -> None:
        self._task, self._models, self._wake = task, models, wake
        self._shown, self._tokens, self._count = shown, tokens, count
        self._done: SimpleQueue[tuple[str, Attempt | Aside | BaseException]] = SimpleQueue()
        self._begun = Counter[str]()  # what is under way, by kind
        self._calls: dict[int, list[ModelCall]] = {}  # of what is under way, by number
        self._handed_out = Counter[int]()  # how many of them

    @property
    def pending(self) -> int:
        """The proposals in the making."""
        return self._begun[WITH_MODEL] + self._begun[OFFLINE]

    @property
    def pending_offline(self) -> int:
        """Those of them that ask no model."""
        return self._begun[OFFLINE]

    @property
    def asking(self) -> int:
        """What waits for a model: proposals, and whatever else one writes."""
        return self._begun.total() - self._begun[OFFLINE]

    def news(self) -> list[str]:
        """What happened to the requests since the last call, for the user."""
        return self._models.take_news()

    def calls(self) -> Iterator[tuple[int, list[ModelCall]]]:
        """The requests that have ended since the last call, of what is under way, by number."""
        for number, calls in self._calls.items():
            new = calls[self._handed_out[number] :]
            if new:
                self._handed_out[number] += len(new)
                yield number, new

    def submit(self, asked: Asked, briefing: Briefing, known: KnownGenomes) -> None:
        """Begin a proposal.

        Args:
            asked: what to propose.
            briefing: what the operator is told besides.
            known: the genomes that were tried; may grow meanwhile.
        """
        plan, screened = asked.plan, list[int]()
        calls = self._calls[plan.number] = list[ModelCall]()

        def screen_now(source: str) -> Identity:
            screened.append(len(known))
            now = known.as_of(screened[-1])
            return screen(source, self._task, now, mends=plan.operator.mends)

        context = Context(
            task=self._task,
            rng=plan.rng,
            screen=screen_now,
            ask=self._asking(plan.model, calls) if plan.model else None,
            background=briefing.background,
            target=briefing.target,
            ancestor=briefing.ancestor,
            relatives=briefing.relatives,
            task_files=self._shown,
            output=briefing.said,
            request_tokens=self._tokens,
            count_tokens=self._count,
        )

        def work() -> Attempt:
            start = time.monotonic()
            made = make(plan.operator, briefing.parents, context)
            seconds = time.monotonic() - start
            return Attempt(asked, made, tuple(calls), seconds, tuple(screened))

        self._begin(WITH_MODEL if plan.model else OFFLINE, work)

    def distil(
        self, number: int, model: str, children: int, earlier: str, results: Sequence[str]
    ) -> None:
        """Begin to learn lessons from results.

        Args:
            number: of the proposal that it counts as.
            model: to ask.
            children: that the results are of, in all.
            earlier: the lessons until now; may be empty.
            results: a line each, the most telling ones first.
        """
        messages = write_lessons_request(self._task, earlier, results, self._tokens, self._count)
        self._begin_aside(LESSONS, number, model, children, messages)

    def take_notes(self, number: int, model: str, instruction: str) -> None:
        """Begin to take the notes that the task wants before its search begins.

        Args:
            number: of the proposal that it counts as.
            model: to ask.
            instruction: what to take notes of, and how.
        """
        messages = write_notes_request(self._task, self._shown, instruction)
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
        """What asks a model, or one that stands in for it, and keeps every request that it made."""
        return partial(self._models.ask, model, calls=calls)

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
            except BaseException as error:  # a defect of an operator: raised where it is seen
                self._done.put((kind, error))
            self._wake.set()

        self._begun[kind] += 1
        threading.Thread(target=run, daemon=True).start()
