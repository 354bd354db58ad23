"""When a model may be asked: after a rate limit, after a failure, and how often at a time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

FIRST = 1.0  # seconds of the first pause; each further one is twice as long
LONGEST = 300.0  # that a pause grows to
LONGEST_TOLD = 3600.0  # that a server may ask for: whoever asks for more is asked again after this
TURN = 0.5  # seconds between two looks whether it is one's turn
MANY = 32  # requests at a time, from which on they are no longer counted


def pause(count: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait after something went wrong for the `count`th time in a row, from 1.

    Exponential, up to half of it at random, so that those who wait do not all come back at once.

    Args:
        count: from 1.
        jitter: a random number from 0 to 1.
    """
    longest = min(FIRST * 2.0 ** min(count - 1, 30), LONGEST)
    return longest * (0.5 + 0.5 * jitter())


class Gate:
    """Lets the requests of several threads to one model pass, fewer while its server limits them.

    A limit halves how many may be on their way at a time, every answer allows one more.

    Args:
        clock: seconds.
        jitter: a random number from 0 to 1.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock, self._jitter = clock, jitter
        self._lock = threading.Lock()
        self._on_their_way = 0
        self._most = math.inf
        self._opens = self._rests_until = self._limited_at = -math.inf
        self._limits = self._failures = 0  # in a row

    def enter(self) -> float:
        """Begin a request, and return 0; or return the seconds after which to try again."""
        with self._lock:
            left = self._opens - self._clock()
            if left <= 0 and self._on_their_way < self._most:
                self._on_their_way += 1
                return 0.0
            return left if left > 0 else TURN

    def wait(self, patience: float) -> float:
        """Seconds for which another model is the better choice, if there is one.

        Args:
            patience: for how long a limit is rather waited for.
        """
        with self._lock:
            now = self._clock()
            limit = self._opens - now
            return max(self._rests_until - now, limit if limit > patience else 0.0, 0.0)

    def leave(self) -> None:
        """A request was not made after all."""
        with self._lock:
            self._on_their_way -= 1

    def answered(self) -> None:
        """A request has had its answer."""
        with self._lock:
            self._on_their_way -= 1
            self._limits = self._failures = 0
            self._most = self._most + 1 if self._most < MANY else math.inf

    def limited(self, begun: float, told: float | None) -> bool:
        """A request was turned away, since there were too many.

        Args:
            begun: when it was sent. What was sent before the last limit says nothing new.
            told: seconds that the server asks to wait for; None if it does not say.

        Returns:
            Whether this is the first of a row.
        """
        with self._lock:
            on_their_way, now = self._on_their_way, self._clock()
            self._on_their_way -= 1
            news = begun >= self._limited_at
            if news:
                self._limits += 1
                self._limited_at = now
                self._most = max(min(on_their_way, self._most) // 2, 1)
            seconds = max(min(told or 0.0, LONGEST_TOLD), pause(self._limits, self._jitter))
            self._opens = max(self._opens, now + seconds)
            return news and self._limits == 1

    def failed(self, begun: float) -> None:
        """A request had no answer. Whoever hangs for long is left alone for as long.

        Args:
            begun: when it was sent.
        """
        with self._lock:
            now = self._clock()
            self._on_their_way -= 1
            self._failures += 1
            self._rests_until = now + max(pause(self._failures, self._jitter), now - begun)
