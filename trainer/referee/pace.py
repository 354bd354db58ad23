"""When a script that does not say so has begun to train in earnest."""

from __future__ import annotations

CALLS = 24  # of the loader, before a pace is believed: a dozen steps of two batches
STEADY = (
    1.25  # two stretches of calls are of one pace if neither took longer than this times the other
)
SPAN = 0.02  # of the budget that both stretches together take at least


def is_steady(times: list[float], budget: float) -> bool:
    """Whether the calls at these times (seconds, rising) have settled to a pace.

    Steps that gather gradients over several batches call in bursts, so stretches of every
    length are compared, the last one with the one before.
    """
    if len(times) < CALLS:
        return False
    size = 4
    while 2 * size < len(times):
        last = times[-1] - times[-1 - size]
        before = times[-1 - size] - times[-1 - 2 * size]
        if last + before >= SPAN * budget and max(last, before) <= STEADY * min(last, before):
            return True
        size *= 2
    return False
