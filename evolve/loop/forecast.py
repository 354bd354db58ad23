"""How long a run is likely to take yet: a range, corrected by every run of a genome that ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evolve.loop.evaluators import Usage
from evolve.settings import Settings
from population import Individual
from population.formatting import format_span
from trainer.task import Task

RECENT = 20  # of the latest runs, which show how long the next ones take
DOUBT = 0.5  # by which the upper bound is raised after a single run, and less after more
LEAST_BUSY = 0.2  # share of the time in which devices work, at least: fewer is no pattern
# What a run takes before any was made, as a factor of the budget and seconds for start-up and
# evaluation besides: on a quick machine, and on a slow or a busy one.
QUICK = 1.05, 2.0
SLOW = 1.5, 45.0


@dataclass(frozen=True)
class TimeSpan:
    """A time that is known within bounds.

    Attributes:
        low: Least number of seconds.
        high: Largest number of seconds.
    """

    low: float
    high: float

    def __str__(self) -> str:
        return format_span(self.low, self.high)


def guess_turn(task: Task, settings: Settings) -> TimeSpan:
    """How long a run of a genome may take, its start-up and evaluation included, before any did.

    Args:
        task: The task. What a scoring script does need not use up its budget.
        settings: The run's settings.
    """
    longest = settings.budget + task.overhead
    low, high = (factor * settings.budget + seconds for factor, seconds in (QUICK, SLOW))
    return TimeSpan(0.0 if task.score else min(low, longest), min(high, longest))


def observe_turn(individuals: Iterable[Individual]) -> TimeSpan | None:
    """How long the latest runs of genomes took: about their quartiles; None if there was none.

    Args:
        individuals: The run's individuals with their measurements.
    """
    made = [m for individual in individuals for m in individual.measurements]
    latest = sorted(made, key=lambda measurement: measurement.ended)[-RECENT:]
    if not latest:
        return None
    low, high = np.quantile([measurement.seconds for measurement in latest], (0.25, 0.75))
    return TimeSpan(float(low), float(high) * (1 + DOUBT / math.sqrt(len(latest))))


def forecast(
    turn: TimeSpan,
    runs: int,
    repeats: int,
    slots: int,
    *,
    usage: Usage | None = None,
    elapsed: float = 0.0,
) -> TimeSpan:
    """How long a number of runs will take.

    Args:
        turn: Time that each of them takes.
        runs: Number of runs that will be made, those that go on included.
        repeats: Number of runs that may be made besides.
        slots: Number of devices.
        usage: How much the devices worked until now; None if they did not yet.
        elapsed: Seconds for which the runs that go on have lasted, all together.
    """
    busy = usage.busy_seconds / usage.slot_seconds if usage and usage.jobs >= slots else 1.0
    idle = 1 / max(min(busy, 1.0), LEAST_BUSY)
    turns = -(-(runs + repeats) // max(slots, 1))  # the last ones start when others still run
    high = turn.high * turns * idle
    return TimeSpan(min(max(turn.low * runs - elapsed, 0.0) / max(slots, 1), high), high)
