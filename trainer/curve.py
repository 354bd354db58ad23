"""The learning curve of a run, read from the progress lines of its log. None of it can be trusted.

A progress line names a loss, as in "step 00088 (97.8%) | loss: 2.5052 | ...". The percentage is the
share of the budget that is over; step and percentage may be missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from population import CurvePoint
from trainer.summary import RULE

MOST_POINTS = 300  # more than a picture has room for, and some 2 kB of the record
LONGEST = 400  # characters of a line that are looked at
_LOSS = re.compile(
    r"\b(?:train_)?loss[^\w-]{1,3}(-?\d+\.?\d*(?:e[+-]?\d+)?)", re.ASCII | re.IGNORECASE
)
_STEP = re.compile(r"\b(?:step|iter|iteration)\W{1,3}(\d{1,12})\b", re.ASCII | re.IGNORECASE)
_SHARE = re.compile(r"\((\d{1,3}(?:\.\d+)?) ?%\)", re.ASCII)


def read_curve(log: Path, budget: float) -> tuple[CurvePoint, ...]:
    """Read a learning curve, thinned to `MOST_POINTS` that are evenly far apart.

    Args:
        log: Log of the run, which is cut to some MiB by its supervisor.
        budget: Seconds that the run was given to train.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    return thin(tuple(_read_points(text, budget)))


def thin(curve: tuple[CurvePoint, ...], most: int = MOST_POINTS) -> tuple[CurvePoint, ...]:
    """Thin a curve to a number of points, at least 2, of which the first and the last stay."""
    if len(curve) <= most:
        return curve
    return tuple(curve[round(place * (len(curve) - 1) / (most - 1))] for place in range(most))


def _read_points(text: str, budget: float) -> Iterator[CurvePoint]:
    lines = text.replace("\r", "\n").split("\n")
    rules = [place for place, line in enumerate(lines) if line.strip() == RULE]
    for line in lines[: rules[-1] if rules else None]:  # the final report is no progress
        line = line[:LONGEST]
        found = _LOSS.search(line)
        if found is None or not math.isfinite(loss := float(found[1])):
            continue
        step, share = _STEP.search(line), _SHARE.search(line)
        yield CurvePoint(
            seconds=None if share is None else round(float(share[1]) / 100 * budget, 3),
            step=None if step is None else int(step[1]),
            loss=loss,
        )
