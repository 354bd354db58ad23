"""The limits of a refereed run, in one place; docs/protocol.md explains them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WARMUP_SHARE, WARMUP_LEAST, WARMUP_MOST = 0.4, 2.0, 120.0  # of the budget; seconds
GRACE_SHARE, GRACE_LEAST = 0.02, 2.0  # of the budget; seconds
WARMUP_ROWS = 64  # of training text that a child sees again and again before its clock starts
MAX_BATCH = 4096  # rows that a genome may ask to be evaluated at once
LEAST_BATCHES = 16  # of scored rows; a genome that asks for larger ones gets smaller ones
SLOW = 3.0  # times the median that an answer may take before the rest counts as training
BLUR = 0.025  # seconds that it may take in any case: processor time is counted in hundredths
UNHURRIED = 1.5  # times as long as training on their tokens that answers may take, likewise


@dataclass(frozen=True)
class Wait:
    """The wait for an answer to a batch.

    Attributes:
        seconds: Its time.
        whole: Whether it was asked about all of its positions, as scored rows are; audits ask about
            few, which takes less.
    """

    seconds: float
    whole: bool


@dataclass(frozen=True)
class Rules:
    """Seconds that each part of a run may take.

    Attributes:
        budget: Time of training.
        setup: Time from the start of the process to its first word to the referee.
        evaluation: Time from the first row to the last answer.
    """

    budget: float
    setup: float
    evaluation: float

    @property
    def warmup(self) -> float:
        """From the first word to the start of the clock, which starts then in any case."""
        return min(max(WARMUP_SHARE * self.budget, WARMUP_LEAST), WARMUP_MOST)

    @property
    def grace(self) -> float:
        """Seconds from the end of the budget to the call of evaluate_bpb."""
        return max(GRACE_SHARE * self.budget, GRACE_LEAST)

    @property
    def answer(self) -> float:
        """Seconds for an answer to a batch of rows: those of the warm-up, since one may compile."""
        return self.warmup

    def count_as_training(self, waits: Sequence[Wait], trained: float) -> float:
        """Seconds of an evaluation that could have been used to train on.

        The first batch, which is not scored, is free. Of each other one counts what is much longer
        than usual for its kind, or of all together, if that is more, what is longer than training
        on as many tokens took.

        Args:
            waits: The wait for each batch, in their order.
            trained: Seconds that training took for as many tokens as these batches have after the
                first; infinite where nobody knows.
        """
        rest = waits[1:]
        kinds = [[wait.seconds for wait in rest if wait.whole is whole] for whole in (True, False)]
        slow = math.fsum(
            max(seconds - max(SLOW * statistics.median(kind), BLUR), 0.0)
            for kind in kinds
            for seconds in kind
        )
        total = math.fsum(wait.seconds for wait in rest)
        return max(slow, total - UNHURRIED * trained, 0.0)
