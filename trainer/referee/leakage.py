"""Whether a model's answers depend on what an honest one cannot know: tests, and their joint limit.

An honest model's answer depends on the tokens before it, and on chance, and on nothing else: not on
the tokens after, not on when it is asked, not on what it was asked before. Each test below has an
exact bound on the chance that such a model looks as guilty as this one, whatever its losses are.
docs/protocol.md says of each what a model that controls every answer can do to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.referee.control_variates import Bigrams, compute_residuals
from trainer.referee.significance import (
    bound_sampled_sum,
    bound_symmetric_sum,
    compute_sign_test,
)

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FALSE_ALARM = 1e-4  # chance that an honest model fails any test at all
TESTS = 28  # most tests that one evaluation has; each gets an equal share of the false alarms
LIMIT = math.log(FALSE_ALARM / TESTS)
ROUNDING = 5e-4  # nats by which two answers to one question may differ and count as equal
CHANCE = 0.01  # nats by which an answer by chance differs from another to the same question
BOTH_WAYS = 0.1  # share of such answers that are better, and that are worse, at least
LARGEST_CHANGE = 1.0  # nats that one changed answer counts at most
CLIP = 2.0  # times the loss of a uniform guess: no loss counts as more
FAR = 2.0  # nats from 0 at which a residual is far; in the bulk it counts as no more
LARGEST_PRODUCT = 5.0  # squared deviations that one product counts at most

REASONS = {
    "changed": "the model reads ahead: its answers change with the tokens that they are about",
    "hidden": "the model reads ahead or learns from questions: it knows tokens best once shown",
    "trend": "the model learns or cheats by turns: its losses depend on the order of the questions",
    "learned": "the model learnt while it was evaluated: rows that came again were better",
}


@dataclass(frozen=True)
class PrefixAnswers:
    """Answers about rows that were shown up to a place only, before they were shown whole.

    Attributes:
        rows: Numbers of the scored rows (n,), drawn at random and in the order of asking.
        losses: Nats (n, k) of the token behind each of the first k places of each row.
    """

    rows: Indices
    losses: Floats


@dataclass(frozen=True)
class TailAnswers:
    """Answers about scored rows that came again at the end, as before and continued otherwise.

    Attributes:
        hidden: Nats (n,) of one token of each row when other text stood in its place.
        shown: Nats (n,) of the same token when the row came again as it was.
        committed: Mean nats (n,) of some tokens of each row when it was scored.
        repeated: Mean nats (n,) of the same tokens when the row came again.
    """

    hidden: Floats
    shown: Floats
    committed: Floats
    repeated: Floats


@dataclass(frozen=True)
class Evidence:
    """All answers about the scored rows, before the tail.

    Attributes:
        tokens: Scored rows (rows, context + 1).
        ordinary: Number of tokens that are not special; those are the ones below it.
        losses: Nats (rows, context) of every scored token; 0 at special ones, here and elsewhere.
        order: Numbers of the scored rows (rows,) in the order in which they were asked.
        places: Positions (rows, m) of each row, drawn at random and in a random order.
        prefixes: Answers to prefixes, about the first of these places.
    """

    tokens: NDArray[np.uint16]
    ordinary: int
    losses: Floats
    order: Indices
    places: Indices
    prefixes: tuple[PrefixAnswers, ...]


@dataclass(frozen=True)
class LossTable:
    """Losses at some places of every scored row, those of prefixes where there are any.

    Attributes:
        losses: Clipped nats (rows, m).
        committed: Clipped nats (rows, m) when the whole rows were shown.
        bigram: Nats (rows, m) that a bigram of the training text has there.
        residuals: Losses less what their tokens let one expect (rows, m).
    """

    losses: Floats
    committed: Floats
    bigram: Floats
    residuals: Floats

    @classmethod
    def gather(cls, evidence: Evidence, bigrams: Bigrams) -> LossTable:
        """Gather the losses at the places of all rows; special tokens are 0 everywhere."""
        most = CLIP * math.log(len(bigrams.unigrams))
        committed = np.minimum(np.take_along_axis(evidence.losses, evidence.places, 1), most)
        losses = committed.copy()
        for answers in evidence.prefixes:
            losses[answers.rows, : answers.losses.shape[1]] = np.minimum(answers.losses, most)
        contexts = np.take_along_axis(evidence.tokens, evidence.places, 1).astype(np.int64)
        targets = np.take_along_axis(evidence.tokens, evidence.places + 1, 1).astype(np.int64)
        counted = targets < evidence.ordinary
        contexts, targets = contexts[counted], targets[counted]
        bigram, residuals = np.zeros_like(losses), np.zeros_like(losses)
        bigram[counted] = bigrams.compute_losses(contexts, targets)[1]
        residuals[counted] = compute_residuals(losses[counted], contexts, targets, bigrams)
        return cls(losses, committed, bigram, residuals)


@dataclass(frozen=True)
class Finding:
    """What one test says.

    Attributes:
        kind: Kind of leakage, a key of `REASONS`.
        log_p: Natural logarithm of the bound on an honest model's chance to look as guilty.
    """

    kind: str
    log_p: float

    @property
    def is_guilty(self) -> bool:
        """Whether an honest model would look so too rarely to be believed."""
        return self.log_p <= LIMIT

    @property
    def reason(self) -> str:
        """What the model does wrong, in a sentence."""
        exponent = math.ceil(self.log_p / math.log(10))
        return f"{REASONS[self.kind]} (chance for an honest model at most 1e{exponent})"


def find_leakage(evidence: Evidence, table: LossTable, tail: TailAnswers) -> list[Finding]:
    """Run all tests on the answers of one evaluation; the most incriminating finding first."""
    findings = [*_compare_answers(evidence, tail), *_compare_rows(table, evidence)]
    for answers in evidence.prefixes:
        findings += _compare_hidden(table, answers)
    learned = _ignore_rounding(tail.committed - tail.repeated)
    findings.append(Finding("learned", compute_sign_test(learned)))
    assert len(findings) <= TESTS
    return sorted(findings, key=lambda finding: finding.log_p)


def answers_by_chance(evidence: Evidence, tail: TailAnswers) -> bool:
    """Whether answers to the same question differ in both directions, before and in the tail.

    A draw for a whole batch, such as a layer that is skipped, makes many answers better or worse at
    once, which the tests take for guilt.
    """
    before = np.concatenate([_compute_changes(answers, evidence) for answers in evidence.prefixes])
    return all(
        min((changes > CHANCE).mean(), (changes < -CHANCE).mean()) >= BOTH_WAYS
        for changes in (before, tail.committed - tail.repeated)
    )


def _compare_answers(evidence: Evidence, tail: TailAnswers) -> Iterator[Finding]:
    """Whether a token is known better when it is shown, in one and the same context.

    An honest model's two answers are equal, or, if it answers by chance, either is as likely to be
    the better one. Of a row only one prefix counts, since all of them are compared with the same
    answer, whose chance may be one for the whole row.
    """
    before = [_compute_changes(answers, evidence) for answers in evidence.prefixes]
    for changes in (np.concatenate(before), tail.hidden - tail.shown):
        changed = _ignore_rounding(changes)
        yield Finding("changed", compute_sign_test(changed))
        clipped = np.clip(changed, -LARGEST_CHANGE, LARGEST_CHANGE)
        yield Finding("changed", bound_symmetric_sum(clipped))


def _compute_changes(answers: PrefixAnswers, evidence: Evidence) -> Floats:
    """Nats (n,) that the answer to one prefix of each row is worse than that to the row."""
    changes: Floats = (
        answers.losses[:, 0] - evidence.losses[answers.rows, evidence.places[answers.rows, 0]]
    )
    return changes


def _compare_rows(table: LossTable, evidence: Evidence) -> Iterator[Finding]:
    """Whether rows are better, or worse, the later they are asked; prefixes too.

    The order is random. Rows count by their ranks, so that none can outweigh the others.
    """
    scores = (table.residuals + table.committed - table.losses).mean(axis=1)
    trend = _compute_rank_trend(scores[evidence.order])
    yield Finding("trend", bound_symmetric_sum(trend))
    yield Finding("trend", bound_symmetric_sum(-trend))
    for answers in evidence.prefixes:
        residuals = table.residuals[answers.rows, : answers.losses.shape[1]]
        trend = _compute_rank_trend(residuals.mean(axis=1))
        yield Finding("trend", bound_symmetric_sum(trend))


def _compare_hidden(table: LossTable, answers: PrefixAnswers) -> Iterator[Finding]:
    """Whether losses are higher at the places whose next token was shown nowhere yet.

    Rows and places of the prefixes were drawn at random among all that are scored, so for an honest
    model their losses are a random sample of all losses, and so is any function of them. These four
    leave little room for a gain: the residuals' bulk, all of them, how many tokens are known far
    better than expected, and how closely losses follow the text.
    """
    sampled = np.zeros(table.losses.shape, bool)
    sampled[answers.rows, : answers.losses.shape[1]] = True
    products = _standardise(table.losses) * _standardise(table.bigram)
    for values in (
        np.clip(table.residuals, -FAR, FAR),
        table.residuals,
        np.where(table.residuals < -FAR, -1.0, 0.0),
        np.clip(products, -LARGEST_PRODUCT, LARGEST_PRODUCT),
    ):
        yield Finding("hidden", bound_sampled_sum(values, sampled, within_rows=True))
        if len(answers.rows) < len(table.losses):
            yield Finding("hidden", bound_sampled_sum(values, sampled, within_rows=False))


def _ignore_rounding(changes: Floats) -> Floats:
    changed: Floats = np.where(np.abs(changes) > ROUNDING, changes, 0.0)
    return changed


def _standardise(values: Floats) -> Floats:
    standardised: Floats = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standardised


def _compute_rank_trend(scores: Floats) -> Floats:
    """Terms of a falling rank trend: each score against the one as far from the other end."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # equal scores have equal ranks
    half = len(ranks) // 2
    distance = np.arange(len(ranks) - 1, 0, -2)[:half]
    terms: Floats = distance * (ranks[:half] - ranks[::-1][:half])
    return terms


def compute_bits_per_byte(losses: Floats, sizes: NDArray[np.int64]) -> float:
    """Nats of the tokens that have bytes, as bits for each of those bytes."""
    return float(losses[sizes > 0].sum() / (math.log(2) * sizes.sum()))
