"""A machine that has changed: it is said, recorded, and the reference is measured again."""

from __future__ import annotations

import dataclasses
from itertools import count
from typing import Any

import numpy as np
import pytest

from evolve.loop.drift import CROWDED, SETTLED, DriftWatch, compare_with_earlier, find_crowding
from population import Direction, Individual, Measurement, Status
from trainer.task import Task

SEED = """\
import os, random
from given import GOAL
WIDTH = 32
random.seed(int(os.environ["TRAINER_SEED"]))
print("---")
print("score:", 2 + GOAL + 8 / WIDTH + random.gauss(0, 0.002))
print("size:", WIDTH)
print("work:", 100 + random.gauss(0, 1))
print("seconds:", 1.0)
"""
ONE = Individual(3, "", (0,), "tweak", "", 1, Direction.MINIMIZE)


@pytest.fixture
def task(make_place: Any) -> Task:
    found: Task = make_place().task
    return found


def run_once(score: float, speed: float = 100.0, **details: float) -> Measurement:
    measures = {"size": 32.0, "speed": speed}  # the axes of the toy
    return Measurement(Status.OK, score, measures, 1.0, details=details)


def test_a_speed_that_halves_is_noticed_and_noise_is_not(task: Task) -> None:
    earlier = [run_once(2.0, speed) for speed in (98, 103, 101)]
    assert compare_with_earlier(ONE, earlier, run_once(2.0, 108), task) == []
    (text,) = compare_with_earlier(ONE, earlier, run_once(2.0, 48), task)
    assert text.startswith("#3 again is not as it was before: ")
    assert "pace 48 units/s instead of 101 units/s" in text
    assert compare_with_earlier(ONE, earlier[:1], run_once(2.0, 48), task) == [], "too few"
    scattered = [run_once(2.0, speed) for speed in (60, 150, 101)]
    assert compare_with_earlier(ONE, scattered, run_once(2.0, 48), task) == []


def test_a_score_that_moves_is_noticed(task: Task) -> None:
    earlier = [run_once(score) for score in (2.0, 2.01, 1.99, 2.005)]
    (text,) = compare_with_earlier(ONE, earlier, run_once(2.5), task)
    assert "score 2.5" in text
    assert compare_with_earlier(ONE, earlier, run_once(2.02), task) == []
    failed = dataclasses.replace(run_once(2.0), status=Status.CRASH, fitness=None)
    assert compare_with_earlier(ONE, earlier, failed, task) == []


def test_a_score_without_noise_may_not_move_at_all(task: Task) -> None:
    earlier = [run_once(0.1 + 0.2)] * 3
    assert compare_with_earlier(ONE, earlier, run_once(0.3), task) == [], "it is rounded otherwise"
    assert len(compare_with_earlier(ONE, earlier, run_once(0.301), task)) == 1


def test_of_steady_scores_few_are_taken_for_moved_ones(task: Task) -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        *earlier, latest = (run_once(float(score)) for score in rng.normal(2, 0.01, 5))
        alarms += bool(compare_with_earlier(ONE, earlier, latest, task))
    assert alarms <= 8  # two are expected


def test_a_child_that_waits_for_its_processor_is_noticed() -> None:
    busy = run_once(2.0, training_seconds=5.0, training_wall_seconds=5.0 * CROWDED + 1)
    (text,) = find_crowding(busy)
    assert "got 5.0 s of it in 8.5 s" in text
    (text,) = find_crowding(run_once(2.0, training_seconds=5.0, training_wall_seconds=20.0))
    assert "less than a quarter of it for 20 s" in text
    assert find_crowding(run_once(2.0, training_seconds=5.0, training_wall_seconds=5.1)) == []
    assert find_crowding(run_once(2.0)) == []


def test_a_trouble_is_said_once_until_it_is_over(task: Task) -> None:
    now, load = [0.0], [9.0]
    watch = DriftWatch(task, read_load=lambda: (load[0], 2), clock=lambda: now[0])

    def notice() -> list[str]:
        return watch.notice(ONE, [], run_once(2.0))

    assert notice() == [], "the load of the minute before the run says nothing"
    now[0] = SETTLED
    assert notice() == [
        "the load is 9.0 on 2 cores: what is measured now may be slower than before"
    ]
    assert notice() == []
    load[0] = 2.0
    assert notice() == []
    load[0] = 9.0
    assert len(notice()) == 1


def test_the_reference_is_not_measured_again_at_once(task: Task) -> None:
    watch = DriftWatch(task, read_load=lambda: (0.0, 2))
    asked = [finished for finished in range(40) if watch.asks_for_reference(finished)]
    assert asked == [0, 10, 20, 30]


def test_a_run_measures_its_seed_again_when_the_machine_has_changed(
    steps: Any, make_place: Any
) -> None:
    """From the fourth run on other work has the processor."""
    stage, numbers = steps.Stage(make_place()), count(1)

    def measure(*given: Any, **more: Any) -> Measurement:
        result: Measurement = steps.run_here(*given, **more)
        slow = next(numbers) >= 4
        details = {"training_seconds": 1.0, "training_wall_seconds": 3.0 if slow else 1.0}
        measures = {**result.measures, "speed": result.measures["speed"] / (2 if slow else 1)}
        return dataclasses.replace(result, details=details, measures=measures)

    children = [SEED.replace("32", str(width)) for width in (31, 30, 29, 28)]
    stage.write(SEED, *children)
    output = stage.begin(measure=measure, children=4, seed_runs=3)
    events = stage.place.rows("a", "SELECT text FROM events WHERE kind = 'drift' ORDER BY time")
    assert len(events) == 2
    assert "other work has the processor" in events[0][0]
    assert events[1][0].startswith("#0 again is not as it was before: pace")
    assert all(text in " ".join(output.split()) for (text,) in events)
    runs = stage.place.rows(
        "a", "SELECT purpose FROM measurements WHERE individual = 0 ORDER BY id"
    )
    assert runs == [("search",), ("search",), ("search",), ("repeat",)]
    assert stage.call("replay", "a").startswith("4 of 4")
