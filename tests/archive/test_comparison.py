"""The fresh comparison: who is compared, and what the fresh runs say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from archive.comparison import (
    Finalists,
    FreshComparison,
    choose_finalists,
    compare_finalists,
    describe_confirmation,
    read_comparison,
)
from archive.record import Record
from archive.rows import Experiment, Purpose
from population import Direction, Individual, Measurement, Status
from population.estimate import Deviation

SEED, BEST = 0, 7


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
    result = read_comparison(again, Direction.MINIMIZE)
    again.close()
    assert result is not None
    assert (result.seed, result.best, result.gain) == (SEED, BEST, 1.0)


def test_a_search_that_went_on_has_finals_of_its_own(record: Record) -> None:
    choose_finalists(record, one(SEED), one(BEST))
    record.add_measurement(BEST, run(1.0), Purpose.FINAL, False)
    record.add_measurement(8, run(0.5), Purpose.SEARCH, True)
    assert choose_finalists(record, one(SEED), one(8)) == Finalists(SEED, 8, after=5)


def test_a_run_without_finals_has_no_comparison(record: Record) -> None:
    assert read_comparison(record, Direction.MINIMIZE) is None


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
def test_without_a_score_of_both_there_is_no_comparison(
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
    assert result == FreshComparison(SEED, BEST, 2.0, 1.0, 1.0, low=None, high=None, runs=(1, 1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("best", [1.0, 2.0])
def test_scores_that_do_not_vary_have_an_interval_of_no_width(best: float) -> None:
    """A deterministic task gives them, and the user should see no warning of it."""
    experiments = fresh([2.0] * 3, [best] * 3)
    result = compare_finalists(Finalists(SEED, BEST, after=0), experiments, Direction.MINIMIZE)
    assert result is not None
    assert (result.gain, result.low, result.high) == (2.0 - best,) * 3
    assert "nan" not in result.text("loss")


def test_what_the_search_knows_of_the_noise_serves_single_runs_alone(record: Record) -> None:
    known = Deviation(squares=0.04, freedom=4.0)
    choose_finalists(record, one(SEED), one(BEST), known)
    for who, fitness in ((SEED, 2.0), (BEST, 1.5)):
        record.add_measurement(who, run(fitness), Purpose.FINAL, False)
    single = read_comparison(record, Direction.MINIMIZE)
    assert single is not None
    assert single.low is not None
    assert single.low < single.gain == pytest.approx(0.5)
    assert single.deviation == pytest.approx(0.1)
    for who, fitness in ((BEST, 1.5), (SEED, 2.0)):
        record.add_measurement(who, run(fitness), Purpose.FINAL, False)
    both = read_comparison(record, Direction.MINIMIZE)
    assert both is not None
    assert (both.low, both.high) == (both.gain, both.gain)


def test_an_exact_score_is_compared_by_one_run_of_each(record: Record) -> None:
    choose_finalists(record, one(SEED), one(BEST), Deviation(0.0, math.inf))
    for who, fitness in ((SEED, 2.0), (BEST, 1.5)):
        record.add_measurement(who, run(fitness), Purpose.FINAL, False)
    result = read_comparison(record, Direction.MINIMIZE)
    assert result is not None
    assert (result.gain, result.low, result.high) == (0.5, 0.5, 0.5)


# -- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (
            FreshComparison(SEED, BEST, 2.0, 1.5, 0.5, 0.25, 0.75, (3, 4)),
            "loss 1.500 (#7) against 2.000 (the seed) in 4 and 3 fresh runs: 0.5 better "
            "(95 % interval +0.25 to +0.75)",
        ),
        (
            FreshComparison(SEED, BEST, 2.0, 1.5, 0.5, -0.25, 1.25, (2, 2)),
            "loss 1.500 (#7) against 2.000 (the seed) in 2 and 2 fresh runs: 0.5 better "
            "(95 % interval -0.25 to +1.25); this may be noise",
        ),
        (
            FreshComparison(SEED, BEST, 1.5, 2.0, -0.5, None, None, (1, 1)),
            "loss 2.000 (#7) against 1.500 (the seed) in 1 and 1 fresh runs: 0.5 worse",
        ),
    ],
)
def test_the_comparison_is_one_sentence(result: FreshComparison, text: str) -> None:
    assert result.text("loss") == text


def test_a_view_says_what_is_confirmed_and_of_whom() -> None:
    result = FreshComparison(SEED, BEST, 2.0, 1.5, 0.5, 0.25, 0.75, (3, 4), deviation=0.02)
    words = "fresh runs: loss 1.500 (#7), the seed 2.000: 0.5 better (95 % interval +0.25 to +0.75)"
    assert describe_confirmation(None, "loss", 3) == "not confirmed yet"
    assert describe_confirmation(result, "loss", 7) == words
    assert describe_confirmation(result, "loss", 9) == f"{words}; #9 is not confirmed yet"
