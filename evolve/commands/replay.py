"""`python -m evolve replay`: a run once more, from its record.

The same questions, the recorded replies and results: are the decisions the same?
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text

from archive.rows import Experiment, ModelCall, ProposalRow
from evolve.commands.console import new_console
from evolve.commands.options import new_parser, run_argument
from evolve.genome.screening import identify, screen
from evolve.loop.briefing import Briefer
from evolve.models.client import ModelError
from evolve.operators.base import Context, ProposalError
from evolve.run.history import ASIDE, retold, search_before
from evolve.run.run import Run, look
from evolve.search.search import Plan

SHOWN = 5  # differences that are printed


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "replay",
        "Ask a new search what the run's was asked, with the recorded replies and results. "
        "Nothing is measured and no model is asked. Exit code 1 if a decision differs.",
    )
    run_argument(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Take a run's decisions again, and say whether they are the same."""
    console = new_console()
    run = look(options.name)
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
        number: of the proposal.
        recorded: what it was, in words.
        now: what it is now; the same words if nothing differs.
    """

    number: int
    recorded: str
    now: str

    @property
    def same(self) -> bool:
        return self.recorded == self.now


class Player:
    """Stands in for a language model: gives the recorded replies, one after the other."""

    def __init__(self, calls: Sequence[ModelCall]) -> None:
        self._calls = list(calls)

    def __call__(self, messages: Sequence[dict[str, str]]) -> ModelCall:
        if not self._calls:
            call = ModelCall("", json.dumps(list(messages)), error="no reply is recorded for this")
            raise ModelError(call.error, call)
        call = self._calls.pop(0)
        while call.error and self._calls:  # another model was asked then, or for less
            call = self._calls.pop(0)
        if call.error:
            raise ModelError(call.error, call)
        return call


def replay(run: Run) -> Iterator[Repeated]:
    """Ask a new search of the same seed everything that the run's was asked, and tell it the same.

    Proposals whose place in that order is not recorded (they were made by an older version) are
    left out.
    """
    record, task = run.record, run.task
    rows = [row for row in record.proposals(with_calls=False) if row.operator not in ASIDE]
    asks = sorted((row for row in rows if row.asked), key=lambda row: row.asked)
    search = search_before(run)
    briefer = Briefer(task, search, run.lineage, said_by=lambda one: "")
    known: set[str] = set()
    for event in retold(run, search, pause=[row.asked for row in asks]):
        if isinstance(event, int):
            row = asks.pop(0)
            plan = search.ask(row.number, offline=row.offline)
            yield _repeated(run, row, plan, briefer, known)
        elif isinstance(event, ProposalRow) and event.individual is not None:
            source = briefer.source(search.individuals[event.individual].commit)
            identity = identify(source, task.language)
            known |= {identity.exact, identity.near}
        elif isinstance(event, Experiment) and event.individual == 0 and not known:
            identity = identify(briefer.source(search.individuals[0].commit), task.language)
            known |= {identity.exact, identity.near}


def _repeated(
    run: Run, row: ProposalRow, plan: Plan, briefer: Briefer, known: set[str]
) -> Repeated:
    parents = tuple(parent.id for parent in plan.parents)
    recorded = _words(row.operator, row.model, row.parents)
    now = _words(plan.operator.name, plan.model, parents)
    if recorded != now:
        return Repeated(row.number, recorded, now)
    briefing = briefer.brief(plan)
    context = Context(
        task=run.task,
        rng=plan.rng,
        screen=partial(screen, task=run.task, known=known),
        ask=Player(run.record.calls(row.number)),
        background=briefing.background,
        target=briefing.target,
        ancestor=briefing.ancestor,
        relatives=briefing.relatives,
    )
    try:
        proposal = plan.operator.propose(briefing.parents, context)
        child = identify(proposal.source, run.task.language).exact
    except ProposalError as error:
        child = "" if row.individual is None else f"no child: {error}"
    before = "" if row.individual is None else run.record.digest(row.individual)
    if row.individual is None and child:
        child = ""  # it was refused for a twin that came while it was made
    return Repeated(row.number, f"{recorded} {before}".strip(), f"{now} {child}".strip())


def _words(operator: str, model: str, parents: Sequence[int]) -> str:
    by = f" by {model}" if model else ""
    return f"{operator}{by} of {' and '.join(map(str, parents))}"
