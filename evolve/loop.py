"""The loop: asynchronous and steady-state. While devices train, the next proposals are made.

All decisions are taken here, in one thread; devices and proposals work in others.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterable
from enum import StrEnum

from archive.human import duration
from archive.rows import ProposalRow, Purpose
from evolve.allowance import Allowance
from evolve.bench import Bench, Job, Running
from evolve.context import Briefer, results
from evolve.interrupt import Interrupt
from evolve.models import ModelSpec
from evolve.operators.base import Proposal
from evolve.proposer import Asked, Lessons, Outcome, Proposer
from evolve.reports import Progress, Reports
from evolve.run import LESSONS, Run
from evolve.screening import Identity
from evolve.search import Plan, Search
from population import Direction, Individual, Measurement

TICK = 0.5  # seconds between two looks at the display when nothing happens
MAX_REFUSALS = 25  # proposals in a row without a child, after which the search gives up
PATIENCE = 5  # of these, after which the user is told why; a model's refusals are always told
LESSONS_EVERY = 20  # children, after which a model is asked what they teach
LOOKAHEAD = 1  # proposals of language models made ahead for each device, at least
MAX_LOOKAHEAD = 32  # and at most for all, since they know less of what came meanwhile


class End(StrEnum):
    """Why a search ended."""

    COMPLETE = "all generations are done"
    TARGET = "the target is reached"
    HOURS = "the hours are over"
    INTERRUPTED = "interrupted"
    STUCK = "no new genome could be proposed"
    NO_DEVICE = "no device is left"


class Loop:
    """Drives one run to its end, or to where it is interrupted.

    Args:
        run: what is worked on; its record and its repository are written here alone.
        search: what was tried so far and what it means.
        bench: the devices.
        proposer: the operators at work.
        briefer: gathers what they are told.
        allowance: when to stop asking models, and when to stop at all.
        interrupt: the user's wish to end.
        wake: set when a device or a proposal is done.
        reports: who is told.
    """

    def __init__(
        self,
        run: Run,
        search: Search,
        bench: Bench,
        proposer: Proposer,
        briefer: Briefer,
        allowance: Allowance,
        interrupt: Interrupt,
        wake: threading.Event,
        reports: Reports,
    ) -> None:
        self._run, self._search, self._bench, self._proposer = run, search, bench, proposer
        self._briefer = briefer
        self._allowance, self._interrupt, self._wake = allowance, interrupt, wake
        self._reports = reports
        self._jobs: deque[Job] = deque()
        self._known = run.record.digests()
        self._next_proposal = run.record.next_proposal()
        self._next_id = len(search.individuals)
        self._spend = run.record.spend()
        self._proposal_seconds = 0.0
        self._refusals = 0
        self._offline_because = ""
        self._noticed_interrupt = 0
        self._announced: int | None = None
        self._place = run.record.next_place() - 1
        learnt = run.record.lessons()
        self._distilled = learnt[-1][1] if learnt else 0
        briefer.lessons = learnt[-1][2] if learnt else ""
        repeats = [e.individual for e in run.record.experiments() if e.purpose is Purpose.REPEAT]
        self._repeated = set(repeats)
        children = [i for i in search.individuals.values() if i.parents and i.measurements]
        self._finished = len(children)
        self._generation = children[len(children) - len(children) % run.settings.children :]

    # -- the phases ---------------------------------------------------------------------------

    def measure(self, jobs: Iterable[Job], phase: str) -> bool:
        """Make some measurements and nothing else.

        Returns:
            Whether all were made; False if the user interrupted or no device is left.
        """
        self._jobs.extend(jobs)
        while self._jobs or self._bench.running:
            if self._interrupt.requests or not self._bench.slots:
                self._jobs.clear()
            self._start_jobs()
            self._turn(phase)
        return not self._interrupt.requests and self._bench.slots > 0

    def evolve(self) -> End:
        """Propose and measure children until there is a reason to end."""
        children = (i for i in self._search.individuals.values() if i.parents)
        self._jobs.extend(self._job(i) for i in children if not i.measurements)
        self._repeat_best()
        self._announce(aloud=False)  # a run that was killed may not have come to it
        while True:
            self._repeat_best()
            end = self._reason_to_end()
            if end is None:
                self._ask()
            else:  # children that were not begun are measured when the run goes on
                over = end in (End.INTERRUPTED, End.NO_DEVICE)
                self._jobs = deque(
                    j for j in self._jobs if j.purpose is Purpose.REPEAT and not over
                )
                if not self._jobs and not self._bench.running:
                    return end
            self._start_jobs()
            self._turn("evolving" if end is None else f"{end}; finishing")

    def _reason_to_end(self) -> End | None:
        if not self._bench.slots:
            return End.NO_DEVICE
        if self._interrupt.requests:
            return End.INTERRUPTED
        if reached(self._settled_best, self._run.settings.target):
            return End.TARGET
        if self._finished >= self._run.settings.total_children:
            return End.COMPLETE
        if self._allowance.out_of_time:
            return End.HOURS
        idle = not (self._jobs or self._bench.running or self._proposer.pending)
        return End.STUCK if idle and self._refusals >= MAX_REFUSALS else None

    @property
    def _settled_best(self) -> Individual | None:
        """The best so far; None while it waits for the repeat that shows whether it is."""
        best = self._search.best
        waits = best is not None and best.id in self._repeated and len(best.measurements) < 2
        return None if waits else best

    # -- what is begun ------------------------------------------------------------------------

    def _repeat_best(self) -> None:
        """Let what seems to be the best run once more, before anything else, and only once."""
        best = self._search.doubtful()
        full = len(self._repeated) >= self._run.settings.max_repeats
        if best is None or best.id in self._repeated or full:
            return
        self._repeated.add(best.id)
        source = self._run.lineage.source(best.commit)
        self._jobs.appendleft(Job(best, source, Purpose.REPEAT, repeat=1))

    def _ask(self) -> None:
        """Begin as many proposals as the devices will soon need, and no more than are left."""
        while self._refusals < MAX_REFUSALS:
            waiting = len(self._jobs) + self._proposer.pending
            left = self._run.settings.total_children - self._finished - len(self._bench.running)
            number = self._next_proposal
            offline = self._allowance.why_offline(number, self._spend, self._proposer.pending)
            ahead = 0 if offline else self._lookahead()
            if waiting >= min(left, self._bench.free + ahead):
                return
            self._notice_offline(offline)
            plan = self._search.ask(number, offline=bool(offline))
            asked = Asked(plan, self._next_place(), bool(offline))
            self._proposer.submit(asked, self._briefer.brief(plan), self._known)
            self._next_proposal += 1

    def _next_place(self) -> int:
        """The next in the order of what the search is asked and told."""
        self._place += 1
        return self._place

    def _lookahead(self) -> int:
        """How many proposals to make ahead, so that no device waits for a slow model."""
        turn = self._bench.mean_seconds or self._run.settings.budget
        needed = math.ceil(self._proposal_seconds / turn) + LOOKAHEAD
        return min(needed * self._bench.slots, MAX_LOOKAHEAD)

    def _start_jobs(self) -> None:
        while self._jobs and self._bench.free:
            job = self._jobs.popleft()
            best = self._search.best
            self._bench.start(job, None if best is None else self._to_beat(job, best))

    @staticmethod
    def _to_beat(job: Job, best: Individual) -> float | None:
        """What makes a job's result worth a harder look: being the best, or in the headline."""
        if job.purpose is not Purpose.FINAL:
            return best.objective
        return math.inf if best.direction is Direction.MINIMIZE else -math.inf

    def _job(self, individual: Individual) -> Job:
        return Job(individual, self._run.lineage.source(individual.commit))

    # -- what has ended -----------------------------------------------------------------------

    def _turn(self, phase: str) -> None:
        """Wait for something to happen, and take note of it."""
        self._notice_interrupt()
        self._wake.wait(TICK)
        self._wake.clear()
        for outcome in self._proposer.finished():
            if isinstance(outcome, Lessons):
                self._take_lessons(outcome)
            else:
                self._take_proposal(outcome)
        for running, measurement in self._bench.finished():
            if measurement is None:
                self._take_loss(running)
            else:
                self._take_measurement(running.job, measurement)
        self._reports.watch(
            Progress(
                phase=phase,
                finished=self._finished,
                total=self._run.settings.total_children,
                running=self._bench.running,
                proposing=self._proposer.pending,
                limit=self._bench.limit,
                spend=self._spend,
            )
        )

    def _take_proposal(self, outcome: Outcome) -> None:
        plan, proposal, reason = outcome.asked.plan, outcome.proposal, outcome.reason
        identity = outcome.identity or Identity("", "")
        child = None
        if proposal is not None:
            if self._known & {identity.exact, identity.near}:
                reason = "the same program was proposed a moment before"
            else:
                child = self._commit(plan, proposal)
        row = ProposalRow(
            number=plan.number,
            operator=plan.operator.name,
            parents=tuple(parent.id for parent in plan.parents),
            individual=None if child is None else child.id,
            reason=reason,
            seconds=outcome.seconds,
            ended=time.time(),
            calls=outcome.calls,
            model=plan.model,
            asked=outcome.asked.place,
            told=self._next_place(),
            offline=outcome.asked.offline,
        )
        self._run.record.add_proposal(row, child, identity.exact, identity.near)
        cost = self._take_spend(row, outcome.unreachable)
        if child is None or proposal is None:
            self._search.refused(plan.arm, row.parents, cost)
            self._refusals += 1
            if plan.operator.needs_model or self._refusals == PATIENCE:
                self._reports.say(f"{plan.arm} gave no child: {reason}")
            return
        self._refusals = 0
        self._known |= {identity.exact, identity.near}
        self._search.born(child, cost)
        self._jobs.append(Job(child, proposal.source))

    def _take_lessons(self, lessons: Lessons) -> None:
        row = ProposalRow(
            number=lessons.number,
            operator=LESSONS,
            parents=(),
            individual=None,
            reason="" if lessons.text else "the model did not answer",
            seconds=lessons.seconds,
            ended=time.time(),
            calls=lessons.calls,
            model=lessons.model,
        )
        self._run.record.add_proposal(row)
        self._take_spend(row, unreachable=not lessons.text)
        if lessons.text:
            self._briefer.lessons = lessons.text
            self._run.record.add_lessons(row.ended, lessons.children, lessons.text)

    def _commit(self, plan: Plan, proposal: Proposal) -> Individual:
        number, self._next_id = self._next_id, self._next_id + 1
        parents = [parent.commit for parent in plan.parents]
        message = "\n\n".join(filter(None, (proposal.description, proposal.notes)))
        commit = self._run.lineage.commit(
            number, proposal.source, parents, f"{plan.operator.name}: {message}"
        )
        return Individual(
            id=number,
            commit=commit,
            parents=tuple(parent.id for parent in plan.parents),
            operator=plan.operator.name,
            description=proposal.description,
            generation=self._finished // self._run.settings.children + 1,
            direction=self._run.task.direction,
            prior=self._search.prior([parent.id for parent in plan.parents]),
            model=plan.model,
        )

    def _take_spend(self, row: ProposalRow, unreachable: bool) -> float:
        """Take note of what a proposal took; its dollars, as far as they are known."""
        if not row.calls:
            return 0.0
        self._spend = self._spend.plus(row.calls)
        cost = sum(call.cost or 0.0 for call in row.calls)
        self._allowance.note(row.number, cost, unreachable)
        share = 0.3 if self._proposal_seconds else 1.0  # an exponential mean follows the model
        self._proposal_seconds += share * (row.seconds - self._proposal_seconds)
        return cost

    def _take_measurement(self, job: Job, measurement: Measurement) -> None:
        decides = job.purpose is not Purpose.FINAL
        kept = decides and self._search.tell(job.individual.id, measurement)
        individual = self._search.individuals[job.individual.id]
        experiment = self._run.record.add_measurement(
            individual.id, measurement, job.purpose, kept, self._next_place()
        )
        self._run.results.append(individual, experiment)
        self._reports.experiment(individual, experiment)
        self._repeat_best()
        self._announce()
        if job.purpose is Purpose.SEARCH and individual.parents:
            self._finished += 1
            self._generation.append(individual)
            if self._finished % self._run.settings.children == 0:
                number = self._finished // self._run.settings.children
                self._reports.generation(number, self._generation)
                self._generation = []
                self._distil()

    def _distil(self) -> None:
        """Every so many children, let a model learn what they teach."""
        models, number = self._run.settings.models, self._next_proposal
        new = self._finished - self._distilled
        if new < LESSONS_EVERY or self._finished >= self._run.settings.total_children:
            return
        if self._allowance.why_offline(number, self._spend, self._proposer.pending):
            return
        self._distilled = self._finished
        model = ModelSpec.parse(models[number % len(models)]).name
        latest = [i for i in self._search.individuals.values() if i.parents and i.measurements]
        lines = results(latest[-new:], self._search, self._run.task)
        self._proposer.distil(number, model, self._finished, self._briefer.lessons, lines)
        self._next_proposal += 1

    def _announce(self, *, aloud: bool = True) -> None:
        """Mark the best so far where git shows it, and say it, once it is believed."""
        best = self._settled_best
        if best is None or best.id == self._announced:
            return
        self._announced = best.id
        self._run.lineage.mark_best(best.commit)
        if best.parents and aloud:
            self._reports.best(best)

    def _take_loss(self, running: Running) -> None:
        """A device is gone: its job, of which nothing is known, is the next on another."""
        self._jobs.appendleft(running.job)
        left = self._bench.slots
        others = f"{left} {'devices are' if left > 1 else 'device is'} left"
        text = (
            f"{running.device.name} ({running.device.model}) is gone, #{running.job.individual.id} "
            f"will be measured again; {others if left else End.NO_DEVICE}"
        )
        self._run.record.add_event(time.time(), "device", text)
        self._reports.say(text)

    # -- what the user should know ------------------------------------------------------------

    def _notice_interrupt(self) -> None:
        if self._interrupt.requests == self._noticed_interrupt:
            return
        self._noticed_interrupt = self._interrupt.requests
        running = len(self._bench.running)
        if self._interrupt.requests == 1:
            self._reports.say(
                "stopping"
                if not running
                else f"stopping: the {running} children that run now are finished first, within "
                f"{duration(self._bench.limit)} at most; Ctrl-C again stops them at once"
            )
        elif self._interrupt.requests > 1:
            self._bench.close()

    def _notice_offline(self, reason: str) -> None:
        """Say when the offline operators take over from the models, and when they are back."""
        if not self._run.settings.models or bool(reason) == bool(self._offline_because):
            self._offline_because = reason
            return
        self._offline_because = reason
        text = f"{reason}: the offline operators go on" if reason else "the models are asked again"
        self._run.record.add_event(time.time(), "models", text)
        self._reports.say(text)


def reached(best: Individual | None, target: float | None) -> bool:
    """Whether a target was set and the best is as fit as that."""
    if target is None or best is None or best.objective is None:
        return False
    return best.direction.gain(best.objective, target) >= 0
