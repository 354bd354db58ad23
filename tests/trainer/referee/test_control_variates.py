from __future__ import annotations

import numpy as np
import pytest

from trainer.referee.control_variates import compute_residuals, count_bigrams

VOCABULARY = 50


def text(rows: int, rng: np.random.Generator) -> np.ndarray:
    follows = rng.dirichlet(np.full(VOCABULARY, 0.1), size=VOCABULARY)
    tokens = np.zeros((rows, 41), np.uint16)
    for column in range(1, 41):
        for row in tokens:
            row[column] = rng.choice(VOCABULARY, p=follows[row[column - 1]])
    return tokens


def test_bigrams_are_probabilities_that_sum_to_one() -> None:
    rows = text(60, np.random.default_rng(0))
    bigrams = count_bigrams(rows, VOCABULARY)
    contexts, targets = np.meshgrid(np.arange(VOCABULARY), np.arange(VOCABULARY), indexing="ij")
    unigram, bigram = bigrams.compute_losses(contexts, targets)
    assert np.exp(-unigram[0]).sum() == pytest.approx(1)
    assert np.exp(-bigram).sum(axis=1) == pytest.approx(1)
    seen = np.zeros((VOCABULARY, VOCABULARY))
    np.add.at(seen, (rows[:, :-1].ravel(), rows[:, 1:].ravel()), 1)
    common = np.unravel_index(seen.argmax(), seen.shape)
    share = seen[common] / seen[common[0]].sum()
    assert np.exp(-bigram[common]) == pytest.approx(share, rel=0.1)


def test_residuals_vary_less_than_losses_and_keep_a_difference() -> None:
    rng = np.random.default_rng(1)
    rows = text(300, rng)
    bigrams = count_bigrams(rows, VOCABULARY)
    contexts = rows[:, :-1].ravel().astype(np.int64)
    targets = rows[:, 1:].ravel().astype(np.int64)
    habit = rng.normal(size=(VOCABULARY, VOCABULARY))  # what this model has of its own
    losses = bigrams.compute_losses(contexts, targets)[1] + habit[contexts, targets]
    losses += 0.5 * rng.normal(size=len(losses))
    sampled = rng.random(len(losses)) < 0.02
    losses[sampled] += 0.4
    residuals = compute_residuals(losses, contexts, targets, bigrams)
    assert losses.std() > 1.3
    assert residuals.std() < 0.75
    assert residuals[sampled].mean() - residuals[~sampled].mean() == pytest.approx(0.4, abs=0.1)


def test_tokens_that_were_never_seen_have_losses_too() -> None:
    bigrams = count_bigrams(np.array([[0, 1, 2, 1]], np.uint16), 5)
    unigram, bigram = bigrams.compute_losses(np.array([4, 0, 2]), np.array([3, 4, 4]))
    assert np.isfinite(unigram).all()
    assert np.isfinite(bigram).all()
    assert bigram[0] == unigram[0], "nothing follows what was never seen"
