"""How fast a model's server works, and so how long to wait for an answer."""

from __future__ import annotations

import threading

UNKNOWN_RATE = 10.0  # reply tokens a second that a server is taken to give before its first answer
LEAST_RATE = 0.5  # a server that has never answered is not taken to be slower than this
READING = 10  # a server reads tokens of a request at least this many times as fast as it writes
MARGIN = 3.0  # an answer may take this many times as long as the answers before it suggest
OVERHEAD = 60.0  # seconds for the connection and for the server's queue
LONGEST = 3600.0  # seconds after which no answer is waited for, however slow the server is


class ServerSpeed:
    """Learns a server's speed from its answers. Its methods may be called from several threads.

    Args:
        overhead: Seconds for the connection and for the server's queue.
        guess: Reply tokens a second that the server is taken to give before its first answer.
    """

    def __init__(self, overhead: float = OVERHEAD, guess: float = UNKNOWN_RATE) -> None:
        self._lock = threading.Lock()
        self._overhead, self._guess = overhead, guess
        self._rate = 0.0  # reply tokens a second, as measured; 0 before the first answer

    def compute_timeout(self, tokens_in: int, tokens_out: int) -> float:
        """The seconds to wait for an answer.

        Args:
            tokens_in: Tokens of the request.
            tokens_out: Most tokens that the reply may have.
        """
        with self._lock:
            rate = self._rate / MARGIN if self._rate else self._guess
        return min(self._overhead + _count_work(tokens_in, tokens_out) / rate, LONGEST)

    def record_answer(self, tokens_in: int, tokens_out: int, seconds: float) -> None:
        """Learn from an answer that took so many seconds."""
        if seconds <= 0:
            return
        rate = _count_work(tokens_in, tokens_out) / seconds
        with self._lock:
            share = 0.3 if self._rate else 1.0  # an exponential mean follows the server
            self._rate += share * (rate - self._rate)

    def record_timeout(self) -> None:
        """Learn from an answer that did not come in time.

        A server that has never answered may be slower than was guessed; any other one hangs.
        """
        with self._lock:
            self._guess = max(self._guess / 2, LEAST_RATE)


def _count_work(tokens_in: int, tokens_out: int) -> float:
    """The work of a request in reply tokens."""
    return tokens_out + tokens_in / READING
