"""The limits of a refereed run, in one place; docs/protocol.md explains them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WARMUP_SHARE, WARMUP_LEAST, WARMUP_MOST = 0.4, 2.0, 120.0  # of the budget; seconds
GRACE_SHARE, GRACE_LEAST = 0.02, 2.0  # of the budget; seconds
WARMUP_ROWS = 64  # of training text that a child sees again and again before its clock starts
MAX_BATCH = 4096  # rows that a genome may ask to be evaluated at once
LEAST_BATCHES = 16  # of scored rows; a genome that asks for larger ones gets smaller ones
SLOW = 3.0  # times the median that an answer may take before the rest counts as training
UNHURRIED = 1.5  # times as long as training on their tokens that answers may take, likewise


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

    def count_as_training(self, waits: list[float], trained: float) -> float:
        """Seconds of an evaluation that could have been used to train on.

        The first batch, which is not scored, is free. Of each other one counts what is much longer
        than usual, or of all together, if that is more, what is longer than training on as many
        tokens took.

        Args:
            waits: Seconds that each batch took.
            trained: Seconds that training took for as many tokens as these batches have after the
                first; infinite where nobody knows.
        """
        rest = np.array(waits[1:])
        if not len(rest):
            return 0.0
        slow = np.maximum(rest - SLOW * np.median(rest), 0).sum()
        return float(max(slow, rest.sum() - UNHURRIED * trained, 0.0))
