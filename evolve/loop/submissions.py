"""What people and agents hand in while a run goes on becomes children like any others."""

from __future__ import annotations

import time

from evolve.genome import RefusedError, screen
from evolve.loop.controller import Controller, NewGenome
from evolve.loop.evaluators import Job
from evolve.loop.reports import Reports
from evolve.loop.state import LoopState
from evolve.runs.inbox import (
    Answer,
    Submission,
    answer,
    list_submissions,
    remove_old_answers,
)
from evolve.runs.run import Run
from evolve.search.search import Search

SUBMITTED = "submitted"  # what the record calls the operator of a genome that was handed in


class Submissions:
    """Takes the genomes in a run's inbox.

    Args:
        run: The run.
        search: Search with the individuals that a genome may be made of.
        controller: Controller that commits and records a genome.
        state: State with the genomes that were seen, and the queue of measurements.
        reports: Functions that are informed.
    """

    def __init__(
        self, run: Run, search: Search, controller: Controller, state: LoopState, reports: Reports
    ) -> None:
        self._run, self._search, self._controller = run, search, controller
        self._state, self._reports = state, reports
        remove_old_answers(run.folder, time.time())

    def take(self) -> None:
        """Screen what was handed in; what passes is recorded, and the next to be measured."""
        for ticket, submission in list_submissions(self._run.folder):
            if isinstance(submission, str):
                result = Answer(None, submission)
            else:
                result = self._accept(submission)
            if result.individual is None:
                self._reports.event(self._run.record, "refused", result.reason)
            answer(ticket, result)

    def _accept(self, submission: Submission) -> Answer:
        individuals = self._search.individuals
        unknown = [number for number in submission.parents if number not in individuals]
        if unknown:
            return Answer(None, f"there is no genome {unknown[0]} in the run, its parent")
        try:
            identity = screen(submission.source, self._run.task, self._state.seen)
        except RefusedError as error:
            twin = find_twin(self._run, submission.source)
            known = twin is not None and individuals[twin].operator == SUBMITTED
            # a process that was killed may have recorded it and not answered
            return Answer(twin) if known else Answer(None, str(error))
        genome = NewGenome(submission.source, identity, SUBMITTED, submission.idea)
        parents = [individuals[number] for number in submission.parents]
        child = self._controller.add_genome(genome, parents, joins=True)
        self._state.jobs.appendleft(Job(child, submission.source))
        self._reports.event(
            self._run.record, SUBMITTED, f"#{child.id} was handed in: {submission.idea}"
        )
        return Answer(child.id)


def find_twin(run: Run, source: str) -> int | None:
    """The id of the individual whose genome differs in comments and layout at most, if any."""
    try:
        exact = screen(source, run.task, ()).exact
    except RefusedError:
        return None
    digests = [exact for exact, _ in run.record.digests()]
    return digests.index(exact) if exact in digests else None
