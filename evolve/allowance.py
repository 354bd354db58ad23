"""What a run may spend: hours, dollars, and patience with models that do not answer."""

from __future__ import annotations

from collections.abc import Callable

from archive.rows import Spend

FAILURES = 3  # requests in a row without an answer, after which the models get a rest
REST = 20  # proposals that the offline operators make then, before the models are asked again


class Allowance:
    """Decides whether a language model may be asked, and when the time is over.

    Args:
        has_models: whether any model is configured.
        max_cost: dollars that the models may take in all; None is no limit.
        deadline: when no child is started any more, by `clock`; None is never.
        clock: seconds.
        guess: dollars that a request is taken to cost until one has come back.
    """

    def __init__(
        self,
        *,
        has_models: bool,
        max_cost: float | None,
        deadline: float | None,
        clock: Callable[[], float],
        guess: float = 0.0,
    ) -> None:
        self._has_models, self._max_cost = has_models, max_cost
        self._deadline, self._clock = deadline, clock
        self._failures = 0
        self._rest_until = 0
        self._guess, self._dearest = guess, 0.0

    @property
    def out_of_time(self) -> bool:
        """Whether the hours are over."""
        return self._deadline is not None and self._clock() >= self._deadline

    def why_offline(self, proposal: int, spend: Spend, in_flight: int) -> str:
        """Why proposal number `proposal` shall not ask a model; empty if it may.

        A request in flight counts as the dearest one so far.

        Args:
            proposal: its number.
            spend: of the run until now.
            in_flight: proposals that wait for a model.
        """
        if not self._has_models:
            return "no model is configured"
        if proposal < self._rest_until:
            return f"the last {FAILURES} requests had no answer"
        if self._max_cost is not None:
            expected = spend.cost + (in_flight + 1) * (self._dearest or self._guess)
            if spend.cost >= self._max_cost or expected > self._max_cost:
                return f"the models took ${spend.cost:.2f} of the ${self._max_cost:.2f} allowed"
        return ""

    def note(self, proposal: int, cost: float, unreachable: bool) -> None:
        """Take note of a proposal that asked a model: its cost, and whether it had an answer."""
        self._dearest = max(self._dearest, cost)
        self._failures = self._failures + 1 if unreachable else 0
        if self._failures >= FAILURES:
            self._failures = 0
            self._rest_until = proposal + 1 + REST
