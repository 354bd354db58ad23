"""What runs now, and how long it will take yet, for whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from population import CurvePoint


@dataclass(frozen=True)
class RunningChild:
    """A child that runs now.

    Attributes:
        label: Name of its log: its id, with a suffix for a repeat.
        seconds: Seconds since it began.
        left: Seconds of training that are left, at least 0, by its own progress line if it says so;
            evaluation comes on top.
        line: The line that it printed last.
        curve: Learning curve so far.
        device: Device of a cluster that it runs on, with its node; empty for one of this machine.
    """

    label: str
    seconds: float
    left: float
    line: str
    curve: Sequence[CurvePoint] = ()
    device: str = ""


def estimate_left(ended: int, total: int, seconds: float) -> float | None:
    """Seconds of work until all children have ended, at the pace so far; None if there is no pace.

    Args:
        ended: Number of children that have ended.
        total: Number of children that the run is to finish.
        seconds: Time for which processes worked on the run, in seconds.
    """
    if ended >= total:
        return 0.0
    return (total - ended) * seconds / ended if ended else None
