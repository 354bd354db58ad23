"""A watch for a machine that has changed: its results no longer compare with those before.

It looks at what a repeat shows: the same genome again should score and run as it did before. Where
it does not, or where other work keeps the processor busy, the reference is measured again, so that
what comes later is compared with it as it is now.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

from population import Individual, Measurement
from population.estimate import Estimate
from population.formatting import choose_format, format_number
from trainer.clock import SLOWEST
from trainer.task import Task

EVENT = "drift"  # kind of the events in the record
SPEED = 1.25  # a measure has moved if it is this many times as large or as small as before ...
SPREAD = 4.0  # ... and is off by this many deviations of the runs before
LEAST = 3  # runs of a genome before its score can be said to have moved
CHANCE = 1e-3  # of a false alarm by a score, at each repeat, if its noise is normal
CROWDED = 1.5  # seconds of wall-clock for a second of work, or load for a core, that are too many
FULL = 0.98  # of the longest time that a budget can take, which is hardly ever hit to the point
SETTLED = 90.0  # seconds of a run before the load of a minute says something of it
PAUSE = 10  # children, at least, between two times that the reference is measured again


def compare_with_earlier(
    individual: Individual, earlier: Sequence[Measurement], latest: Measurement, task: Task
) -> list[str]:
    """What a repeat shows that the same genome's earlier runs did not, in sentences.

    Args:
        individual: Individual that was measured.
        earlier: Its earlier runs that have a score.
        latest: The repeat.
        task: The task, which names the metric and the axes.
    """
    if latest.fitness is None:
        return []
    found = []
    scores = [m.fitness for m in earlier if m.fitness is not None]
    if _has_score_moved(scores, latest.fitness):
        write = choose_format([*scores, latest.fitness])
        before, now = write(statistics.fmean(scores)), write(latest.fitness)
        found.append(f"{task.metric} {now} instead of {before}")
    for axis in task.axes:
        values = [m.measures[axis.name] for m in earlier if axis.name in m.measures]
        value = latest.measures.get(axis.name)
        if value is not None and values and _has_measure_moved(values, value):
            usual = format_number(statistics.median(values), axis.unit)
            found.append(f"{axis.label} {format_number(value, axis.unit)} instead of {usual}")
    return [f"#{individual.id} again is not as it was before: {one}" for one in found]


def _has_score_moved(before: Sequence[float], now: float) -> bool:
    """Whether a score lies outside of the interval that the ones before predict."""
    if len(before) < LEAST:
        return False
    mean, count = statistics.fmean(before), len(before)
    spread = statistics.variance(before) * (1 + 1 / count)
    expected = Estimate(mean, spread, count - 1.0).margin(1 - CHANCE)
    least = 1e-9 * max(map(abs, before))  # of a score without noise: rounding
    return abs(now - mean) > max(expected, least)


def _has_measure_moved(before: Sequence[float], now: float) -> bool:
    """Whether a measure is far from what it was, by ratio and by its own spread."""
    usual = statistics.median(before)
    if min(usual, now) <= 0 or len(before) < 2:
        return False
    spread = statistics.stdev(before)
    ratio = max(now / usual, usual / now)
    return ratio > SPEED and abs(now - usual) > SPREAD * spread


def find_crowding(measurement: Measurement) -> list[str]:
    """Say so if a child that counts processor time had to wait for its processor."""
    used = measurement.details.get("training_seconds", 0.0)
    passed = measurement.details.get("training_wall_seconds", 0.0)
    if not used or passed < CROWDED * used:
        return []
    if passed > FULL * SLOWEST * used:
        return [
            f"other work has the processor: a child had less than a quarter of it for {passed:.0f} "
            "s and ended its training early, so its score is worse than it should be"
        ]
    return [
        f"other work has the processor: a child got {used:.1f} s of it in {passed:.1f} s; the "
        "budget counts the former, but the run takes longer"
    ]


def read_load() -> tuple[float, int]:
    """The load of this machine over the last minute, and the number of its cores."""
    return os.getloadavg()[0], os.cpu_count() or 1


class DriftWatch:
    """Looks at every measurement of a run for a machine that has changed.

    Args:
        task: The run's task.
        read_load: Function that gives the load and the number of cores.
        clock: Clock in seconds, rising.
    """

    def __init__(
        self,
        task: Task,
        *,
        read_load: Callable[[], tuple[float, int]] = read_load,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task, self._read_load, self._clock = task, read_load, clock
        self._begun = clock()
        self._crowded = False
        self._measured_at = -PAUSE  # number of children when the reference was measured again

    def notice(
        self, individual: Individual, earlier: Sequence[Measurement], latest: Measurement
    ) -> list[str]:
        """What a measurement shows of the machine, in sentences; each trouble is said once.

        Args:
            individual: Individual that was measured.
            earlier: Its earlier runs that have a score.
            latest: The measurement.
        """
        crowding = find_crowding(latest) or self._find_load()
        shifts = compare_with_earlier(individual, earlier, latest, self._task)
        new = [] if self._crowded else crowding
        self._crowded = bool(crowding)
        return [*new, *shifts]

    def asks_for_reference(self, finished: int) -> bool:
        """Whether the reference should be measured again, because of what was noticed now.

        Args:
            finished: Number of children that have ended.
        """
        if finished - self._measured_at < PAUSE:
            return False
        self._measured_at = finished
        return True

    def _find_load(self) -> list[str]:
        load, cores = self._read_load()
        if self._clock() - self._begun < SETTLED or load < CROWDED * cores:
            return []
        return [
            f"the load is {load:.1f} on {cores} cores: what is measured now may be slower than "
            "before"
        ]
