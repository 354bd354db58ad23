"""The loop: asynchronous and steady-state. While devices train, the next proposals are made.

All decisions are taken here, in one thread; devices and proposals work in others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from enum import StrEnum

from archive.rows import Purpose
from evolve.loop.controller import Controller, NewGenome
from evolve.loop.evaluators import Evaluator, Job, Loss
from evolve.loop.forecast import TimeSpan, forecast, guess_turn, observe_turn
from evolve.loop.interrupt import Interrupt
from evolve.loop.proposer import Aside, Proposer
from evolve.loop.reports import Reports, Snapshot
from evolve.loop.scheduler import Scheduler
from evolve.loop.state import LoopState
from evolve.loop.submissions import Submissions
from evolve.loop.target import is_surely_reached
from evolve.models import Availability
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual
from population.formatting import format_duration

TICK = 0.5  # seconds between two looks at the display when nothing happens


class End(StrEnum):
    """Why a search ended."""

    COMPLETE = "all generations are done"
    TARGET = "the target is reached"
    HOURS = "the hours are over"
    PATIENCE = "no further gain was confirmed"
    INTERRUPTED = "interrupted"
    STUCK = "no new genome could be proposed"
    NO_DEVICE = "no device is left"


class Loop:
    """Drives one run to its end, or to where it is interrupted.

    Args:
        run: The run.
        search: Search of the run, restored from its record.
        evaluator: Devices that measure.
        proposer: Operators at work.
        allowance: Budget of time and money.
        interrupt: The user's wish to end.
        wake: Event that is set when a device or a proposal is done.
        reports: Functions that are informed.
    """

    def __init__(
        self,
        run: Run,
        search: Search,
        evaluator: Evaluator,
        proposer: Proposer,
        allowance: Availability,
        interrupt: Interrupt,
        wake: threading.Event,
        reports: Reports,
    ) -> None:
        self._run, self._search = run, search
        self._evaluator, self._proposer = evaluator, proposer
        self._allowance, self._interrupt, self._wake = allowance, interrupt, wake
        self._reports = reports
        self._state = state = LoopState.restored(run, search)
        self._controller = Controller(run, search, allowance, state, reports)
        self._scheduler = Scheduler(run, search, evaluator, proposer, allowance, state, reports)
        self._submissions = Submissions(run, search, self._controller, state, reports)
        self._noticed_interrupts = 0
        self._searched = False  # whether all that is still to come is queued

    # -- the phases ---------------------------------------------------------------------------

    def measure(self, jobs: Iterable[Job], phase: str) -> bool:
        """Make some measurements and nothing else.

        Args:
            jobs: The measurements.
            phase: What is being done, in a few words.

        Returns:
            Whether all were made; False if the user interrupted or no device is left.
        """
        state, evaluator = self._state, self._evaluator
        state.jobs.extend(jobs)
        total = len(state.jobs)
        while state.jobs or evaluator.running:
            if self._interrupt.requests or evaluator.is_exhausted:
                state.jobs.clear()
            self._scheduler.start_jobs()
            begun = total - len(state.jobs)
            self._turn(f"{phase}, run {begun} of {total}")
        return not self._interrupt.requests and not evaluator.is_exhausted

    def refit_axes(self) -> None:
        """Refit the archive's axes if a generation has just ended."""
        self._controller.refit_axes()

    def add_genome(
        self, genome: NewGenome, parents: Sequence[Individual], *, joins: bool
    ) -> Individual:
        """Commit and record a genome that no operator proposed; see `Controller.add_genome`."""
        return self._controller.add_genome(genome, parents, joins=joins)

    def take_notes(self) -> None:
        """Let a model write the notes that the task asks for, unless it has, and wait for them.

        Without an answer from any model the search goes on without them.
        """
        if self._interrupt.requests or not self._scheduler.take_notes():
            return
        while self._scheduler.waits_for_notes() and not self._interrupt.requests:
            self._turn("taking notes")
        if not self._state.notes:
            self._reports.say("no model has taken the notes that the task asks for")

    def evolve(self) -> End:
        """Propose and measure children until there is a reason to end."""
        scheduler, controller = self._scheduler, self._controller
        scheduler.queue_unmeasured()
        scheduler.queue_repeat()
        controller.announce_best(aloud=False)  # a run that was killed may not have come to it
        while True:
            scheduler.queue_repeat()
            end = self._find_end()
            if end is None:
                self._submissions.take()
                scheduler.start_jobs()  # before all else, so that no device waits for it
                controller.report_generations()
                scheduler.propose()
            else:
                self._proposer.agents.close()  # what they work on is not wanted any more
                self._drop_jobs(end)
                if end in (End.COMPLETE, End.HOURS, End.PATIENCE):
                    scheduler.queue_repeat(closing=True)
                if not self._state.jobs and not self._evaluator.running:
                    self._notice_interrupt()
                    controller.report_generations()
                    self._searched = True
                    return end
            scheduler.start_jobs()
            self._turn("evolving" if end is None else f"{end}; finishing")

    def _find_end(self) -> End | None:
        """The reason to end; None if there is none."""
        settings, state = self._run.settings, self._state
        if self._evaluator.is_exhausted:
            return End.NO_DEVICE
        if self._interrupt.requests:
            return End.INTERRUPTED
        best = self._controller.settled_best
        if is_surely_reached(best, settings.target, self._search.noise):
            return End.TARGET
        if state.finished >= settings.total_children:
            return End.COMPLETE
        if self._allowance.out_of_time:
            return End.HOURS
        if settings.patience and state.finished - state.gained >= settings.patience:
            return End.PATIENCE
        idle = not (state.jobs or self._evaluator.running or self._proposer.pending)
        return End.STUCK if idle and self._scheduler.stuck else None

    def _drop_jobs(self, end: End) -> None:
        """Drop the children that were not begun: they are measured when the run goes on."""
        over = end in (End.INTERRUPTED, End.NO_DEVICE)
        kept = (j for j in self._state.jobs if j.purpose is Purpose.REPEAT and not over)
        self._state.jobs = deque(kept)

    # -- one turn -----------------------------------------------------------------------------

    def _turn(self, phase: str) -> None:
        """Wait for something to happen, and take it."""
        self._notice_interrupt()
        self._wake.wait(TICK)
        self._wake.clear()
        self._take_proposals()
        self._take_measurements()
        self._reports.watch(
            Snapshot(
                phase=phase,
                finished=self._state.finished,
                total=self._run.settings.total_children,
                children=self._run.settings.children,
                slots=self._evaluator.slots,
                left=self._forecast(),
                running=self._evaluator.running,
                proposing=self._proposer.pending,
                limit=self._evaluator.limit,
                spend=self._state.spend,
                idle=self._evaluator.list_idle(),
            )
        )

    def _forecast(self) -> TimeSpan:
        """How long the run is likely to take yet."""
        settings, evaluator, state = self._run.settings, self._evaluator, self._state
        running = evaluator.running
        runs, repeats = len(state.jobs) + len(running), 0
        if not (self._searched or self._interrupt.requests):
            queued = [*state.jobs, *(one.job for one in running)]
            children = sum(job.is_child for job in queued)
            runs += max(settings.total_children - state.finished - children, 0)
            runs += 2 * settings.final_repeats
            share = 1 - state.finished / max(settings.total_children, 1)
            repeats = round(share * settings.max_repeats)
        turn = observe_turn(self._search.individuals.values())
        return forecast(
            turn or guess_turn(self._run.task, settings),
            runs,
            repeats,
            evaluator.slots,
            usage=evaluator.usage,
            elapsed=sum(time.monotonic() - one.started for one in running),
        )

    def _take_proposals(self) -> None:
        for text in self._proposer.news():
            self._reports.event(self._run.record, "models", text)
        for number, calls in self._proposer.calls():
            self._run.record.add_calls(number, calls)
        for ended, recorded in self._proposer.finished():
            if isinstance(ended, Aside):
                self._controller.take_aside(ended, recorded)
            else:
                self._controller.take_attempt(ended, recorded)

    def _take_measurements(self) -> None:
        for text in self._evaluator.news():
            self._reports.event(self._run.record, "device", text)
        for running, measurement in self._evaluator.finished():
            if isinstance(measurement, Loss):
                self._controller.take_loss(running, measurement, self._evaluator.slots)
                continue
            earlier = self._controller.find_earlier(running.job)
            self._controller.take_measurement(running.job, measurement)
            if self._controller.notice_drift(running.job, earlier, measurement):
                self._scheduler.queue_reference()
            if running.job.purpose.decides:
                self._scheduler.queue_repeat()
                self._controller.announce_best()
            if running.job.purpose is Purpose.SEARCH and running.job.individual.parents:
                self._scheduler.learn_lessons()

    def _notice_interrupt(self) -> None:
        """Say what a signal does, and stop what runs at the second one."""
        requests = self._interrupt.requests
        if requests == self._noticed_interrupts:
            return
        self._noticed_interrupts = requests
        if requests > 1:
            self._evaluator.close()
            return
        running = len(self._evaluator.running)
        those = "the child that runs now is" if running == 1 else f"the {running} that run now are"
        self._reports.say(
            f"stopping: {those} finished first, within "
            f"{format_duration(self._evaluator.limit)} at most; Ctrl-C again stops them at once"
            if running
            else "stopping"
        )
