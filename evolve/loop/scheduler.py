"""What to ask for next, and whom: how many proposals are made ahead, with the models or without."""

from __future__ import annotations

import math
import time
from collections import deque

import numpy as np

from archive.rows import ProposalRow
from evolve.genome import Identity, KnownGenomes
from evolve.loop.briefing import Briefer, results, telling
from evolve.loop.device_pool import Bench
from evolve.loop.proposer import Asked, Attempt, Proposer
from evolve.loop.refusals import Refusals
from evolve.loop.reports import Reports
from evolve.models import OUTAGE, RECOVERY, Availability, ModelSpec
from evolve.runs.history import LESSONS, NOTES
from evolve.runs.run import Run
from evolve.search.search import Search
from trainer.task import notes_asked

MAX_REFUSALS = 25  # proposals in a row without a child, after which the search gives up
LESSONS_EVERY = 20  # children, after which a model is asked what they teach
LOOKAHEAD = 1  # proposals of language models made ahead for each device, at least
MAX_LOOKAHEAD = 3  # and at most, since they know less of what came meanwhile


class Planner:
    """Begins proposals, notes and lessons. It works in the loop's thread.

    Args:
        run: what is worked on.
        search: draws what is to be proposed.
        bench: the devices that wait for it.
        proposer: the operators at work.
        briefer: gathers what they are told.
        allowance: when models are asked.
        reports: who is told.

    Attributes:
        known: the genomes that were tried.
        spend: of the run until now, on language models.
        refusals: proposals in a row that gave no child, though nobody waits for a model.
    """

    def __init__(
        self,
        run: Run,
        search: Search,
        bench: Bench,
        proposer: Proposer,
        briefer: Briefer,
        allowance: Availability,
        reports: Reports,
    ) -> None:
        self._run, self._search, self._bench = run, search, bench
        self._proposer, self._briefer = proposer, briefer
        self._allowance, self._reports = allowance, reports
        self._again = deque(run.record.open_proposals())
        self._next_proposal = run.record.next_proposal()
        self._place = run.record.next_place() - 1
        self._model_seconds = 0.0
        self._offline_because = ""
        self._refusals = Refusals()
        self._stopgaps_refused = 0
        learnt = run.record.lessons()
        self._distilled = learnt[-1][1] if learnt else 0
        briefer.lessons = learnt[-1][2] if learnt else ""
        briefer.notes = run.record.meta(NOTES, "")
        # the offline operator that is always there knows Python alone
        self._works_offline = search.has_offline or run.task.language == "python"
        self.known = KnownGenomes(run.record.digests())
        self.spend = run.record.spend()
        self.refusals = 0

    def next_place(self) -> int:
        """The next in the order of what the search is asked and told."""
        self._place += 1
        return self._place

    # -- what is begun ------------------------------------------------------------------------

    def ask(self, jobs: int, finished: int) -> None:
        """Begin as many proposals as the devices will soon need, and no more than are left.

        Args:
            jobs: that wait for a device.
            finished: children that have ended.
        """
        while self.refusals < MAX_REFUSALS:
            reason = self._allowance.why_offline()
            asks = self._allowance.may_ask(self._proposer.asking)
            if not asks and not reason:
                return  # models that failed a moment ago may be back in a moment
            # nobody knows when a silent model answers, so what it was asked for does not count
            silent = self._allowance.unresponsive and not asks
            made = jobs + (self._proposer.pending_offline if silent else self._proposer.pending)
            left = self._run.settings.total_children - finished - len(self._bench.running)
            if made >= min(left, self._bench.free + (self._lookahead() if asks else 0)):
                return
            self._notice_offline(reason)
            if not asks and not self._may_go_on_offline:
                return
            number = self._again.popleft() if self._again else self._next_number()
            plan = self._search.ask(number, offline=not asks)
            asked = Asked(plan, self.next_place(), not asks)
            self._record_begun(
                number,
                plan.operator.name,
                plan.model,
                parents=tuple(parent.id for parent in plan.parents),
                asked=asked.place,
                offline=asked.offline,
            )
            self._proposer.submit(asked, self._briefer.brief(plan), self.known)

    def _next_number(self) -> int:
        """Of a proposal that is begun for the first time."""
        number, self._next_proposal = self._next_proposal, self._next_proposal + 1
        return number

    def _record_begun(
        self,
        number: int,
        operator: str,
        model: str,
        *,
        parents: tuple[int, ...] = (),
        asked: int = 0,
        offline: bool = False,
    ) -> int:
        """Record that a proposal begins, before anybody can be asked for it: its number."""
        row = ProposalRow(
            *(number, operator, parents, None, "", 0.0, 0.0),
            model=model,
            asked=asked,
            offline=offline,
        )
        self._run.record.begin_proposal(row)
        return number

    def _lookahead(self) -> int:
        """How many proposals to make ahead, so that no device waits for a slow model.

        Where children are so quick that this were many, it is a generation's worth: the search is
        better off with proposals that know what came of the ones before.
        """
        turn, slots = self._bench.mean_seconds or self._run.settings.budget, self._bench.slots
        needed = (math.ceil(self._model_seconds / turn) + LOOKAHEAD) * slots
        return min(needed, max(MAX_LOOKAHEAD * slots, self._run.settings.children))

    def take_notes(self) -> bool:
        """Begin to take the notes that the task asks for, unless there are some.

        Returns:
            Whether that was begun.
        """
        task, models = self._run.task, self._run.settings.models
        if not (task.notes and models) or self._briefer.notes or self._allowance.why_offline():
            return False
        instruction = notes_asked(task)
        model = max(map(ModelSpec.parse, models), key=lambda spec: spec.weight).name
        number = self._record_begun(self._next_number(), NOTES, model)
        self._proposer.take_notes(number, model, instruction)
        return True

    def notes_are_due(self) -> bool:
        """Whether notes that were begun are still to be waited for."""
        patient = not self._works_offline or not self._allowance.unresponsive
        return bool(self._proposer.asking) and patient and not self._allowance.out_of_time

    def distil(self, finished: int) -> None:
        """Every so many children, let a model learn what they teach."""
        new = finished - self._distilled
        if new < LESSONS_EVERY or finished >= self._run.settings.total_children:
            return
        if self._allowance.why_offline() or not self._allowance.may_ask(self._proposer.asking):
            return
        self._distilled = finished
        model = self._drawn_model()
        lines = results(telling(self._search, new), self._search, self._run.task)
        number = self._record_begun(self._next_number(), LESSONS, model)
        self._proposer.distil(number, model, finished, self._briefer.lessons, lines)

    def _drawn_model(self) -> str:
        """A model, as often as its weight says."""
        specs = [ModelSpec.parse(text) for text in self._run.settings.models]
        weights = np.array([spec.weight for spec in specs])
        rng = np.random.default_rng([self._run.settings.seed, self._next_proposal])
        return specs[int(rng.choice(len(specs), p=weights / weights.sum()))].name

    # -- what came of it ----------------------------------------------------------------------

    def take_spend(self, row: ProposalRow, unreachable: bool) -> dict[str, float]:
        """Take note of what a proposal took; its dollars by model, as far as they are known."""
        costs: dict[str, float] = {}
        if unreachable or row.calls:
            self._allowance.record_outcome(unreachable=unreachable)
        if not row.calls:
            return costs
        self.spend = self.spend.plus(row.calls)
        for call in row.calls:
            costs[call.model] = costs.get(call.model, 0.0) + (call.cost or 0.0)
        seconds = sum(call.seconds for call in row.calls)  # less the pauses between them
        share = 0.3 if self._model_seconds else 1.0  # an exponential mean follows the model
        self._model_seconds += share * (seconds - self._model_seconds)
        return costs

    def born(self, identity: Identity) -> None:
        """A proposal gave a child."""
        self.refusals = self._stopgaps_refused = 0
        self.known.add(identity.exact, identity.near)

    def refused(self, attempt: Attempt, reason: str) -> None:
        """A proposal gave no child. What is due to a model's silence is no reason to give up."""
        plan, defect = attempt.asked.plan, attempt.made.defect
        text = self._refusals.take(str(plan.arm), reason, by_model=plan.operator.needs_model)
        if text:
            self._reports.say(text)
        if defect:
            self._run.record.add_event(time.time(), "defect", defect)
        if attempt.asked.offline and self._allowance.may_recover:
            self._stopgaps_refused += 1
        elif not attempt.made.unreachable:
            self.refusals += 1

    @property
    def stuck(self) -> bool:
        """Whether nothing new can be expected."""
        hopeless = bool(self._allowance.why_offline()) and not self._allowance.may_recover
        return self.refusals >= MAX_REFUSALS or (hopeless and not self._may_go_on_offline)

    @property
    def _may_go_on_offline(self) -> bool:
        return self._works_offline and self._stopgaps_refused < MAX_REFUSALS

    # -- what the user should know ------------------------------------------------------------

    def notice_traffic(self) -> None:
        """Say what the models' servers do to the requests."""
        for text in self._proposer.news():
            self._say(text)

    def _notice_offline(self, reason: str) -> None:
        """Say when the offline operators take over from the models, and when they are back."""
        before, self._offline_because = self._offline_because, reason
        if not self._run.settings.models or bool(reason) == bool(before):
            return
        if not reason:
            self._stopgaps_refused = 0
            self._say("the models are asked again", RECOVERY)
            return
        kind = OUTAGE if self._allowance.may_recover else "models"
        if self._works_offline:
            self._say(f"{reason}: the offline operators go on", kind)
        else:
            self._say(f"{reason}, and no operator can do without them", kind)

    def notice_refusals(self) -> None:
        """Say how many proposals were refused since the last generation."""
        if text := self._refusals.since():
            self._reports.say(text)

    def _say(self, text: str, kind: str = "models") -> None:
        self._run.record.add_event(time.time(), kind, text)
        self._reports.say(text)
