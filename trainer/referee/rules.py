"""The limits of a refereed run, in one place; docs/protocol.md explains them."""

from __future__ import annotations

from dataclasses import dataclass

WARMUP_SHARE, WARMUP_LEAST, WARMUP_MOST = 0.4, 2.0, 120.0  # of the budget; seconds
GRACE_SHARE, GRACE_LEAST = 0.02, 2.0  # of the budget; seconds
WARMUP_ROWS = 64  # of training text that a child sees again and again before its clock starts
MAX_BATCH = 4096  # rows that a genome may ask to be evaluated at once
MAX_PACE = 1e9  # tokens a second that any device could read
LEAST_BATCHES = 16  # of scored rows; a genome that asks for larger ones gets smaller ones


@dataclass(frozen=True)
class Rules:
    """Seconds that each part of a run may take.

    Attributes:
        budget: of training.
        setup: from the start of the process to its first word to the referee.
        evaluation: from the first row to the last answer.
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
        """From the end of the budget to the call of evaluate_bpb."""
        return max(GRACE_SHARE * self.budget, GRACE_LEAST)

    @property
    def answer(self) -> float:
        """To a batch of rows; the first may be compiled for, so it is as long as the warm-up."""
        return self.warmup
