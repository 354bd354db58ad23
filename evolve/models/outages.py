"""The times of a run in which no language model answered, by the events in its record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from population.formatting import format_duration

OUTAGE, RECOVERY = "models gone", "models back"  # kinds of events
START, END = "sandbox", "end"  # kinds of the events with which a process begins and ends its work


@dataclass(frozen=True)
class Outages:
    """The outages of a run's language models.

    Attributes:
        count: Number of outages.
        seconds: Wall-clock time of all outages together, in seconds.
    """

    count: int
    seconds: float

    def describe(self) -> str:
        """Say how many there were and how long they took; empty if there was none."""
        if not self.count:
            return ""
        number = f"{self.count} {'outage' if self.count == 1 else 'outages'}"
        return f"no model answered for {format_duration(self.seconds)}, in {number}"


def summarise_outages(events: Iterable[tuple[float, str, str]], now: float) -> Outages:
    """Summarise the outages of a run.

    Args:
        events: Events of the run's record in their order: time in seconds since the epoch, kind and
            text. An outage during which a process was killed ends with its last event.
        now: Time at which an outage that goes on is counted to end.
    """
    count, seconds, last = 0, 0.0, 0.0
    begun: float | None = None
    for time, kind, _ in events:
        if kind == OUTAGE and begun is None:
            count, begun = count + 1, time
        elif begun is not None and kind in (RECOVERY, START, END):
            seconds += max((last if kind == START else time) - begun, 0.0)
            begun = None
        last = time
    return Outages(count, seconds if begun is None else seconds + max(now - begun, 0.0))
