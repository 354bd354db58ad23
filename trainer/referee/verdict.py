"""What the answers of a model say: its fitness, and whether it read ahead.

Every test stays below its share of `FALSE_ALARM` for an honest model, whatever model that is: under
honesty the signs of `forks` are fair coins given everything before them, so for both statistics the
chance to reach x is at most exp(-x^2 / 2) on either side (Hoeffding 1963; Efron 1969).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FALSE_ALARM = 1e-4  # of all tests together, for an honest child
THRESHOLD = math.sqrt(2 * math.log(5 / FALSE_ALARM))  # of two tests on both sides, and one on one
HIDDEN_MARGIN = 1.0  # nats by which tokens behind a cut may be harder than others
LEARNT = 0.02  # nats a token by which rows may be better when they come again
AUDIT = 5e-4  # nats by which a committed loss may differ from the one computed of the logits


@dataclass(frozen=True)
class Forks:
    """The answers at the cuts of all pairs, each (cuts,) in nats.

    Attributes:
        forks: [log p1(a) - log p1(b)] - [log p2(a) - log p2(b)], where row 1 shows a next and row 2
            shows b. Zero, or as likely positive as negative, unless the model reads ahead.
        hidden: loss of the token that really came next in the text and is shown nowhere.
    """

    forks: Floats
    hidden: Floats

    @classmethod
    def of(cls, parts: Iterable[Forks]) -> Forks:
        """All of several."""
        every = list(parts)
        return cls(
            np.concatenate([part.forks for part in every]),
            np.concatenate([part.hidden for part in every]),
        )


@dataclass(frozen=True)
class Suspicion:
    """The statistics of one evaluation.

    Attributes:
        signs: sum of the signs of the forks / sqrt(n).
        sizes: sum of the forks / root of the sum of their squares.
        hidden: how many standard errors the hidden tokens are above the others and the margin.
        learnt: nats a token by which rows were better when they came again.
        learnt_errors: the same in its standard errors, since some models answer by chance.
    """

    signs: float
    sizes: float
    hidden: float
    learnt: float
    learnt_errors: float

    def reason(self) -> str:
        """Why this is no honest model, in a sentence; empty if nothing says so."""
        if max(self.signs, self.sizes) >= THRESHOLD:
            return (
                "the model reads ahead: its answers depend on the tokens that they are about "
                f"(statistic {max(self.signs, self.sizes):.1f}, limit {THRESHOLD:.1f})"
            )
        if min(self.signs, self.sizes) <= -THRESHOLD:
            return (
                "the model remembers: its answers depend on rows that it was asked before "
                f"(statistic {min(self.signs, self.sizes):.1f}, limit -{THRESHOLD:.1f})"
            )
        if self.hidden >= THRESHOLD:
            return (
                "the model knows tokens only where they are shown: behind cuts it is worse by "
                f"{self.hidden:.1f} standard errors (limit {THRESHOLD:.1f})"
            )
        if self.learnt >= LEARNT and self.learnt_errors >= THRESHOLD:
            return (
                "the model learnt while it was evaluated: rows that came again were better by "
                f"{self.learnt:.3f} nats a token (limit {LEARNT})"
            )
        return ""


def suspicion(ordinary: Floats, forks: Forks, gains: Floats) -> Suspicion:
    """The statistics of an evaluation.

    Args:
        ordinary: nats of the scored tokens, in any order.
        forks: the answers at all cuts.
        gains: nats by which each row was better, a token, when it came again.
    """
    moved = forks.forks[forks.forks != 0]
    return Suspicion(
        signs=float(np.sign(moved).sum() / math.sqrt(len(moved))) if len(moved) else 0.0,
        sizes=float(moved.sum() / math.sqrt((moved**2).sum())) if len(moved) else 0.0,
        hidden=_hidden(forks.hidden, ordinary),
        learnt=float(gains.mean()),
        learnt_errors=float(gains.mean() / max(gains.std() / math.sqrt(len(gains)), 1e-9)),
    )


def _hidden(hidden: Floats, ordinary: Floats) -> float:
    if len(hidden) < 2:
        return 0.0
    error = math.sqrt(hidden.var(ddof=1) / len(hidden) + ordinary.var(ddof=1) / len(ordinary))
    return float((hidden.mean() - ordinary.mean() - HIDDEN_MARGIN) / max(error, 1e-9))


def bits_per_byte(losses: Floats, sizes: NDArray[np.int64]) -> float:
    """Nats of the tokens that have bytes, as bits for each of those bytes."""
    return float(losses[sizes > 0].sum() / (math.log(2) * sizes.sum()))
