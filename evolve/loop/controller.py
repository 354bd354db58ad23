"""What has ended: proposals, lessons, notes, measurements and devices go into record and search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.rows import ProposalRow, Purpose
from evolve.genome import Identity
from evolve.loop.attempts import Attempt
from evolve.loop.drift import EVENT, DriftWatch
from evolve.loop.evaluators import Job, Loss, Running
from evolve.loop.proposer import Aside
from evolve.loop.refusals import Refusals
from evolve.loop.reports import Reports
from evolve.loop.sentences import (
    describe_fall,
    describe_loss,
    describe_refit,
    describe_result,
)
from evolve.loop.state import LoopState
from evolve.models import Availability
from evolve.operators.prompts.lessons import extract_lessons, extract_notes
from evolve.runs.history import NOTES, tell_proposal
from evolve.runs.run import Run
from evolve.search.plan import Plan
from evolve.search.search import Search
from population import Individual, Measurement
from population.lineage import Lineage

UNANSWERED = "the model did not answer"
SMOOTHING = 0.3  # weight of the latest proposal in the typical time at a language model


@dataclass(frozen=True)
class NewGenome:
    """A genome that no operator proposed.

    Attributes:
        source: Text of the genome, which has passed the screen.
        identity: Hashes that it is known by.
        operator: Name under which it is recorded.
        description: One line on what it is.
        notes: What else its commit says; may be empty.
    """

    source: str
    identity: Identity
    operator: str
    description: str
    notes: str = ""


class Controller:
    """Takes what has ended. The run's record and its repository are written here.

    Args:
        run: The run.
        search: Search that is informed.
        allowance: Budget of time and money, which is informed.
        state: State that is shared with the scheduler.
        reports: Functions that are informed.
    """

    def __init__(
        self, run: Run, search: Search, allowance: Availability, state: LoopState, reports: Reports
    ) -> None:
        self._run, self._search, self._allowance = run, search, allowance
        self._state, self._reports = state, reports
        self._refusals, self._drift = Refusals(), DriftWatch(run.task)
        self._announced: Individual | None = None

    # -- proposals ----------------------------------------------------------------------------

    def take_attempt(self, attempt: Attempt, recorded: int) -> None:
        """Record how a proposal ended; its child, if there is one, waits for a device.

        Args:
            attempt: The attempt.
            recorded: Number of its requests to models that are recorded already.
        """
        plan, reason = attempt.plan, attempt.reason
        identity, child = attempt.identity or Identity("", ""), None
        if attempt.proposal is not None:
            if self._is_seen(identity, plan):
                reason = "the same genome was proposed a moment before"
            else:
                child = self._create_child(attempt)
        row = ProposalRow(
            number=plan.number,
            operator=plan.operator.name,
            parents=plan.parent_ids,
            individual=None if child is None else child.id,
            reason=reason,
            seconds=attempt.seconds,
            ended=time.time(),
            calls=tuple(attempt.calls),
            model=plan.model,
            asked=plan.place,
            told=self._state.take_place(),
            offline=plan.offline,
            target=attempt.proposal.target if attempt.proposal else (),
            screened=tuple(attempt.screened),
            form=attempt.form,
        )
        self._run.record.end_proposal(row, child, identity.exact, identity.near, recorded=recorded)
        if not plan.operator.needs_agent:  # whose sessions say nothing of the models' pace
            self._note_pace(row, unreachable=attempt.unreachable)
        tell_proposal(self._search, row, child, self._add_costs(row))
        if child is None or attempt.proposal is None:
            self._take_refusal(attempt, reason)
            return
        self._state.stopgap_refusals = 0
        if not self._stands_in(plan):  # what the models' refusals come to is another matter
            self._state.refusals = 0
        if child.model:
            self._state.waits.record_model_child()
        self._state.seen.add(identity.exact, identity.near)
        self._state.jobs.append(Job(child, attempt.proposal.source))

    def _is_seen(self, identity: Identity, plan: Plan) -> bool:
        """Whether the same child came of another proposal meanwhile."""
        seen = self._state.seen
        return identity.exact in seen or (identity.near in seen and not plan.operator.mends)

    def _create_child(self, attempt: Attempt) -> Individual:
        """Commit a child's genome, whose git parents are its genetic parents."""
        plan, proposal, number = attempt.plan, attempt.proposal, self._state.take_individual()
        assert proposal is not None
        return Individual(
            id=number,
            commit=commit_child(self._run.lineage, number, plan, attempt),
            parents=plan.parent_ids,
            operator=plan.operator.name,
            description=proposal.description,
            generation=self._state.finished // self._run.settings.children + 1,
            direction=self._run.task.direction,
            prior=self._search.prior(plan.parent_ids),
            model=attempt.model,
        )

    def _take_refusal(self, attempt: Attempt, reason: str) -> None:
        """Count a proposal without a child, and say so unless that was said before.

        A refusal that is due to an unresponsive model is no reason for the search to give up.
        """
        plan, state = attempt.plan, self._state
        text = self._refusals.take(str(plan.arm), reason, by_model=not plan.operator.is_offline)
        if text:
            self._reports.say(text)
        if attempt.defect:
            self._run.record.add_event(time.time(), "defect", attempt.defect)
        if self._stands_in(plan):
            state.stopgap_refusals += 1
        elif not attempt.unreachable:
            state.refusals += 1

    def _stands_in(self, plan: Plan) -> bool:
        """Whether a proposal was made in place of models that may give children again."""
        allowance = self._allowance
        awaited = allowance.may_recover or not allowance.why_offline()
        return plan.offline and plan.operator.is_offline and awaited

    def _note_pace(self, row: ProposalRow, *, unreachable: bool) -> None:
        """Note whether the models answer, and how long that takes."""
        if unreachable or row.calls:
            self._allowance.record_outcome(unreachable=unreachable)
        if row.calls:
            state = self._state
            seconds = sum(call.seconds for call in row.calls)  # less the pauses between them
            share = SMOOTHING if state.model_seconds else 1.0
            state.model_seconds += share * (seconds - state.model_seconds)

    def _add_costs(self, row: ProposalRow) -> dict[str, float]:
        """Add a proposal's requests to the spend; its known dollars by model."""
        costs = dict[str, float]()
        self._state.spend = self._state.spend.plus(row.calls)
        for call in row.calls:
            costs[call.model] = costs.get(call.model, 0.0) + (call.cost or 0.0)
        return costs

    # -- genomes that no operator proposed ----------------------------------------------------

    def add_genome(
        self, genome: NewGenome, parents: Sequence[Individual], *, joins: bool
    ) -> Individual:
        """Commit and record a genome that no operator proposed.

        Args:
            genome: The genome, which is a new one.
            parents: Individuals that it was made of.
            joins: Whether it joins the search, as a child that is not measured yet. Else the
                search knows nothing of it.
        """
        state = self._state
        number = state.take_individual()
        message = "\n\n".join(filter(None, (genome.description, genome.notes)))
        ids = tuple(parent.id for parent in parents)
        individual = Individual(
            id=number,
            commit=self._run.lineage.commit(
                number,
                genome.source,
                [parent.commit for parent in parents],
                f"{genome.operator}: {message}",
            ),
            parents=ids,
            operator=genome.operator,
            description=genome.description,
            generation=state.finished // self._run.settings.children + 1,
            direction=self._run.task.direction,
            prior=self._search.prior(ids) if joins else None,
        )
        state.seen.add(genome.identity.exact, genome.identity.near)
        if joins:
            self._record_proposal(individual, genome.identity)
        else:
            self._run.record.add_seed(individual, genome.identity.exact, genome.identity.near)
        return individual

    def _record_proposal(self, child: Individual, identity: Identity) -> None:
        """Record a proposal that nobody asked the search for, and tell the search of its child."""
        row = ProposalRow(
            number=self._state.take_proposal(),
            operator=child.operator,
            parents=child.parents,
            individual=child.id,
            reason="",
            seconds=0.0,
            ended=time.time(),
            told=self._state.take_place(),
        )
        self._run.record.begin_proposal(row)
        self._run.record.end_proposal(row, child, identity.exact, identity.near)
        tell_proposal(self._search, row, child, {})

    # -- lessons and notes --------------------------------------------------------------------

    def take_aside(self, aside: Aside, recorded: int) -> None:
        """Record lessons or notes.

        Args:
            aside: What a model wrote.
            recorded: Number of its requests that are recorded already.
        """
        is_notes = aside.kind == NOTES
        text = extract_notes(aside.text) if is_notes else extract_lessons(aside.text)
        lacking = "" if is_notes else ": it lacks Helped, Hurt or Untested"
        unused = f"the reply has no {aside.kind} in it{lacking}" if aside.text else UNANSWERED
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
        self._note_pace(row, unreachable=not answered)
        self._add_costs(row)
        if text and is_notes:
            self._state.notes = text
            self._run.record.set_meta({NOTES: text})
        elif text:
            self._state.lessons = text
            self._run.record.add_lessons(row.ended, aside.children, text)

    # -- measurements -------------------------------------------------------------------------

    def find_earlier(self, job: Job) -> tuple[Measurement, ...]:
        """The runs of a job's genome that the search knows of and that have a score."""
        return self._search.individuals.get(job.individual.id, job.individual).scored

    def notice_drift(
        self, job: Job, earlier: Sequence[Measurement], measurement: Measurement
    ) -> bool:
        """Report what a measurement shows of a machine that has changed.

        Args:
            job: Job that has ended.
            earlier: Scored runs of its genome before this one.
            measurement: Result of the job.

        Returns:
            Whether the reference should be measured again.
        """
        known = job.individual
        texts = self._drift.notice(known, earlier, measurement)
        for text in texts:
            self._reports.event(self._run.record, EVENT, text)
        reference = self._search.reference
        if not texts or not job.purpose.decides or reference is None or reference.id == known.id:
            return False
        return self._drift.asks_for_reference(self._state.finished)

    def take_measurement(self, job: Job, measurement: Measurement) -> None:
        """Tell the search of a measurement, and record it."""
        state = self._state
        # the search has no use for learning curves, and thousands would fill the memory
        told = replace(measurement, curve=())
        # the search does not know the genomes of an ablation
        before = self._search.individuals.get(job.individual.id, job.individual)
        kept = job.purpose.decides and self._search.tell(job.individual.id, told)
        individual = self._search.individuals.get(job.individual.id, job.individual)
        if job.purpose.decides:  # before the record has it: what is lost between is measured again
            result = describe_result(individual, self._run.task)
            self._run.lineage.annotate(individual.commit, result)
        experiment = self._run.record.add_measurement(
            individual.id, measurement, job.purpose, kept, state.take_place()
        )
        if kept:  # there are other parents now, of which other children may come
            state.refusals = 0
        self._run.results.append(individual, experiment)
        self._reports.experiment(individual, experiment)
        if job.purpose is Purpose.REPEAT:
            self._report_fall(before, individual)
        if job.purpose is Purpose.SEARCH and individual.parents:
            state.finished += 1
            state.ended.append(individual)
            self.refit_axes()

    def refit_axes(self) -> None:
        """Refit the archive's axes to what was found, at the end of a generation."""
        state, before = self._state, self._search.archive
        if before is None or not state.finished or state.finished % self._run.settings.children:
            return
        axes = self._search.refit_axes()
        if axes is None:
            return
        self._run.record.set_meta({"axes": [axis.to_dict() for axis in axes]})
        self._reports.event(self._run.record, "axes", describe_refit(before.axes, axes))

    def take_loss(self, running: Running, loss: Loss, slots: int) -> None:
        """A job was lost, mostly with its device: it is the next on another.

        Args:
            running: The job.
            loss: Reason for it.
            slots: Number of devices that are left.
        """
        self._state.jobs.appendleft(running.job)
        self._reports.event(self._run.record, "device", describe_loss(running, loss, slots))

    @property
    def settled_best(self) -> Individual | None:
        """The best so far whose score is believed; None while that waits for a repeat."""
        best, doubtful = self._search.champion, self._search.doubtful()
        waits = best is not None and doubtful is not None and doubtful.id == best.id
        return None if waits else best

    def announce_best(self, *, aloud: bool = True) -> None:
        """Mark the best so far where git shows it, and report it, once it is confirmed.

        Args:
            aloud: Whether it is reported; a run that goes on has reported it before.
        """
        best, former = self.settled_best, self._announced
        if best is None or (former is not None and best.id == former.id):
            return
        self._announced = best
        self._run.lineage.mark_best(best.commit)
        if best.parents and aloud:
            self._state.gained = self._state.finished
            self._reports.best(best)

    def _report_fall(self, before: Individual, now: Individual) -> None:
        """Say so if what seemed to be the best has turned out to be no better."""
        best = self._search.champion
        scored = before.objective is not None and now.objective is not None
        worse = scored and now.fitness < before.fitness
        if best is None or best.id == now.id or not now.parents or not worse:
            return
        text = describe_fall(before, now, self._run.task.metric, self._search.noise.deviation)
        self._reports.event(self._run.record, "luck", text)

    def report_generations(self) -> None:
        """Report every generation that has ended, which may take as long as drawing a picture."""
        children, state = self._run.settings.children, self._state
        while len(state.ended) >= children:
            generation, state.ended = state.ended[:children], state.ended[children:]
            number = (state.finished - len(state.ended)) // children
            self._reports.generation(number, generation)
            if text := self._refusals.since():
                self._reports.say(text)


def commit_child(lineage: Lineage, number: int, plan: Plan, attempt: Attempt) -> str:
    """Commit the genome of a child with its description and notes: the commit's hash."""
    proposal = attempt.proposal
    assert proposal is not None
    message = "\n\n".join(filter(None, (proposal.description, proposal.notes)))
    parents = [parent.commit for parent in plan.parents]
    return lineage.commit(number, proposal.source, parents, f"{plan.operator.name}: {message}")
