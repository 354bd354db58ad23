from pathlib import Path

import pytest

from evolve.loop.evaluators import Usage
from evolve.loop.forecast import TimeSpan, forecast, guess_turn, observe_turn
from evolve.settings import Settings
from population import Direction, Individual, Measurement, Status
from trainer.task import load_task

ROOT = Path(__file__).parents[3]


def individual(number: int, *seconds: float) -> Individual:
    runs = tuple(Measurement(Status.OK, 1.0, {}, each, ended=float(number)) for each in seconds)
    return Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE, runs)


def test_before_anything_ran_start_up_and_evaluation_are_counted() -> None:
    task = load_task(ROOT)
    turn = guess_turn(task, Settings(budget=5.0))
    assert turn.low > 5.0
    assert turn.high > 2 * turn.low
    assert turn.high <= 5.0 + task.overhead


def test_what_ran_corrects_it() -> None:
    assert observe_turn([individual(0)]) is None
    once = observe_turn([individual(0, 8.0)])
    often = observe_turn([individual(number, 8.0) for number in range(20)])
    assert once is not None
    assert often is not None
    assert once.low == often.low == 8.0
    assert once.high > often.high > 8.0, "one run says less than many"


def test_the_latest_runs_count() -> None:
    slower = [individual(number, 5.0 if number < 50 else 15.0) for number in range(80)]
    turn = observe_turn(slower)
    assert turn is not None
    assert turn.low == 15.0


@pytest.mark.parametrize(("runs", "low", "high"), [(10, 40, 60), (1, 4, 12), (0, 0, 0)])
def test_devices_share_the_runs(runs: int, low: float, high: float) -> None:
    assert forecast(TimeSpan(8, 12), runs, 0, slots=2) == TimeSpan(low, high)


def test_idle_devices_and_repeats_raise_the_upper_bound_alone() -> None:
    turn = TimeSpan(8, 12)
    plain = forecast(turn, 10, 0, slots=2)
    assert forecast(turn, 10, 2, slots=2) == TimeSpan(plain.low, plain.high + 12)
    usage = Usage(jobs=10, busy_seconds=50, slot_seconds=100)
    assert forecast(turn, 10, 0, slots=2, usage=usage) == TimeSpan(plain.low, 2 * plain.high)


def test_what_has_run_already_is_not_counted_again() -> None:
    assert forecast(TimeSpan(8, 12), 2, 0, slots=2, elapsed=10) == TimeSpan(3, 12)
    assert forecast(TimeSpan(8, 12), 2, 0, slots=2, elapsed=100).low == 0
