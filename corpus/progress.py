"""Progress of long work, as lines that suit a terminal and a log file alike, and sizes in words."""

from __future__ import annotations

import threading
import time

PERIOD = 5.0  # seconds between two lines, at least


class Progress:
    """Prints the share of the work that is done, every few seconds; any thread may report.

    Args:
        label: What is being done.
        total: Amount of work, in the unit that `advance` counts in.
    """

    def __init__(self, label: str, total: int) -> None:
        self._total, self._done = max(total, 1), 0
        self._shown = time.monotonic()
        self._lock = threading.Lock()
        print(f"{label} ...", flush=True)

    def advance(self, amount: int) -> None:
        """Count an amount of work as done."""
        with self._lock:
            self._done += amount
            if time.monotonic() - self._shown > PERIOD:
                self._shown = time.monotonic()
                print(f"  {min(self._done / self._total, 1):.0%}", flush=True)


def format_size(size: int) -> str:
    """A number of bytes as a person reads it."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} bytes"
