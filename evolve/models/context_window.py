"""How much of a model's context window a request leaves for the reply."""

from __future__ import annotations

import math
import threading

LEAST_REPLY = 1000  # tokens; a request that leaves less for the reply is too long
STEP = 4  # a reply's limit is divided by this where the model has no room for it


class ContextWindow:
    """Learns a model's context window from the requests that it finds too long.

    Its methods may be called from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: float = math.inf  # tokens of the smallest request, with its reply, refused

    def fit_reply(self, tokens_in: int, limit: int) -> int:
        """Lower a reply's limit to what the window may have room for beside the request."""
        with self._lock:
            refused = self._refused
        while tokens_in + limit >= refused and limit > LEAST_REPLY:
            limit = max(limit // STEP, LEAST_REPLY)
        return limit

    def record_refusal(self, tokens_in: int, limit: int) -> bool:
        """Learn that a request was too long together with its reply's limit.

        Returns:
            Whether the same request with a lower limit may be accepted.
        """
        with self._lock:
            self._refused = min(self._refused, tokens_in + limit)
        return limit > LEAST_REPLY
