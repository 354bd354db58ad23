"""What a run may spend: hours, dollars, and patience with models that do not answer."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from evolve.models.rate_limits import pause
from population.formatting import format_dollars


class SpentError(Exception):
    """There is no money left for a request to a model; the message says how much went."""


class Purse:
    """The dollars of a run. What a request on its way is expected to cost counts as spent.

    Its methods may be called from several threads.

    Args:
        most: dollars that the models may take in all; None is no limit.
        spent: by the run until now.

    Attributes:
        closed: whether a request was too dear for every model; no further one is tried then.
    """

    def __init__(self, most: float | None, spent: float = 0.0) -> None:
        self._most, self._spent, self._reserved = most, spent, 0.0
        self._lock = threading.Lock()
        self.closed = False

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._most is not None

    def reserve(self, expected: float) -> bool:
        """Set money aside for a request; False while only those on their way stand against it.

        Raises:
            SpentError: there is too little for it, and there will be.
        """
        with self._lock:
            most = self._most
            if most is None:
                return True
            if self._spent < most and self._spent + self._reserved + expected <= most:
                self._reserved += expected
                return True
            if self._spent >= most or self._spent + expected > most:
                raise SpentError(self.words())
            return False

    def settle(self, expected: float, cost: float) -> None:
        """A request that was expected to cost so much has cost that."""
        with self._lock:
            if self._most is not None:
                self._reserved -= expected
            self._spent += cost

    def words(self) -> str:
        """What was spent, for the user."""
        allowed = format_dollars(self._most or 0)
        return f"the models took {format_dollars(self._spent)} of the {allowed} allowed"


class Allowance:
    """Decides whether a language model may be asked, and when the time is over.

    Args:
        has_models: whether any model is configured.
        purse: the run's.
        deadline: when no child is started any more, by `clock`; None is never.
        clock: seconds.
        why_silent: why nobody should wait for the models any longer; empty while that may pay.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        has_models: bool,
        purse: Purse,
        deadline: float | None,
        clock: Callable[[], float],
        why_silent: Callable[[], str] = lambda: "",
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._has_models, self._purse = has_models, purse
        self._deadline, self._clock = deadline, clock
        self._why_silent, self._jitter = why_silent, jitter
        self._failures = 0
        self._rests_until = clock()

    @property
    def out_of_time(self) -> bool:
        """Whether the hours are over."""
        return self._deadline is not None and self._clock() >= self._deadline

    @property
    def silent(self) -> bool:
        """Whether nobody should wait for the models any longer."""
        return bool(self._why_silent())

    def why_offline(self) -> str:
        """Why the offline operators shall go on without the models; empty if these are asked."""
        if not self._has_models:
            return "no model is configured"
        return self._purse.words() if self._purse.closed else self._why_silent()

    def may_ask(self, in_flight: int) -> bool:
        """Whether a request may be begun: models that failed are asked again, one at a time.

        That is after a pause which grows with the failures, also while they are silent.

        Args:
            in_flight: requests that wait for an answer.
        """
        if not self._has_models or self._purse.closed:
            return False
        if self._failures or self.silent:
            return not in_flight and self._clock() >= self._rests_until
        return True

    @property
    def hopes(self) -> bool:
        """Whether models are to be waited for that do not answer."""
        return self._has_models and not self._purse.closed and bool(self._failures or self.silent)

    def note(self, unreachable: bool) -> None:
        """Take note of how a request ended: whether no model could be reached."""
        self._failures = self._failures + 1 if unreachable else 0
        if unreachable:
            self._rests_until = self._clock() + pause(self._failures, self._jitter)
