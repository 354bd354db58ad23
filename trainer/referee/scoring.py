"""Logits to log probabilities, by the referee itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 2048  # positions at a time, so that a chunk stays in the cache


class AnswerError(Exception):
    """The answers are no logits, or not those that the child committed to."""


def normalise(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits (positions, vocabulary) into differences to the highest, in place.

    With what is returned, `logits - normalisers[:, None]` are the log probabilities. The highest
    is taken off first, for good: added again, a large one would round the rest away.

    Returns:
        (positions,) the logarithm of the sum of their exponentials, in fp32.

    Raises:
        AnswerError: a position has a logit that is not a number, or none that is finite.
    """
    top = logits.max(axis=1)
    if not np.isfinite(top).all():
        raise AnswerError("the model answered with logits that are not finite")
    out = np.empty(len(logits), np.float32)
    for start in range(0, len(logits), CHUNK):
        part = logits[start : start + CHUNK]
        part -= top[start : start + CHUNK, None]
        out[start : start + CHUNK] = np.exp(part).sum(axis=1)
    return np.log(out, out=out)
