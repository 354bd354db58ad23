"""Rate limiting of requests: pauses after limits and failures, and how many are in flight."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

FIRST_PAUSE = 1.0  # seconds; each further pause in a row is twice as long
LONGEST_PAUSE = 300.0  # seconds to which a pause grows
LONGEST_RETRY_AFTER = 3600.0  # seconds that a server may ask for; it is asked again after this
TURN = 0.5  # seconds between two checks whether a request may be sent
SLOW_STEP = 1 / 8  # of a request, that every answer adds after a reply that did not come in time
MANY = 32  # requests in flight, from which on they are no longer limited


def compute_backoff(count: int, jitter: Callable[[], float]) -> float:
    """The seconds to wait after something failed for the `count`th time in a row.

    They grow exponentially, with up to half of them at random, so that those who wait do not all
    come back at once.

    Args:
        count: Number of failures in a row, from 1.
        jitter: Function that draws a random number from 0 to 1.
    """
    longest = min(FIRST_PAUSE * 2.0 ** min(count - 1, 30), LONGEST_PAUSE)
    return longest * (0.5 + 0.5 * jitter())


class RateLimiter:
    """Admits the requests of several threads to one model, fewer while its server limits them.

    A limit halves the number of requests that may be in flight, and every answer adds one. A reply
    that did not come in time halves it, too, and leaves one if nothing else was answered meanwhile;
    then it takes several answers to add one, since a try takes so long.

    Args:
        clock: Function that gives the time in seconds.
        jitter: Function that draws a random number from 0 to 1.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock, self._jitter = clock, jitter
        self._lock = threading.Lock()
        self._in_flight = 0
        self._most, self._step = math.inf, 1.0
        self._opens = self._rests_until = self._limited_at = -math.inf
        self._answered_at = -math.inf
        self._limits = self._failures = 0  # in a row

    def enter(self) -> float:
        """Begin a request and return 0, or return the seconds after which to try again."""
        with self._lock:
            left = self._opens - self._clock()
            if left <= 0 and self._in_flight + 1 <= self._most:
                self._in_flight += 1
                return 0.0
            return left if left > 0 else TURN

    def seconds_to_avoid(self, patience: float) -> float:
        """The seconds for which another model is the better choice, if there is one.

        Args:
            patience: Seconds for which a limit is waited for rather than asking another model.
        """
        with self._lock:
            now = self._clock()
            limit = self._opens - now
            return max(self._rests_until - now, limit if limit > patience else 0.0, 0.0)

    def leave(self) -> None:
        """End a request that was not sent after all."""
        with self._lock:
            self._in_flight -= 1

    def record_answer(self) -> None:
        """End a request that was answered."""
        with self._lock:
            self._in_flight -= 1
            self._limits = self._failures = 0
            self._answered_at = self._clock()
            self._most = self._most + self._step if self._most < MANY else math.inf

    def record_limit(self, begun: float, retry_after: float | None) -> bool:
        """End a request that the server turned away, since there were too many.

        Args:
            begun: Time at which it was sent. A request sent before the last limit says nothing new.
            retry_after: Seconds that the server asks to wait; None if it does not say.

        Returns:
            Whether this is the first limit in a row.
        """
        with self._lock:
            in_flight, now = self._in_flight, self._clock()
            self._in_flight -= 1
            is_new = begun >= self._limited_at
            if is_new:
                self._limits += 1
                self._limited_at, self._step = now, 1.0
                self._most = max(min(in_flight, self._most) // 2, 1)
            pause = compute_backoff(self._limits, self._jitter)
            seconds = max(min(retry_after or 0.0, LONGEST_RETRY_AFTER), pause)
            self._opens = max(self._opens, now + seconds)
            return is_new and self._limits == 1

    def record_failure(self, begun: float) -> None:
        """End a request without an answer. A server that hung for long is avoided for as long.

        Args:
            begun: Time at which the request was sent.
        """
        with self._lock:
            self._rest(begun)

    def record_timeout(self, begun: float) -> None:
        """End a request whose reply did not come in time, maybe since it waited for others.

        Args:
            begun: Time at which the request was sent.
        """
        with self._lock:
            if begun >= self._limited_at:
                self._limited_at, self._step = self._clock(), SLOW_STEP
                kept = min(self._in_flight, self._most) // 2 if self._answered_at > begun else 1
                self._most = max(kept, 1)
            self._rest(begun)

    def _rest(self, begun: float) -> None:
        now = self._clock()
        self._in_flight -= 1
        self._failures += 1
        pause = compute_backoff(self._failures, self._jitter)
        self._rests_until = now + max(pause, now - begun)
