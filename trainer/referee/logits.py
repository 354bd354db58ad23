"""Logits to losses, by the referee itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 2048  # positions at a time, so that a chunk stays in the cache


class AnswerError(Exception):
    """The answers are no logits, or not those that the child committed to."""


def compute_losses(
    logits: NDArray[np.float32], targets: NDArray[np.int64], ordinary: int
) -> NDArray[np.float32]:
    """Nats of targets, by a softmax over the ordinary tokens.

    Special tokens are never scored, so that a probability for them, or none, changes nothing. The
    highest logit is taken off first, for good: added again, a large one would round the rest away.

    Args:
        logits: Logits (positions, vocabulary), which are changed in place.
        targets: Tokens (positions,).
        ordinary: Number of tokens that are not special; those are the ones below it.

    Returns:
        Losses (positions,) in fp32; 0 at special tokens.

    Raises:
        AnswerError: A position has a logit that is not a number, or none that is finite.
    """
    losses = np.empty(len(logits), np.float32)
    for start in range(0, len(logits), CHUNK):
        part, wanted = logits[start : start + CHUNK, :ordinary], targets[start : start + CHUNK]
        top = part.max(axis=1)
        if not np.isfinite(top).all():
            raise AnswerError("the model answered with logits that are not finite")
        part -= top[:, None]
        shown = part[np.arange(len(part)), np.minimum(wanted, ordinary - 1)]
        found = np.log(np.exp(part).sum(axis=1)) - shown
        losses[start : start + CHUNK] = np.where(wanted < ordinary, found, 0)
    return losses
