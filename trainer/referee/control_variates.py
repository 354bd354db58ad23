"""What a loss is worth: residuals of losses after what is easy or hard about their tokens.

A loss says more about a model once it is compared with what the token's bigram and the model's own
losses on the same tokens elsewhere let one expect. That halves its deviation, so that a test needs
a quarter of the observations. Nothing here knows which losses an audit has sampled, so that a
sample is as random among residuals as it was among losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

COUNTED_TOKENS = 4_000_000  # training tokens that bigrams are counted in, at most
DISCOUNT = 0.75  # taken from the count of each bigram, for those that were not seen
SHRINKAGE, PAIR_SHRINKAGE = 5.0, 3.0  # observations that an effect of 0 counts as
SWEEPS = 3  # over the two kinds of effects, which settle at once


@dataclass(frozen=True)
class Bigrams:
    """Frequencies of tokens and of pairs of tokens in the training text.

    Attributes:
        unigrams: Smoothed probabilities (vocabulary,).
        keys: Pairs that were seen, sorted, each as first * vocabulary + second.
        counts: How often each of these pairs was seen.
        totals: How often each token was seen as the first of a pair (vocabulary,).
        kinds: Number of different tokens seen after each token (vocabulary,).
    """

    unigrams: Floats
    keys: Indices
    counts: Indices
    totals: Indices
    kinds: Indices

    def compute_losses(self, contexts: Indices, targets: Indices) -> tuple[Floats, Floats]:
        """Losses in nats of targets by their frequency, and by their frequency after a context.

        Args:
            contexts: Token before each target, of any shape.
            targets: Tokens, of the same shape.
        """
        unigram = self.unigrams[targets]
        wanted = contexts * len(self.unigrams) + targets
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        count = np.where(self.keys[place] == wanted, self.counts[place], 0)
        total = self.totals[contexts]
        left = DISCOUNT * self.kinds[contexts] * unigram
        seen = (np.maximum(count - DISCOUNT, 0) + left) / np.maximum(total, 1)
        return -np.log(unigram), -np.log(np.where(total > 0, seen, unigram))


def count_bigrams(rows: NDArray[np.uint16], vocabulary: int) -> Bigrams:
    """Count tokens and pairs of tokens in rows (rows, width) spread over a text."""
    step = max(1, rows.size // COUNTED_TOKENS)
    chosen = np.asarray(rows[::step]).astype(np.int64)
    pairs = (chosen[:, :-1] * vocabulary + chosen[:, 1:]).ravel()
    keys, counts = np.unique(pairs, return_counts=True)
    unigrams = np.bincount(chosen[:, 1:].ravel(), minlength=vocabulary) + 0.5
    return Bigrams(
        unigrams / unigrams.sum(),
        keys,
        counts,
        totals=np.bincount(keys // vocabulary, counts, vocabulary).astype(np.int64),
        kinds=np.bincount(keys // vocabulary, minlength=vocabulary),
    )


def compute_residuals(
    losses: Floats, contexts: Indices, targets: Indices, bigrams: Bigrams
) -> Floats:
    """Losses less what their tokens let one expect.

    A quadratic of the tokens' losses by unigram and bigram; then effects of each target and of each
    context; then, for each pair of tokens, the mean of what is left at its other occurrences.

    Args:
        losses: Nats (n,).
        contexts: Token before each target (n,).
        targets: Tokens that the losses are about (n,).
        bigrams: Frequencies in the training text.

    Returns:
        Residuals (n,).
    """
    unigram, bigram = bigrams.compute_losses(contexts, targets)
    ones = np.ones_like(losses)
    features = np.stack(
        (ones, unigram, bigram, unigram**2, bigram**2, unigram * bigram),
        axis=1,
    )
    weights = np.linalg.lstsq(features, losses, rcond=None)[0]
    left: Floats = losses - features @ weights
    of_target = of_context = np.zeros_like(left)
    for _ in range(SWEEPS):
        of_target = _effects(targets, left - of_context)
        of_context = _effects(contexts, left - of_target)
    left = left - of_target - of_context
    return left - _effects_elsewhere(contexts * len(bigrams.unigrams) + targets, left)


def _effects(keys: Indices, values: Floats) -> Floats:
    """Mean of the values with the same key, shrunk to 0 where they are few."""
    sums, counts = np.bincount(keys, values), np.bincount(keys)
    effects: Floats = (sums / (counts + SHRINKAGE))[keys]
    return effects


def _effects_elsewhere(keys: Indices, values: Floats) -> Floats:
    """The same for each value from the others only."""
    found, places = np.unique(keys, return_inverse=True)
    sums = np.bincount(places, values, len(found))
    counts = np.bincount(places, minlength=len(found))
    effects: Floats = (sums[places] - values) / (counts[places] - 1 + PAIR_SHRINKAGE)
    return effects
