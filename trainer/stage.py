"""What a running child is at, for whoever watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """A stage of a child's run, in the order in which they come; the last two alternate."""

    START = "start"  # imports, and all that comes before its first word to the referee
    COMPILE = "compile"  # the warm-up: it builds, compiles and allocates before its clock starts
    TRAIN = "train"  # its budget runs
    EVALUATE = "evaluate"  # the scored rows
    AUDIT = "audit"  # further questions of the referee, which show whether the model is honest
    RUN = "run"  # the whole of a run that no referee accompanies


EnterStage = Callable[[Stage], None]


def ignore(stage: Stage) -> None:
    """Take no notice."""


class Progress:
    """The stage that a child is at. One thread writes it, others may read it.

    Args:
        stage: First stage.
        clock: Clock in seconds, rising.
    """

    def __init__(self, stage: Stage, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entered = stage, clock()  # one value, so that it is read as it was written

    def enter(self, stage: Stage) -> None:
        """Note that a stage begins, unless it goes on already."""
        if stage is not self._entered[0]:
            self._entered = stage, self._clock()

    def read(self) -> tuple[Stage, float]:
        """The stage, and the seconds for which it has lasted."""
        stage, since = self._entered
        return stage, self._clock() - since
