"""The limits of a refereed run, in one place; docs/protocol.md explains them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ANSWER_SHARE, ANSWER_LEAST, ANSWER_MOST = 0.4, 2.0, 120.0  # of the budget; seconds
GRACE_SHARE, GRACE_LEAST = 0.02, 2.0  # of the budget; seconds
# The same by processor time: little is enough, since other work does not lengthen it.
EXACT_WARMUP_SHARE, EXACT_GRACE_SHARE, EXACT_LEAST = 0.1, 0.05, 0.25
START_TIMES = 2.25  # the usual start that imports may take: torch.optim needs as much as torch
WARMUP_ROWS = 64  # of training text that a child sees again and again before its clock starts
MAX_BATCH = 4096  # rows that a genome may ask to be evaluated at once
LEAST_BATCHES = 16  # of scored rows; a genome that asks for larger ones gets smaller ones
SLOW = 3.0  # times the median that an answer may take before the rest counts as training
BLUR = 0.025  # seconds that it may take in any case: processor time is counted in hundredths
UNHURRIED = 1.5  # times as long as training on their tokens that answers may take, likewise
LEAST_TRAINED = 1.0  # times the scored tokens that training is taken to have seen, at least


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
        exact: Whether these are seconds of processor time.
    """

    budget: float
    setup: float
    evaluation: float
    exact: bool = False

    @property
    def warmup(self) -> float:
        """From the first word to the start of the clock, which starts then in any case."""
        if self.exact:
            return min(max(EXACT_WARMUP_SHARE * self.budget, EXACT_LEAST), ANSWER_MOST)
        return self.answer

    def describe_warmup(self) -> str:
        """What comes before training and does not count, in words."""
        return f"{self.warmup:g} s of warm-up" + (" and its imports" if self.exact else "")

    @property
    def grace(self) -> float:
        """Seconds from the end of the budget to the call of evaluate_bpb."""
        least = GRACE_LEAST
        if self.exact:  # enough for the step in which the budget ends
            least = min(max(EXACT_GRACE_SHARE * self.budget, EXACT_LEAST), GRACE_LEAST)
        return max(GRACE_SHARE * self.budget, least)

    @property
    def answer(self) -> float:
        """Seconds for an answer to a batch of rows; the first one may compile meanwhile."""
        return min(max(ANSWER_SHARE * self.budget, ANSWER_LEAST), ANSWER_MOST)

    def count_as_warmup(self, start: float, measure_start: Callable[[], float]) -> float:
        """Seconds of a start that count as warm-up, below 0 for what it has left over.

        By processor time start and warm-up share what imports need, since some are done late, as by
        the first optimizer. By wall-clock a start is free: nobody knows how slow a disk is.

        Args:
            start: Seconds that the child worked before its first word.
            measure_start: Function that measures the seconds that a start takes here; infinite
                where nobody knows, so that it is free, too.
        """
        usual = measure_start() if self.exact else math.inf
        return start - START_TIMES * usual if math.isfinite(usual) else 0.0

    def count_as_training(
        self, waits: Sequence[Wait], trained: float, worked: float = 0.0
    ) -> float:
        """Seconds of an evaluation that could have been used to train on.

        The first batch, which is not scored, may take as long as the warm-up. Of each other one
        counts what is much longer than usual for its kind, or of all together, if that is more,
        what is longer than training on as many tokens took.

        Args:
            waits: The wait for each batch, in their order.
            trained: Seconds that training took for as many tokens as these batches have after the
                first.
            worked: Seconds that the child worked in all from the first batch to the last, while the
                referee did, too; 0 where nobody knows.
        """
        first, rest = waits[:1], waits[1:]
        kinds = [[wait.seconds for wait in rest if wait.whole is whole] for whole in (True, False)]
        usual = [max(SLOW * statistics.median(kind), BLUR) if kind else BLUR for kind in kinds]
        slow = math.fsum(
            max(seconds - most, 0.0)
            for kind, most in zip(kinds, usual, strict=True)
            for seconds in kind
        )
        waited = math.fsum(wait.seconds for wait in rest)
        total = max(waited, worked - math.fsum(wait.seconds for wait in first))
        late = math.fsum(max(wait.seconds - max(self.warmup, *usual), 0.0) for wait in first)
        return late + max(slow, total - UNHURRIED * trained, 0.0)
