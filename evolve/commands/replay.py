"""`python -m evolve replay`: a run once more, from its record.

The same questions, the recorded replies and results: are the decisions the same?
"""

from __future__ import annotations

import argparse
import json
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from archive.rows import Ask, Epoch, ModelCall, ProposalRow
from evolve.agents import Assignment
from evolve.commands.console import new_console
from evolve.commands.options import new_parser, run_argument
from evolve.genome import Identity, KnownGenomes, identify, screen
from evolve.loop.attempts import carry_out
from evolve.loop.contexts import ContextBuilder
from evolve.models import ModelError
from evolve.runs.history import begin_search, parse_axes, replay_events
from evolve.runs.run import Run, open_run
from evolve.search.plan import Plan
from evolve.settings import Settings
from trainer.task import Task

UNLIMITED = 10**9  # tokens: nobody reads the requests
SHOWN = 5  # differences that are printed


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "replay",
        "Take every decision of a run once more, from its recorded replies and results, and "
        "compare it with the recorded one. Nothing is measured and no model is asked. Exit code 1 "
        "if a decision differs.",
    )
    run_argument(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Take a run's decisions again, and say whether they are the same."""
    console = new_console()
    run = open_run(options.name)
    try:
        again = list(replay(run))
    finally:
        run.close()
    differing = [one for one in again if not one.same]
    for one in differing[:SHOWN]:
        console.print(Text(f"proposal {one.number}: was {one.recorded}"), soft_wrap=True)
        console.print(Text(f"proposal {one.number}: is  {one.now}"), soft_wrap=True)
    console.print(
        f"{len(again) - len(differing)} of {len(again)} proposals are the same: operator, model, "
        "parents and child"
        if again
        else "there is nothing to take again: the run has no proposals with their order"
    )
    return 1 if differing or not again else 0


@dataclass(frozen=True)
class Repeated:
    """One proposal, made again.

    Attributes:
        number: Number of the proposal.
        recorded: Recorded decision, in words.
        now: Decision of the replay, in words; the same words if nothing differs.
    """

    number: int
    recorded: str
    now: str

    @property
    def same(self) -> bool:
        return self.recorded == self.now


class Player:
    """Stands in for a language model or a coding agent: gives the recorded replies in order."""

    def __init__(self, calls: Sequence[ModelCall]) -> None:
        self._calls = list(calls)

    def __call__(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int = 0,
        schema: Mapping[str, Any] | None = None,
    ) -> ModelCall:
        return self._play(json.dumps(list(messages)))

    def work(self, assignment: Assignment) -> ModelCall:
        """Give the recorded session of an agent."""
        return self._play(assignment.brief)

    def _play(self, prompt: str) -> ModelCall:
        if not self._calls:
            call = ModelCall("", prompt, error="no reply is recorded for this")
            raise ModelError(call.error, call)
        call = self._calls.pop(0)
        while call.error and self._calls:  # another model was asked then, or for less
            call = self._calls.pop(0)
        if call.error:
            raise ModelError(call.error, call)
        return call


def replay(run: Run) -> Iterator[Repeated]:
    """Ask a new search of the same seed everything that the run's was asked, and tell it the same.

    Each process that worked on the run had its own: it began with what was told before, and with
    the settings and the axes of its time. Proposals whose place in the order is not recorded (they
    were made by an older version) are left out.
    """
    asks = run.record.asks()
    rows = {row.number: row for row in run.record.proposals(with_calls=False)}
    epochs = run.record.epochs()
    if not epochs or (asks and asks[0].place < epochs[0].place):
        epochs = [Epoch(0, run.settings.to_json(), run.record.meta("axes")), *epochs]
    known = KnownGenomes(run.record.digests())
    for epoch, following in zip(epochs, [*epochs[1:], None], strict=True):
        end = math.inf if following is None else following.place
        own = [ask for ask in asks if epoch.place <= ask.place < end]
        if own:
            yield from _again(run, epoch, own, rows, known)


def _again(
    run: Run,
    epoch: Epoch,
    asks: Sequence[Ask],
    rows: Mapping[int, ProposalRow],
    known: KnownGenomes,
) -> Iterator[Repeated]:
    """Ask a new search what it was asked in one epoch."""
    search = begin_search(run, Settings.from_json(epoch.settings))
    contexts = ContextBuilder(run.task, search, run.lineage, tokens=UNLIMITED)
    left, count = deque(asks), 0  # genomes that are known by now
    for event in replay_events(
        run, search, [ask.place for ask in asks], parse_axes(epoch.axes), live_from=epoch.place
    ):
        if isinstance(event, int):
            ask = left.popleft()
            row = rows[ask.number]
            ended = row.asked == ask.place and row.told > 0  # else its process was killed before
            plan = search.ask(ask.number, place=ask.place, offline=ask.offline, without=ask.without)
            screened = _Screen(run.task, known, row, count, mends=plan.operator.mends)
            yield _repeated(run, ask, row if ended else None, plan, contexts, screened)
            if not left:
                return
        count = len(search.individuals)


class _Screen:
    """Screens as a proposal was screened: by what was known then.

    Args:
        task: Task whose contract counts.
        known: Hashes of all genomes of the run.
        row: The proposal.
        count: Number of genomes that were known when the proposal was asked for; used for the
            screenings whose own number is not recorded.
        mends: Whether the operator repairs a genome that failed.
    """

    def __init__(
        self, task: Task, known: KnownGenomes, row: ProposalRow, count: int, *, mends: bool
    ) -> None:
        self._task, self._known, self._count, self._mends = task, known, count, mends
        self._counts = deque(row.screened)

    def __call__(self, source: str) -> Identity:
        count = self._counts.popleft() if self._counts else self._count
        return screen(source, self._task, self._known.as_of(count), mends=self._mends)


def _repeated(
    run: Run,
    ask: Ask,
    row: ProposalRow | None,
    plan: Plan,
    contexts: ContextBuilder,
    screened: _Screen,
) -> Repeated:
    recorded = _words(ask.operator, ask.model, ask.parents)
    now = _words(plan.operator.name, plan.model, plan.parent_ids)
    if recorded != now or row is None:
        return Repeated(ask.number, recorded, now)
    player = Player(run.record.last_calls(row.number))
    attempt = carry_out(plan, contexts.build(plan, screen=screened, ask=player, work=player.work))
    if row.individual is None:  # refused then, if only for a twin that came while it was made
        return Repeated(row.number, recorded, now)
    # not the recorded hash, since older versions told genomes apart in another way
    source = contexts.read_source(f"refs/genomes/{row.individual}")
    before = identify(source, run.task.language).exact
    child = f"no child: {attempt.reason}" if attempt.identity is None else attempt.identity.exact
    return Repeated(row.number, f"{recorded} {before}", f"{now} {child}")


def _words(operator: str, model: str, parents: Sequence[int]) -> str:
    by = f" by {model}" if model else ""
    return f"{operator}{by} of {' and '.join(map(str, parents))}"
