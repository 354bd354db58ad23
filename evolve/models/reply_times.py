"""How long a model's reply is waited for: as long as it makes progress, up to a limit."""

from __future__ import annotations

import threading

TIMEOUT = 300.0  # seconds without any progress, after which a request is given up
WHOLE = 4.0  # a whole reply may take this many times as long as its first part
MARGIN = 3.0  # the first part may take this many times as long as the last time
LONGEST = 3600.0  # seconds after which no first part is waited for, however slow the server is


class ReplyTimes:
    """The time limits of a model's replies. Its methods may be called from several threads.

    Args:
        timeout: Seconds that the first part of a reply may take, and each further one.

    Attributes:
        timeout: Seconds that each further part may take.
    """

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self.timeout = timeout
        self._first = timeout
        self._lock = threading.Lock()

    @property
    def first(self) -> float:
        """The seconds that the first part may take, in which the request is queued and read."""
        with self._lock:
            return self._first

    @property
    def whole(self) -> float:
        """The seconds that the whole reply may take, however steadily its parts come."""
        return WHOLE * self.first

    def record_first_part(self, seconds: float) -> None:
        """Learn that the first part of a reply took so many seconds."""
        with self._lock:
            self._first = min(max(self.timeout, MARGIN * seconds), max(LONGEST, self.timeout))

    def record_silence(self) -> None:
        """Learn that the first part did not come in time: the server may be slower than that."""
        with self._lock:
            self._first = min(2 * self._first, max(LONGEST, self.timeout))
