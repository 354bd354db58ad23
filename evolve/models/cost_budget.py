"""The budget of a run for its language models, in dollars."""

from __future__ import annotations

import threading

from evolve.models.errors import BudgetSpentError
from population.formatting import format_dollars


class CostBudget:
    """The dollars of a run. The expected cost of a request in flight counts as spent.

    Its methods may be called from several threads.

    Args:
        limit: Most dollars that the models may cost in all; None is no limit.
        spent: Dollars that the run has spent until now.

    Attributes:
        exhausted: Whether a request was too expensive for every model; no other is tried then.
    """

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self._limit, self._spent, self._reserved = limit, spent, 0.0
        self._lock = threading.Lock()
        self.exhausted = False

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._limit is not None

    def reserve(self, expected: float) -> bool:
        """Reserve the expected cost of a request, in dollars.

        Returns:
            Whether it was reserved; False if it must wait for requests in flight to be settled.

        Raises:
            BudgetSpentError: There is too little money left, whatever those in flight will cost.
        """
        with self._lock:
            limit = self._limit
            if limit is None:
                return True
            if self._spent < limit and self._spent + self._reserved + expected <= limit:
                self._reserved += expected
                return True
            if self._spent >= limit or self._spent + expected > limit:
                raise BudgetSpentError(self.describe())
            return False

    def settle(self, expected: float, cost: float) -> None:
        """Replace the reserved cost of a request by what it has cost, in dollars."""
        with self._lock:
            if self._limit is not None:
                self._reserved -= expected
            self._spent += cost

    def describe(self) -> str:
        """Say what was spent, for the user."""
        spent, limit = format_dollars(self._spent), format_dollars(self._limit or 0)
        return f"the models took {spent} of the {limit} allowed"
