"""What every part of the score is made of: checks with a weight, a share and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        share: How far it is as it should be, from 0 to 1.
        weight: The check's weight within its part.
        notes: What a person could act on; empty if there is nothing to do.
    """

    name: str
    share: float
    weight: float = 1.0
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """One part of the score.

    Attributes:
        name: The part's name, such as "accuracy".
        points: Points from 0 to 10.
        checks: The checks that the points are made of.
        numbers: Numbers that are reported besides, by name.
    """

    name: str
    points: float
    checks: Sequence[Check] = ()
    numbers: dict[str, float] = field(default_factory=dict)


def weigh_checks(name: str, checks: Sequence[Check], **numbers: float) -> Part:
    """Make a part whose points are the weighted mean of some checks."""
    total = sum(check.weight for check in checks)
    share = sum(check.weight * min(max(check.share, 0.0), 1.0) for check in checks) / total
    return Part(name, 10 * share, checks, numbers)


def lowest(parts: Iterable[Part]) -> Part:
    """The part with the fewest points."""
    return min(parts, key=lambda part: part.points)


def ramp(value: float, nothing: float, full: float) -> float:
    """0 at `nothing`, 1 at `full`, a straight line between; `nothing` may be the larger one."""
    return min(max((value - nothing) / (full - nothing), 0.0), 1.0)


def window(value: float, nothing: float, low: float, high: float, too_much: float) -> float:
    """1 between `low` and `high`, falling to 0 at `nothing` below and at `too_much` above."""
    return min(ramp(value, nothing, low), ramp(value, too_much, high))


def quote(text: str, longest: int = 90) -> str:
    """Show a piece of the article as a quotation in one line of at most so many characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f'"{line if len(line) <= longest else line[: longest - 1] + "…"}"'
