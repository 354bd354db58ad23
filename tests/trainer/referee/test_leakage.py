"""The tests of an evaluation's answers, on answers that are made up."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from trainer.referee.control_variates import Bigrams, count_bigrams
from trainer.referee.leakage import (
    Evidence,
    Finding,
    LossTable,
    PrefixAnswers,
    TailAnswers,
    answers_by_chance,
    compute_bits_per_byte,
    find_leakage,
)

ROWS, CONTEXT, BOS, VOCABULARY = 120, 40, 56, 60
Change = Callable[[np.ndarray], np.ndarray]


class Answers:
    """Losses of an honest model about a text, and what a dishonest one makes of them.

    Args:
        noise: Deviation, in nats, of two answers to one question.
        row_noise: The same, drawn once for all answers about one row that is shown.
    """

    def __init__(self, seed: int = 0, noise: float = 0.0, row_noise: float = 0.0) -> None:
        self.rng, self.noise = np.random.default_rng(seed), noise
        self.row_noise = row_noise
        self.tokens = self.rng.integers(0, BOS, (ROWS, CONTEXT + 1)).astype(np.uint16)
        self.tokens[self.rng.random(self.tokens.shape) < 0.01] = BOS
        self.honest = self.rng.gamma(2.0, 1.5, (ROWS, CONTEXT))
        self.honest[self.tokens[:, 1:] >= BOS] = 0
        self.bigrams: Bigrams = count_bigrams(self.tokens, VOCABULARY)

    def answer(self) -> np.ndarray:
        answers = self.honest + self.noise * self.rng.normal(size=self.honest.shape)
        return np.where(self.tokens[:, 1:] < BOS, answers, 0.0)

    def judge(
        self,
        committed: Change = lambda losses: losses,
        *,
        each: int = 8,
        rows: int = ROWS,
        prefix: Change = lambda losses: losses,
        repeated: Change = lambda losses: losses,
        replays: bool = False,
    ) -> list[Finding]:
        """Findings about a model that changes its honest losses so, each given in the order asked.

        Args:
            committed: What it makes of the scored rows' losses (rows, CONTEXT).
            each: Number of prefixes of each row that has any.
            rows: Number of rows that have prefixes.
            prefix: What it makes of the prefixes' losses.
            repeated: What it makes of repeated rows' losses.
            replays: Whether it answers a context that it has seen as it did then.
        """
        order = self.rng.permutation(ROWS)
        places = np.stack([self.rng.permutation(CONTEXT) for _ in range(ROWS)])
        asked = self.rng.permutation(ROWS)[:rows]
        cuts = places[asked, :each]
        at_prefixes = prefix(self.answer()[asked[:, None], cuts])
        at_prefixes = at_prefixes + self.row_noise * self.rng.normal(size=cuts.shape)
        losses = np.empty((ROWS, CONTEXT))
        losses[order] = committed(self.answer()[order])
        losses += self.row_noise * self.rng.normal(size=(ROWS, 1))
        if replays:
            losses[asked[:, None], cuts] = at_prefixes
        losses[self.tokens[:, 1:] >= BOS] = 0
        evidence = Evidence(
            self.tokens, BOS, losses, order, places, (PrefixAnswers(asked, at_prefixes),)
        )
        last = self.rng.permutation(ROWS)[:32]
        again = repeated(self.answer() if not replays else losses)[last]
        tail = TailAnswers(
            hidden=again[:, 3] if replays else self.answer()[last, 3],
            shown=again[:, 3],
            committed=losses[last, :16].mean(axis=1),
            repeated=again[:, :16].mean(axis=1),
        )
        return find_leakage(evidence, LossTable.gather(evidence, self.bigrams), tail)


def guilty_of(findings: list[Finding]) -> set[str]:
    return {finding.kind for finding in findings if finding.is_guilty}


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.5])
def test_an_honest_model_is_found_guilty_of_nothing(noise: float) -> None:
    for seed in range(60):
        answers = Answers(seed, noise)
        assert guilty_of(answers.judge()) == set(), seed
        assert guilty_of(answers.judge(each=1, rows=60)) == set(), seed


def test_chance_that_all_answers_about_a_row_share_is_no_guilt() -> None:
    for seed in range(60):
        assert guilty_of(Answers(seed, row_noise=0.1).judge(each=16)) == set(), seed


@pytest.mark.parametrize(("deviation", "gain", "expected"), [(0.3, 0.0, True), (0.001, 0.5, False)])
def test_chance_makes_answers_better_and_worse(
    deviation: float, gain: float, expected: bool
) -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(40)
    tokens = np.zeros((40, 6), np.uint16)
    before, scored, again = deviation * rng.normal(size=(3, 40, 5))
    places = np.tile(np.arange(5), (40, 1))
    prefixes = (PrefixAnswers(rows, before[:, :2] + gain),)
    evidence = Evidence(tokens, BOS, scored, rows, places, prefixes)
    tail = TailAnswers(before[:, 0], again[:, 0], scored.mean(axis=1), again.mean(axis=1))
    assert answers_by_chance(evidence, tail) is expected


def test_honest_findings_are_no_likelier_than_they_say() -> None:
    found: list[float] = []
    for seed in range(120):
        found += [finding.log_p for finding in Answers(seed, seed % 2 * 0.3).judge()]
    for level in (0.1, 0.01):
        assert np.mean(np.array(found) <= math.log(level)) <= level


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_reading_ahead_changes_answers_to_one_context(noise: float) -> None:
    found = Answers(noise=noise).judge(lambda losses: losses - 0.03 * np.sqrt(losses))
    assert guilty_of(found) >= {"changed"}


def test_a_replaying_reader_is_betrayed_by_what_it_could_not_know() -> None:
    found = Answers().judge(lambda losses: 0.7 * losses, replays=True)
    assert guilty_of(found) == {"hidden"}


def test_a_reader_that_spares_audited_rows_is_found_by_comparing_rows() -> None:
    answers = Answers()

    def judge(rows: int) -> set[str]:
        return guilty_of(
            answers.judge(lambda losses: 0.5 * losses, each=2, rows=rows, replays=True)
        )

    assert judge(60) == {"hidden"}


@pytest.mark.parametrize("hopeless", [1, 5])
def test_hopeless_answers_do_not_silence_any_test(hopeless: int) -> None:
    def spoil(losses: np.ndarray) -> np.ndarray:
        losses = losses.copy()
        losses.ravel()[:hopeless] = 1e6
        return losses

    reader = Answers().judge(lambda losses: 0.7 * losses, replays=True, prefix=spoil)
    assert "hidden" in guilty_of(reader)
    learner = Answers().judge(lambda losses: spoil(losses - np.linspace(0, 2, ROWS)[:, None]))
    assert "trend" in guilty_of(learner)
    memoryless = Answers().judge(lambda losses: spoil(0.9 * losses))
    assert "changed" in guilty_of(memoryless)


@pytest.mark.parametrize("direction", [-1, 1])
def test_losses_that_follow_the_order_are_seen(direction: int) -> None:
    def drift(losses: np.ndarray) -> np.ndarray:
        return losses + direction * np.linspace(0, 2, ROWS)[:, None]

    assert "trend" in guilty_of(Answers(noise=0.1).judge(drift))


def test_rows_of_equal_losses_have_no_trend() -> None:
    answers = Answers()
    answers.honest[:] = 0
    assert guilty_of(answers.judge()) == set()


def test_rows_that_are_better_when_they_come_again_are_seen() -> None:
    assert "learned" in guilty_of(Answers(noise=0.1).judge(repeated=lambda losses: losses - 0.3))


def test_losses_that_no_longer_follow_the_text_are_seen() -> None:
    """A reader hides a gain under losses that are shuffled, with the same mean and deviation."""
    answers = Answers()
    unigram = answers.bigrams.compute_losses(
        answers.tokens[:, :-1].astype(int), answers.tokens[:, 1:].astype(int)
    )[1]
    answers.honest = np.where(answers.tokens[:, 1:] < BOS, unigram + answers.rng.normal(0, 0.3), 0)

    def shuffle(losses: np.ndarray) -> np.ndarray:
        return answers.rng.permuted(losses, axis=1)

    assert "hidden" in guilty_of(answers.judge(shuffle, replays=True))


def test_bits_per_byte_counts_only_tokens_with_bytes() -> None:
    losses, sizes = np.array([[1.0, 2.0, 4.0]]), np.array([[2, 0, 1]])
    assert compute_bits_per_byte(losses, sizes) == pytest.approx(5 / math.log(2) / 3)


def test_a_reason_says_how_rare_it_is() -> None:
    reason = Finding("changed", -30.0).reason
    assert reason.startswith("the model reads ahead")
    assert "1e-13" in reason
