"""The fresh runs at the end of a run: in which order, and which are still to be made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archive.comparison import (
    Finalists,
)
from archive.rows import Experiment, Purpose
from evolve.loop.evaluators import Job
from evolve.loop.finals import list_final_jobs
from population import Direction, Individual, Measurement, Status

SEED, BEST = 0, 7
RUN_SEED = 3


def run(fitness: float | None, seed: int = 0) -> Measurement:
    status = Status.CRASH if fitness is None else Status.OK
    return Measurement(status, fitness, {}, 1.0, seed)


def one(number: int) -> Individual:
    return Individual(number, f"c{number}", (), "seed", "", 0, Direction.MINIMIZE)


def numbered(*results: tuple[int, float | None, Purpose]) -> list[Experiment]:
    """Experiments 1 and on: whose they are, how they scored, what for."""
    return [
        Experiment(number, who, purpose, run(fitness), False)
        for number, (who, fitness, purpose) in enumerate(results, 1)
    ]


def ended(finalists: Finalists, jobs: list[Job], fitness: float | None) -> list[Experiment]:
    """Final jobs that are over, as the experiments that follow those before the finals."""
    return [
        Experiment(
            number, job.individual.id, job.purpose, run(fitness, job.seed(RUN_SEED)), kept=False
        )
        for number, job in enumerate(jobs, finalists.after + 1)
    ]


GENOMES = {number: (one(number), f"source {number}") for number in (SEED, BEST)}


def order(jobs: list[Job]) -> str:
    return "".join("s" if job.individual.id == SEED else "b" for job in jobs)


def test_seed_and_best_take_turns() -> None:
    jobs = list_final_jobs(Finalists(SEED, BEST, after=0), [], GENOMES, 5, RUN_SEED)
    assert order(jobs) == "sbbssbbssb"
    assert {job.purpose for job in jobs} == {Purpose.FINAL}
    assert all(job.source == f"source {job.individual.id}" for job in jobs)
    assert list_final_jobs(Finalists(SEED, BEST, after=0), [], GENOMES, 0, RUN_SEED) == []


def test_fresh_runs_have_seeds_that_the_search_never_used() -> None:
    jobs = list_final_jobs(Finalists(SEED, BEST, after=0), [], GENOMES, 20, RUN_SEED)
    used = {Job(one(n), "", repeat=r).seed(RUN_SEED) for n in (SEED, BEST) for r in range(100)}
    drawn = {job.seed(RUN_SEED) for job in jobs}
    assert len(drawn) == len(jobs) == 40
    assert not drawn & used


@given(st.integers(0, 6), st.permutations(range(12)), st.integers(0, 12), st.booleans())
def test_interrupted_finals_go_on_with_what_is_missing_in_the_same_order(
    repeats: int, drawn: list[int], made: int, failed: bool
) -> None:
    """Devices end their jobs in any order. Runs of an earlier end of the run, of which one was
    interrupted, do not count and do not come again."""
    before = list_final_jobs(Finalists(SEED, BEST, after=0), [], GENOMES, 2, RUN_SEED)
    old = ended(Finalists(SEED, BEST, after=0), before[1:], 1.5)
    finalists = Finalists(SEED, BEST, after=len(old))
    whole = list_final_jobs(finalists, old, GENOMES, repeats, RUN_SEED)
    first = [whole[i] for i in drawn if i < len(whole)][:made]
    new = ended(finalists, first, None if failed else 1.5)
    rest = list_final_jobs(finalists, [*old, *new], GENOMES, repeats, RUN_SEED)
    assert rest == [job for job in whole if job not in first]
    assert len({job.seed(RUN_SEED) for job in whole}) == len(whole) == 2 * repeats
    assert not {job.seed(RUN_SEED) for job in before[1:]} & {job.seed(RUN_SEED) for job in whole}


def test_fewer_repeats_than_were_made_ask_for_nothing() -> None:
    finalists = Finalists(SEED, BEST, after=0)
    made = ended(finalists, list_final_jobs(finalists, [], GENOMES, 3, RUN_SEED), 1.5)
    assert list_final_jobs(finalists, made, GENOMES, 2, RUN_SEED) == []
