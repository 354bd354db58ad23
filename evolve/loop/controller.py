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

from archive.rows import ProposalRow, Purpose
from evolve.genome.screening import Identity
from evolve.loop.briefing import Briefer
from evolve.loop.device_pool import Bench, Job, Running
from evolve.loop.interrupt import Interrupt
from evolve.loop.proposer import Aside, Attempt, Proposer
from evolve.loop.reports import Progress, Reports
from evolve.loop.scheduler import Planner
from evolve.models.allowance import Allowance
from evolve.operators.base import Proposal
from evolve.operators.prompts.lessons import lessons_in, notes_in
from evolve.runs.history import NOTES, tell_proposal
from evolve.runs.run import Run
from evolve.search.search import Plan, Search
from population import Direction, Individual, Measurement
from population.formatting import duration

SILENT = "the model did not answer"
TICK = 0.5  # seconds between two looks at the display when nothing happens


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
        self._planner = Planner(run, search, bench, proposer, briefer, allowance, reports)
        self._jobs: deque[Job] = deque()
        self._next_id = len(search.individuals)
        self._noticed_interrupt = 0
        self._announced: int | None = None
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

    def take_notes(self) -> None:
        """Let a model write the notes that the task asks for, unless it has; they are waited for.

        Without an answer from any model the search goes on without them.
        """
        if self._interrupt.requests or not self._planner.take_notes():
            return
        while self._planner.notes_are_due() and not self._interrupt.requests:
            self._turn("taking notes")
        if not self._briefer.notes:
            self._reports.say("no model has taken the notes that the task asks for")

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
                self._start_jobs()  # before all else, so that no device waits for it
                self._report_generations()
                self._planner.ask(len(self._jobs), self._finished)
            else:  # children that were not begun are measured when the run goes on
                over = end in (End.INTERRUPTED, End.NO_DEVICE)
                self._jobs = deque(
                    j for j in self._jobs if j.purpose is Purpose.REPEAT and not over
                )
                if not self._jobs and not self._bench.running:
                    self._report_generations()
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
        return End.STUCK if idle and self._planner.stuck else None

    @property
    def _settled_best(self) -> Individual | None:
        """The best of those whose score is believed."""
        return self._search.champion

    # -- what is begun ------------------------------------------------------------------------

    def _repeat_best(self) -> None:
        """Let what seems to be the best run once more, before anything else."""
        best = self._search.doubtful()
        jobs = [*self._jobs, *(one.job for one in self._bench.running)]
        waiting = {job.individual.id for job in jobs if job.purpose is Purpose.REPEAT}
        if best is None or best.id in waiting:
            return
        source = self._run.lineage.source(best.commit)
        self._jobs.appendleft(Job(best, source, Purpose.REPEAT, repeat=len(best.measurements)))

    def _start_jobs(self) -> None:
        while self._jobs and self._bench.free and not self._is_surplus(self._jobs[0]):
            job = self._jobs.popleft()
            best = self._search.best
            self._bench.start(job, None if best is None else self._to_beat(job, best))

    def _is_surplus(self, job: Job) -> bool:
        """Whether children enough run already, as when a model that was silent answers late."""
        if job.purpose is not Purpose.SEARCH or not job.individual.parents:
            return False
        running = sum(
            one.job.purpose is Purpose.SEARCH and bool(one.job.individual.parents)
            for one in self._bench.running
        )
        return self._finished + running >= self._run.settings.total_children

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
        self._planner.notice_traffic()
        for number, calls in self._proposer.calls():
            self._run.record.add_calls(number, calls)
        for ended, recorded in self._proposer.finished():
            if isinstance(ended, Aside):
                self._take_aside(ended, recorded)
            else:
                self._take_proposal(ended, recorded)
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
                spend=self._planner.spend,
            )
        )

    def _take_proposal(self, attempt: Attempt, recorded: int) -> None:
        plan, made, reason = attempt.asked.plan, attempt.made, attempt.made.reason
        identity = made.identity or Identity("", "")
        child = None
        if made.proposal is not None:
            known, mends = self._planner.known, plan.operator.mends
            if identity.exact in known or (identity.near in known and not mends):
                reason = "the same genome was proposed a moment before"
            else:
                child = self._commit(plan, made.proposal, attempt.model)
        row = ProposalRow(
            number=plan.number,
            operator=plan.operator.name,
            parents=tuple(parent.id for parent in plan.parents),
            individual=None if child is None else child.id,
            reason=reason,
            seconds=attempt.seconds,
            ended=time.time(),
            calls=attempt.calls,
            model=plan.model,
            asked=attempt.asked.place,
            told=self._planner.next_place(),
            offline=attempt.asked.offline,
            screened=attempt.screened,
        )
        self._run.record.end_proposal(row, child, identity.exact, identity.near, recorded=recorded)
        costs = self._planner.take_spend(row, made.unreachable)
        tell_proposal(self._search, row, child, costs)
        if child is None or made.proposal is None:
            self._planner.refused(attempt, reason)
            return
        self._planner.born(identity)
        self._jobs.append(Job(child, made.proposal.source))

    def _take_aside(self, aside: Aside, recorded: int) -> None:
        asks_notes = aside.kind == NOTES
        text = notes_in(aside.text) if asks_notes else lessons_in(aside.text)
        lacking = "" if asks_notes else ": it lacks Helped, Hurt or Untested"
        unused = f"the reply has no {aside.kind} in it{lacking}" if aside.text else SILENT
        row = ProposalRow(
            number=aside.number,
            operator=aside.kind,
            parents=(),
            individual=None,
            reason="" if text else unused,
            seconds=aside.seconds,
            ended=time.time(),
            calls=aside.calls,
            model=aside.model,
        )
        self._run.record.end_proposal(row, recorded=recorded)
        answered = bool(aside.calls) and not aside.calls[-1].error
        self._planner.take_spend(row, unreachable=not answered)
        if text and asks_notes:
            self._briefer.notes = text
            self._run.record.set_meta({NOTES: text})
        elif text:
            self._briefer.lessons = text
            self._run.record.add_lessons(row.ended, aside.children, text)

    def _commit(self, plan: Plan, proposal: Proposal, model: str) -> Individual:
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
            model=model,
        )

    def _take_measurement(self, job: Job, measurement: Measurement) -> None:
        decides = job.purpose is not Purpose.FINAL
        kept = decides and self._search.tell(job.individual.id, measurement)
        individual = self._search.individuals[job.individual.id]
        experiment = self._run.record.add_measurement(
            individual.id, measurement, job.purpose, kept, self._planner.next_place()
        )
        if kept:  # there are other parents now, of which other children may come
            self._planner.refusals = 0
        self._run.results.append(individual, experiment)
        self._reports.experiment(individual, experiment)
        self._repeat_best()
        self._announce()
        if job.purpose is Purpose.SEARCH and individual.parents:
            self._finished += 1
            self._generation.append(individual)
            if self._finished % self._run.settings.children == 0:
                self._planner.distil(self._finished)

    def _report_generations(self) -> None:
        """Say what came of every generation that has ended, which may take a picture's time."""
        children = self._run.settings.children
        while len(self._generation) >= children:
            generation, self._generation = self._generation[:children], self._generation[children:]
            number = (self._finished - len(self._generation)) // children
            self._reports.generation(number, generation)
            self._planner.notice_refusals()

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


def reached(best: Individual | None, target: float | None) -> bool:
    """Whether a target was set and the best is as fit as that."""
    if target is None or best is None or best.objective is None:
        return False
    return best.direction.gain(best.objective, target) >= 0
