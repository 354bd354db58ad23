"""The next thing to begin: proposals with or without models, lessons, notes, and measurements."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from archive import Cell
from archive.axis import Bounds, bounds_of_cell
from archive.rows import ProposalRow, Purpose
from evolve.loop.evaluators import Evaluator, Job
from evolve.loop.proposer import Proposer
from evolve.loop.reports import Reports
from evolve.loop.state import LoopState
from evolve.loop.target import may_be_reached
from evolve.models import OUTAGE, RECOVERY, Availability, ModelSpec
from evolve.operators.prompts.background import informative_children, results
from evolve.runs.history import LESSONS, NOTES
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Direction, Individual
from trainer.task import read_notes_request

MAX_REFUSALS = 25  # proposals in a row without a child, after which the search gives up
LESSONS_EVERY = 20  # children, after which a model is asked what they teach
LOOKAHEAD = 1  # proposals of language models made ahead for each device, at least
MAX_LOOKAHEAD = 3  # and at most, since they know less of what came meanwhile


class Scheduler:
    """Decides what to ask and what to measure next, and begins it.

    Args:
        run: The run.
        search: Search that draws what is to be proposed.
        evaluator: Devices that wait for it.
        proposer: Operators at work.
        allowance: Whether models may be asked.
        state: State that is shared with the controller.
        reports: Functions that are informed.
    """

    def __init__(
        self,
        run: Run,
        search: Search,
        evaluator: Evaluator,
        proposer: Proposer,
        allowance: Availability,
        state: LoopState,
        reports: Reports,
    ) -> None:
        self._run, self._search, self._evaluator = run, search, evaluator
        self._proposer, self._allowance = proposer, allowance
        self._state, self._reports = state, reports
        self._again = deque(run.record.unfinished_proposals())
        self._offline_because = ""
        self._stood_in = False  # whether that was said
        # the offline operator that is always there knows Python alone
        self._works_offline = search.has_offline or run.task.language == "python"

    # -- measurements -------------------------------------------------------------------------

    def queue_unmeasured(self) -> None:
        """Queue the children that a process which was killed had proposed and not measured."""
        waiting = [i for i in self._search.individuals.values() if i.parents and not i.measurements]
        self._state.jobs.extend(Job(one, self._run.lineage.source(one.commit)) for one in waiting)

    def queue_repeat(self, *, closing: bool = False) -> None:
        """Let what seems to be the best run once more, before anything else.

        Args:
            closing: Whether the search ends, so that some more runs may go into repeats.
        """
        search, jobs = self._search, self._state.jobs
        best = search.doubtful(closing=closing)
        if best is None and may_be_reached(
            search.champion, self._run.settings.target, search.noise
        ):
            best = search.champion
        pending = [*jobs, *(one.job for one in self._evaluator.running)]
        repeated = {job.individual.id for job in pending if job.purpose is Purpose.REPEAT}
        if best is None or best.id in repeated:
            return
        source = self._run.lineage.source(best.commit)
        jobs.appendleft(Job(best, source, Purpose.REPEAT, repeat=len(best.measurements)))

    def queue_reference(self) -> None:
        """Let the reference run once more, before anything else, to see what it scores now."""
        reference = self._search.reference
        assert reference is not None
        source = self._run.lineage.source(reference.commit)
        repeat = len(reference.measurements)
        self._state.jobs.appendleft(Job(reference, source, Purpose.REPEAT, repeat))

    def start_jobs(self) -> None:
        """Start queued measurements on idle devices."""
        jobs = self._state.jobs
        while jobs and self._evaluator.accepts(jobs[0]) and not self._is_surplus(jobs[0]):
            job = jobs.popleft()
            best = self._search.best
            self._evaluator.start(job, None if best is None else fitness_to_beat(job, best))

    def _is_surplus(self, job: Job) -> bool:
        """Whether enough children run already, as when an unresponsive model answers late."""
        if job.purpose is not Purpose.SEARCH or not job.individual.parents:
            return False
        running = sum(
            one.job.purpose is Purpose.SEARCH and bool(one.job.individual.parents)
            for one in self._evaluator.running
        )
        return self._state.finished + running >= self._run.settings.total_children

    # -- proposals ----------------------------------------------------------------------------

    def propose(self) -> None:
        """Begin as many proposals as the devices will soon need, and no more than are left."""
        if not self._run.settings.proposals:
            return
        self._propose_ahead()
        if self._asked and self._may_go_on_offline:
            self._stand_in()

    @property
    def _asked(self) -> list[str]:
        """Partners who are asked for children; empty if only offline operators make them."""
        agents = self._proposer.agents
        found = ["model"] if self._run.settings.models else []
        return [*found, "agent"] if agents.names and not agents.exhausted else found

    def _propose_ahead(self) -> None:
        while self._state.refusals < MAX_REFUSALS:
            reason = self._allowance.why_offline()
            asks = self._allowance.may_ask(self._proposer.asking)
            if not self._needs_more(asks=asks):
                return
            if asks or reason:
                self._notice_offline(reason)
            without = self._proposer.agents.list_unavailable()
            # models that failed a moment ago may be back in a moment, which only agents do not
            # wait for
            only_agents = not asks and not (reason and self._may_go_on_offline)
            if only_agents:
                without = (*without, "")
            waits = only_agents or "agent" in self._asked
            if waits and not self._search.can_draw(offline=not asks, without=without):
                return
            self._begin_proposal(offline=not asks, without=without)

    def _needs_more(self, *, asks: bool) -> bool:
        """Whether another proposal should begin.

        Sessions of agents under way count besides what the others make, one for each agent: so a
        model never waits for an agent, and a device that is free waits for none of them.
        """
        made, wanted = self._made(asks=asks), self._wanted(asks=asks)
        if made < wanted:
            return True
        agents = len(self._proposer.agents.names)
        left = self._run.settings.total_children - self._state.finished
        left -= len(self._evaluator.running)
        return made + self._proposer.pending_agents < min(left, wanted + agents)

    def _stand_in(self) -> None:
        """Let offline operators propose for the devices that have waited long enough.

        Useless replies make nobody wait longer, nor do answers that come too late; and after too
        many of them in a row nobody waits at all.
        """
        state, evaluator = self._state, self._evaluator
        free = max(evaluator.free - len(state.jobs), 0)
        state.waits.update(free, evaluator.slots)
        given_up = state.refusals >= MAX_REFUSALS
        children = sum(job.is_child for job in [*state.jobs, *(o.job for o in evaluator.running)])
        left = self._run.settings.total_children - state.finished - children
        needed = min(free if given_up else state.waits.overdue, left)
        needed -= self._proposer.pending_offline
        if needed > 0:
            self._notice_waits()
        for _ in range(needed):
            self._begin_proposal(offline=True, without=self._proposer.agents.names)

    def _notice_waits(self) -> None:
        """Say once that offline operators stand in for those who give too few children."""
        if self._stood_in or (self._run.settings.models and self._allowance.why_offline()):
            return
        self._stood_in = True
        text = (
            f"no {' or '.join(self._asked)} has given a child for "
            f"{self._run.settings.offline_after:.0f} s while a device was free: the offline "
            "operators fill in now, and whenever that happens again (--offline-after)"
        )
        if self._state.refusals >= MAX_REFUSALS:
            text = (
                f"{MAX_REFUSALS} proposals in a row gave no child: the offline operators go on, "
                f"and the {' and '.join(f'{one}s' for one in self._asked)} are asked again when "
                "there is a new elite"
            )
        self._reports.event(self._run.record, "models", text)

    def _made(self, *, asks: bool) -> int:
        """How many children wait for a device or are being proposed, except by agents."""
        # nobody knows when an unresponsive model answers, so what it was asked for does not count
        unresponsive = self._allowance.unresponsive and not asks
        proposer = self._proposer
        pending = proposer.pending_offline if unresponsive else proposer.pending_of_others
        return len(self._state.jobs) + pending

    def _wanted(self, *, asks: bool) -> int:
        """How many children should wait for a device or be proposed."""
        finished, running = self._state.finished, len(self._evaluator.running)
        left = self._run.settings.total_children - finished - running
        return min(left, self._evaluator.free + (self._lookahead() if asks else 0))

    def _lookahead(self) -> int:
        """How many proposals to make ahead, so that no device waits for a slow model.

        Where children are so quick that this were many, it is a generation's worth: the search is
        better off with proposals that know what came of the ones before.
        """
        turn = self._evaluator.usage.mean_seconds or self._run.settings.budget
        slots = self._evaluator.slots
        needed = (math.ceil(self._state.model_seconds / turn) + LOOKAHEAD) * slots
        return min(needed, max(MAX_LOOKAHEAD * slots, self._run.settings.children))

    def _begin_proposal(self, *, offline: bool, without: Sequence[str]) -> None:
        number = self._again.popleft() if self._again else self._state.take_proposal()
        place = self._state.take_place()
        plan = self._search.ask(number, place=place, offline=offline, without=without)
        self._record_begun(
            number,
            plan.operator.name,
            plan.model,
            parents=plan.parent_ids,
            asked=plan.place,
            offline=offline,
            target=self._find_bounds(plan.target),
            form=plan.form,
            without=plan.without,
        )
        self._proposer.submit(plan, self._state)

    def _find_bounds(self, cell: Cell | None) -> Bounds:
        archive = self._search.archive
        return () if cell is None or archive is None else bounds_of_cell(archive.axes, cell)

    def _record_begun(
        self,
        number: int,
        operator: str,
        model: str,
        *,
        parents: tuple[int, ...] = (),
        asked: int = 0,
        offline: bool = False,
        target: Bounds = (),
        form: str = "",
        without: tuple[str, ...] = (),
    ) -> None:
        """Record that a proposal begins, before anybody can be asked for it."""
        row = ProposalRow(
            number=number,
            operator=operator,
            parents=parents,
            individual=None,
            reason="",
            seconds=0.0,
            ended=0.0,
            model=model,
            asked=asked,
            offline=offline,
            target=target,
            form=form,
            without=without,
        )
        self._run.record.begin_proposal(row)

    @property
    def stuck(self) -> bool:
        """Whether nothing new can be expected."""
        if not self._run.settings.proposals:
            return False  # somebody may hand a genome in
        agents = self._proposer.agents
        hopeless = bool(self._allowance.why_offline()) and not self._allowance.may_recover
        hopeless = hopeless and (not agents.names or agents.exhausted)
        given_up = self._state.refusals >= MAX_REFUSALS
        if self._asked and self._may_go_on_offline:
            return given_up and hopeless
        return given_up or (hopeless and not self._may_go_on_offline)

    @property
    def _may_go_on_offline(self) -> bool:
        return self._works_offline and self._state.stopgap_refusals < MAX_REFUSALS

    def _notice_offline(self, reason: str) -> None:
        """Say when the offline operators take over from the models, and when they are back."""
        before, self._offline_because = self._offline_because, reason
        if not self._run.settings.models or bool(reason) == bool(before):
            return
        if not reason:
            self._state.stopgap_refusals = 0
            self._reports.event(self._run.record, RECOVERY, "the models are asked again")
            return
        if self._works_offline:
            text = f"{reason}: the offline operators go on"
        else:
            text = f"{reason}, and no operator can do without them"
        kind = OUTAGE if self._allowance.may_recover else "models"
        self._reports.event(self._run.record, kind, text)

    # -- notes and lessons --------------------------------------------------------------------

    def take_notes(self) -> bool:
        """Begin to take the notes that the task asks for, unless there are some.

        Returns:
            Whether that was begun.
        """
        task, models = self._run.task, self._run.settings.models
        if not (task.notes and models) or self._state.notes or self._allowance.why_offline():
            return False
        instruction = read_notes_request(task)
        model = max(map(ModelSpec.parse, models), key=lambda spec: spec.weight).name
        number = self._state.take_proposal()
        self._record_begun(number, NOTES, model)
        self._proposer.take_notes(number, model, instruction)
        return True

    def waits_for_notes(self) -> bool:
        """Whether notes that were begun are still to be waited for."""
        patient = not self._works_offline or not self._allowance.unresponsive
        return bool(self._proposer.asking) and patient and not self._allowance.out_of_time

    def learn_lessons(self) -> None:
        """Every so many children, let a model learn what they teach; at the end of a generation."""
        state, settings = self._state, self._run.settings
        new = state.finished - state.lessons_after
        if new < LESSONS_EVERY or state.finished >= settings.total_children:
            return
        if state.finished % settings.children or self._allowance.why_offline():
            return
        if not self._allowance.may_ask(self._proposer.asking):
            return
        state.lessons_after = state.finished
        model = self._draw_model()
        told = informative_children(self._search, new)
        lines = results(told, self._search, self._run.task)
        number = state.take_proposal()
        self._record_begun(number, LESSONS, model)
        self._proposer.learn_lessons(number, model, state.finished, state.lessons, lines)

    def _draw_model(self) -> str:
        """Draw a model by the models' weights."""
        specs = [ModelSpec.parse(text) for text in self._run.settings.models]
        weights = np.array([spec.weight for spec in specs])
        rng = np.random.default_rng([self._run.settings.seed, self._state.next_proposal])
        return specs[int(rng.choice(len(specs), p=weights / weights.sum()))].name


def fitness_to_beat(job: Job, best: Individual) -> float | None:
    """The fitness beyond which a referee probes a job's result harder.

    That is the best one so far; a fresh run is always probed harder.
    """
    if job.purpose.decides:
        return best.objective
    return math.inf if best.direction is Direction.MINIMIZE else -math.inf
