"""What a run reports while it goes on, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archive.rows import Experiment, Spend
from evolve.loop.device_pool import Running
from population import Individual


@dataclass(frozen=True)
class Progress:
    """A moment of the run, for whoever shows it.

    Attributes:
        phase: what is being done, in a few words.
        finished: children that have ended.
        total: children that the run is to finish.
        running: what runs now.
        proposing: proposals in the making.
        limit: seconds that a child may take at most.
        spend: on language models.
    """

    phase: str
    finished: int
    total: int
    running: list[Running]
    proposing: int
    limit: float
    spend: Spend


@dataclass(frozen=True)
class Reports:
    """Who is told what.

    Attributes:
        watch: the state, at least every half second.
        experiment: every experiment that has ended, with its individual.
        best: every individual that is the best so far, once that is believed.
        generation: the number of every generation that has ended, and its children.
        say: what a user should know, a line at a time.
    """

    watch: Callable[[Progress], None]
    experiment: Callable[[Individual, Experiment], None]
    best: Callable[[Individual], None]
    generation: Callable[[int, list[Individual]], None]
    say: Callable[[str], None]
