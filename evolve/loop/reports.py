"""What a run reports while it goes on, and to whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archive.record import Record
from archive.rows import Experiment, Spend
from evolve.loop.evaluators import Running
from evolve.loop.forecast import TimeSpan
from population import Individual


@dataclass(frozen=True)
class Snapshot:
    """A moment of a run, for whoever shows it.

    Attributes:
        phase: What is being done, in a few words.
        finished: Number of children that have ended.
        total: Number of children that the run is to finish.
        children: Number of children in a generation.
        slots: Number of devices.
        left: Time that the run is likely to take yet; None if that is not known.
        running: Jobs that run now.
        proposing: Number of proposals under way.
        limit: Seconds that a child may take at most.
        spend: What the language models took so far.
        idle: What of a cluster does not work, and why, a line each.
    """

    phase: str
    finished: int
    total: int
    children: int
    slots: int
    left: TimeSpan | None
    running: list[Running]
    proposing: int
    limit: float
    spend: Spend
    idle: Sequence[str] = ()


@dataclass(frozen=True)
class Reports:
    """The functions that are informed of a run's progress.

    Attributes:
        watch: Receives a snapshot at least every half second.
        experiment: Receives every experiment that has ended, with its individual.
        best: Receives every individual that is the best so far, once that is confirmed.
        generation: Receives the number of every generation that has ended, and its children.
        say: Receives what a user should know, a line at a time.
    """

    watch: Callable[[Snapshot], None]
    experiment: Callable[[Individual, Experiment], None]
    best: Callable[[Individual], None]
    generation: Callable[[int, list[Individual]], None]
    say: Callable[[str], None]

    def event(self, record: Record, kind: str, text: str) -> None:
        """Record an event and tell the user of it.

        Args:
            record: The run's record.
            kind: Kind of the event, such as "device".
            text: The event in one line.
        """
        record.add_event(time.time(), kind, text)
        self.say(text)
