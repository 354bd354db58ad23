"""The end of a run: who is compared, in which order, and what the fresh runs say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from archive.record import Record
from archive.rows import Experiment, Purpose
from evolve.loop.evaluators import Job
from evolve.loop.finals import (
    Finalists,
    Headline,
    choose_finalists,
    compare_finalists,
    list_final_jobs,
)
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


def fresh(seed: list[float | None], best: list[float | None]) -> list[Experiment]:
    runs = [(SEED, x, Purpose.FINAL) for x in seed] + [(BEST, x, Purpose.FINAL) for x in best]
    return numbered(*runs)


# -- who ------------------------------------------------------------------------------------------


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """A record of genomes 0 to 9 with three experiments of a search."""
    record = Record.create(tmp_path / "archive.db", {})
    for number in range(10):
        record.add_seed(one(number), f"d{number}")
    for number in range(3):
        record.add_measurement(number, run(2.0), Purpose.SEARCH, True)
    yield record
    record.close()


def test_the_finalists_are_the_reference_and_the_best_and_stay_so_when_interrupted(
    record: Record, tmp_path: Path
) -> None:
    finalists = choose_finalists(record, one(SEED), one(BEST))
    assert finalists == Finalists(SEED, BEST, after=3)
    record.add_measurement(SEED, run(2.0), Purpose.FINAL, False)
    record.add_measurement(BEST, run(1.0), Purpose.FINAL, False)
    record.close()
    again = Record.open(tmp_path / "archive.db")
    assert choose_finalists(again, one(SEED), one(BEST)) == finalists
    again.close()


def test_a_search_that_went_on_has_finals_of_its_own(record: Record) -> None:
    choose_finalists(record, one(SEED), one(BEST))
    record.add_measurement(BEST, run(1.0), Purpose.FINAL, False)
    record.add_measurement(8, run(0.5), Purpose.SEARCH, True)
    assert choose_finalists(record, one(SEED), one(8)) == Finalists(SEED, 8, after=5)


# -- in which order -------------------------------------------------------------------------------

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


# -- what the runs say ----------------------------------------------------------------------------

scores = st.lists(st.floats(-100, 100), min_size=2, max_size=6).filter(
    lambda values: max(values) - min(values) > 1e-3
)


@given(scores, scores, st.sampled_from(Direction))
def test_the_interval_is_welchs(seed: list[float], best: list[float], way: Direction) -> None:
    result = compare_finalists(Finalists(SEED, BEST, after=0), fresh([*seed], [*best]), way)
    assert result is not None
    means = [math.fsum(values) / len(values) for values in (seed, best)]
    errors = [
        math.fsum((x - mean) ** 2 for x in values) / (len(values) - 1) / len(values)
        for values, mean in zip((seed, best), means, strict=True)
    ]
    freedom = sum(errors) ** 2 / sum(
        error**2 / (len(values) - 1) for error, values in zip(errors, (seed, best), strict=True)
    )
    gain = means[0] - means[1] if way is Direction.MINIMIZE else means[1] - means[0]
    reach = float(stats.t.ppf(0.975, freedom)) * math.sqrt(sum(errors))
    assert result.runs == (len(seed), len(best))
    assert (result.seed_mean, result.best_mean) == pytest.approx(means, abs=1e-9)
    assert result.gain == pytest.approx(gain, abs=1e-9)
    assert result.low == pytest.approx(gain - reach, abs=1e-6)
    assert result.high == pytest.approx(gain + reach, abs=1e-6)


@pytest.mark.parametrize(
    ("seed", "best"), [([], []), ([2.0], []), ([], [1.0]), ([None, None], [1.0, 1.1])]
)
def test_without_a_score_of_both_there_is_no_headline(
    seed: list[float | None], best: list[float | None]
) -> None:
    finalists = Finalists(SEED, BEST, after=0)
    assert compare_finalists(finalists, fresh(seed, best), Direction.MINIMIZE) is None


def test_only_fresh_runs_of_this_end_that_scored_count() -> None:
    experiments = numbered(
        (SEED, 99.0, Purpose.FINAL),  # of an earlier end
        (BEST, 0.01, Purpose.SEARCH),
        (SEED, 2.0, Purpose.FINAL),
        (BEST, 1.0, Purpose.FINAL),
        (BEST, None, Purpose.FINAL),
        (BEST, 0.02, Purpose.SEARCH),
        (5, 0.03, Purpose.FINAL),
    )
    result = compare_finalists(Finalists(SEED, BEST, after=2), experiments, Direction.MINIMIZE)
    assert result == Headline(2.0, 1.0, 1.0, low=None, high=None, runs=(1, 1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("best", [1.0, 2.0])
def test_scores_that_do_not_vary_have_an_interval_of_no_width(best: float) -> None:
    """A deterministic task gives them, and the user should see no warning of it."""
    experiments = fresh([2.0] * 3, [best] * 3)
    result = compare_finalists(Finalists(SEED, BEST, after=0), experiments, Direction.MINIMIZE)
    assert result is not None
    assert (result.gain, result.low, result.high) == (2.0 - best,) * 3
    assert "nan" not in result.text("loss", BEST)


# -- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (
            Headline(2.0, 1.5, 0.5, 0.25, 0.75, (3, 4)),
            "loss 1.500 (#7) against 2.000 (the seed) in 4 and 3 fresh runs: 0.5 better "
            "(95 % interval +0.25 to +0.75)",
        ),
        (
            Headline(2.0, 1.5, 0.5, -0.25, 1.25, (2, 2)),
            "loss 1.500 (#7) against 2.000 (the seed) in 2 and 2 fresh runs: 0.5 better "
            "(95 % interval -0.25 to +1.25); this may be noise",
        ),
        (
            Headline(1.5, 2.0, -0.5, None, None, (1, 1)),
            "loss 2.000 (#7) against 1.500 (the seed) in 1 and 1 fresh runs: 0.5 worse",
        ),
    ],
)
def test_the_headline_is_one_sentence(result: Headline, text: str) -> None:
    assert result.text("loss", BEST) == text
