"""What the loop's halves share: how far the run is, and what waits to be done."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from archive.rows import Purpose, Spend
from evolve.genome import KnownGenomes
from evolve.loop.device_waits import DeviceWaits
from evolve.loop.evaluators import Job
from evolve.runs.history import NOTES
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual


@dataclass
class LoopState:
    """The state of a run's loop. It is read and written in the loop's thread alone.

    Attributes:
        seen: Hashes of the genomes that were tried.
        next_individual: Id of the next child.
        next_proposal: Number of the next proposal.
        place: Place of the latest event in the order of what the search was asked and told.
        finished: Number of children that have ended.
        ended: Ended children whose generation was not reported yet, in order.
        gained: Number of children that had ended when the best so far was confirmed.
        spend: What the language models took so far.
        model_seconds: Typical time of a proposal at a language model, in seconds; 0 if unknown.
        refusals: Proposals in a row that gave no child.
        stopgap_refusals: The same of offline operators that stand in for unresponsive models.
        lessons: The latest lessons; may be empty.
        lessons_after: Number of ended children that the latest lessons know of.
        notes: Notes from the task's sources; may be empty.
        jobs: Measurements that wait for a device, the next one first.
        waits: How long free devices have waited for children of language models.
    """

    seen: KnownGenomes
    next_individual: int
    next_proposal: int
    place: int
    finished: int
    ended: list[Individual]
    gained: int
    spend: Spend
    waits: DeviceWaits
    model_seconds: float = 0.0
    refusals: int = 0
    stopgap_refusals: int = 0
    lessons: str = ""
    lessons_after: int = 0
    notes: str = ""
    jobs: deque[Job] = field(default_factory=deque)

    @classmethod
    def restored(cls, run: Run, search: Search) -> LoopState:
        """The state of a run as its record has it.

        Args:
            run: The run.
            search: The run's search, restored from its record.
        """
        record = run.record
        digests = record.digests()
        children = [i for i in search.individuals.values() if i.parents and i.measurements]
        lessons = record.lessons()
        return cls(
            seen=KnownGenomes(digests),
            next_individual=len(digests),
            next_proposal=record.next_proposal(),
            place=record.next_place() - 1,
            finished=len(children),
            ended=children[len(children) - len(children) % run.settings.children :],
            gained=_count_until_best(run, search),
            spend=record.spend(),
            waits=DeviceWaits(run.settings.offline_after, time.monotonic),
            lessons=lessons[-1][2] if lessons else "",
            lessons_after=lessons[-1][1] if lessons else 0,
            notes=record.meta(NOTES, ""),
        )

    def take_place(self) -> int:
        """The next place in the order of what the search is asked and told."""
        self.place += 1
        return self.place

    def take_individual(self) -> int:
        """The id of a new child."""
        self.next_individual += 1
        return self.next_individual - 1

    def take_proposal(self) -> int:
        """The number of a new proposal."""
        self.next_proposal += 1
        return self.next_proposal - 1


def _count_until_best(run: Run, search: Search) -> int:
    """The number of children that had ended when the best so far was measured last."""
    children, gained, best = 0, 0, search.champion
    for experiment in run.record.experiments():
        if experiment.purpose is Purpose.SEARCH and experiment.individual in search.individuals:
            children += bool(search.individuals[experiment.individual].parents)
        if best is not None and experiment.individual == best.id and best.parents:
            gained = children if experiment.purpose.decides else gained
    return gained
