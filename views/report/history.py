"""How a run went: the best so far, QD score and coverage, over experiments, hours and dollars."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate

from archive import Archive
from population import Individual
from views.run_view import RunView

MOST_POINTS = 400  # of a line over a run: a picture has no more pixels


@dataclass(frozen=True)
class Moment:
    """The state of a run after one of its experiments.

    Attributes:
        experiment: Number of the experiment, from 1.
        best: Id of the best so far; None before a seed has scored.
        objective: Best guess, at that time, of the best one's fitness; None as long as there is
            no best.
        coverage: Filled cells as a share of all cells, 0 to 1.
        qd_score: QD score in the metric's unit.
    """

    experiment: int
    best: int | None
    objective: float | None
    coverage: float
    qd_score: float


def trace_history(run: RunView) -> list[Moment]:
    """The state of a run after each experiment of its search, over the archive's present axes.

    Long runs are thinned to `MOST_POINTS`, but every change of the best is there.
    """
    reference = run.qd_offset
    if run.archive is None or reference is None:
        return []
    archive = Archive(run.archive.axes)
    known: dict[int, Individual] = {}
    search = [e for e in run.experiments if e.purpose.decides]
    every = max(len(search) // MOST_POINTS, 1)
    moments: list[Moment] = []
    for place, experiment in enumerate(search):
        one = known.get(experiment.individual)
        one = one or replace(run.individuals[experiment.individual], measurements=())
        one = known[one.id] = one.measured(experiment.measurement)
        if one.scored:
            archive.add(one)
        best = archive.best
        changed = best is not None and (not moments or moments[-1].best != best.id)
        if changed or place % every == 0 or place == len(search) - 1:
            moments.append(_observe(archive, experiment.number, reference))
    return moments


def _observe(archive: Archive, number: int, reference: float) -> Moment:
    best = archive.best
    return Moment(
        experiment=number,
        best=None if best is None else best.id,
        objective=None if best is None else best.objective,
        coverage=archive.coverage,
        qd_score=archive.qd_score(reference),
    )


def count_hours(run: RunView) -> list[float]:
    """Hours that were worked on the run until the end of each experiment.

    The time between two processes does not count: a process begins with an event that names its
    sandbox.
    """
    starts = [event.time for event in run.record.events() if event.kind == "sandbox"]
    starts = starts or [run.begun]
    ends = [e.measurement.ended for e in run.experiments]
    hours, worked, last = list[float](), 0.0, min([starts[0], *ends])
    for end in ends:
        begun = bisect_right(starts, end)
        since = max(last, starts[begun - 1] if begun else last)
        worked += max(end - since, 0.0)
        last = max(last, end)
        hours.append(worked / 3600)
    return hours


def count_dollars(run: RunView) -> list[float]:
    """Dollars that language models had taken at the end of each experiment, in all."""
    costs = {number: sum(each.values()) for number, each in run.record.costs().items()}
    rows = run.record.proposals(with_calls=False)
    paid = sorted((row.ended, costs.get(row.number, 0.0)) for row in rows if row.ended)
    times = [time for time, _ in paid]
    sums = [0.0, *accumulate(cost for _, cost in paid)]
    return [sums[bisect_right(times, e.measurement.ended)] for e in run.experiments]
