"""The fresh runs at the end of a run, which decide its fresh comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, islice

from archive.comparison import Finalists
from archive.rows import Experiment, Purpose
from evolve.loop.evaluators import Job
from population import Individual

FRESH = 1000  # repeats from here on are fresh: the search never uses their seeds


def list_final_jobs(
    finalists: Finalists,
    experiments: Sequence[Experiment],
    genomes: Mapping[int, tuple[Individual, str]],
    repeats: int,
    run_seed: int,
) -> list[Job]:
    """The fresh runs that are still to be made.

    The two take turns in the order a b b a, so that neither gets one device or the warmer machine.

    Args:
        finalists: The finalists.
        experiments: All experiments of the run; fresh runs among them are not made again.
        genomes: Individual and source of both finalists, by id.
        repeats: Number of fresh runs that each should have.
        run_seed: Seed of the run's randomness, which tells the runs that were made already.
    """
    jobs: dict[int, list[Job]] = {}
    made: set[tuple[int, int]] = set()
    for number in (finalists.seed, finalists.best):
        own = [e for e in experiments if e.purpose is Purpose.FINAL and e.individual == number]
        earlier = {e.measurement.seed for e in own if e.number <= finalists.after}
        made |= {(number, e.measurement.seed) for e in own if e.number > finalists.after}
        individual, source = genomes[number]
        every = (Job(individual, source, Purpose.FINAL, FRESH + i) for i in count())
        fresh = (job for job in every if job.seed(run_seed) not in earlier)
        jobs[number] = list(islice(fresh, repeats))
    ordered: list[Job] = []
    for turn in range(repeats):
        pair = [finalists.seed, finalists.best]
        ordered += [jobs[number][turn] for number in (pair if turn % 2 == 0 else reversed(pair))]
    return [job for job in ordered if (job.individual.id, job.seed(run_seed)) not in made]
