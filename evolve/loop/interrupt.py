"""Ctrl-C and SIGTERM: the first asks the run to finish, the second to stop what runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """How urgently the user wants the run to end. `requests` counts the signals so far."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self.requests = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count signals instead of dying of them; the previous handlers come back at the end."""

        def handle(number: int, frame: FrameType | None) -> None:
            self.requests += 1
            self._wake.set()

        previous = {
            number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
