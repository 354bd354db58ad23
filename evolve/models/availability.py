"""Whether language models can be asked now, and whether anybody should wait for them."""

from __future__ import annotations

import random
from collections.abc import Callable

from evolve.models.cost_budget import CostBudget
from evolve.models.rate_limits import compute_backoff


class Availability:
    """Decides whether a language model may be asked, and when the run's time is over.

    Models that failed are asked again one request at a time, after pauses that grow: the half-open
    state of a circuit breaker.

    Args:
        has_models: Whether any model is configured.
        budget: Budget of the run.
        deadline: Time after which no child is started any more, by `clock`; None is never.
        clock: Function that gives the time in seconds.
        why_unresponsive: Function that says why nobody should wait for the models any longer; empty
            while waiting may help.
        jitter: Function that draws a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        has_models: bool,
        budget: CostBudget,
        deadline: float | None,
        clock: Callable[[], float],
        why_unresponsive: Callable[[], str] = lambda: "",
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._has_models, self._budget = has_models, budget
        self._deadline, self._clock = deadline, clock
        self._why_unresponsive, self._jitter = why_unresponsive, jitter
        self._failures = 0
        self._rests_until = clock()

    @property
    def out_of_time(self) -> bool:
        """Whether the hours of the run are over."""
        return self._deadline is not None and self._clock() >= self._deadline

    @property
    def unresponsive(self) -> bool:
        """Whether nobody should wait for the models any longer."""
        return bool(self._why_unresponsive())

    @property
    def may_recover(self) -> bool:
        """Whether models that do not answer now may answer later."""
        troubled = bool(self._failures or self.unresponsive)
        return self._has_models and not self._budget.exhausted and troubled

    def why_offline(self) -> str:
        """Say why the offline operators work alone; empty if the models are asked."""
        if not self._has_models:
            return "no model is configured"
        return self._budget.describe() if self._budget.exhausted else self._why_unresponsive()

    def may_ask(self, in_flight: int) -> bool:
        """Whether a request may be begun.

        Args:
            in_flight: Number of requests that wait for an answer.
        """
        if not self._has_models or self._budget.exhausted:
            return False
        if self._failures or self.unresponsive:
            return not in_flight and self._clock() >= self._rests_until
        return True

    def record_outcome(self, *, unreachable: bool) -> None:
        """Record how a request ended: whether no model could be reached."""
        self._failures = self._failures + 1 if unreachable else 0
        if unreachable:
            self._rests_until = self._clock() + compute_backoff(self._failures, self._jitter)
