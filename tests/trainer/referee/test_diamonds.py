from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.referee.diamonds import LENGTHS, Diamonds, Pair
from trainer.referee.text import Text

BOS = 56


def windows(rows: np.ndarray, size: int) -> set[bytes]:
    """Every stretch of so many tokens in a text."""
    return {row[i : i + size].tobytes() for row in rows for i in range(len(row) - size + 1)}


def test_pairs_differ_exactly_in_their_diamonds(text: Text) -> None:
    pairs = text.diamonds.draw(60, np.random.default_rng(1))
    assert len(pairs) == 60
    for pair in pairs:
        first, second = pair.rows
        assert first.shape == second.shape == (text.width,)
        different = np.flatnonzero(first != second)
        forks = [cut.position + 1 for cut in pair.cuts]
        assert set(forks) <= set(different), "a fork is where they begin to differ"
        for place in different:
            assert any(0 <= place - fork < max(LENGTHS) for fork in forks)
        for cut in pair.cuts:
            fork = cut.position + 1
            assert (first[fork], second[fork]) == (cut.first, cut.second)
            before = slice(max(fork - 2, 0), fork)
            assert (first[before] == second[before]).all(), "what comes right before is shared"


def test_most_seams_are_real_text(text: Text) -> None:
    """Two tokens side by side always stand so in the text, three of them nearly always."""
    pairs, triples = windows(text.spare, 2), windows(text.spare, 3)
    found = []
    for pair in text.diamonds.draw(60, np.random.default_rng(2)):
        for row in pair.rows:
            for i in range(len(row) - 2):
                if BOS not in row[i + 1 : i + 3]:
                    assert row[i : i + 2].tobytes() in pairs
                    found.append(row[i : i + 3].tobytes() in triples)
    assert np.mean(found) > 0.95


def test_which_row_shows_which_is_a_fair_coin(text: Text) -> None:
    rng = np.random.default_rng(3)
    cuts = [cut for pair in text.diamonds.draw(800, rng) for cut in pair.cuts]
    smaller_first = sum(cut.first < cut.second for cut in cuts)
    assert abs(smaller_first - len(cuts) / 2) < 4 * np.sqrt(len(cuts)) / 2


def test_the_hidden_token_is_what_the_text_had_there(text: Text) -> None:
    real = windows(text.spare, 3)
    for pair in text.diamonds.draw(40, np.random.default_rng(4)):
        for cut in pair.cuts:
            if cut.hidden is not None:
                shown = pair.rows[0][cut.position - 1 : cut.position + 1]
                assert np.append(shown, np.uint16(cut.hidden)).tobytes() in real
                assert cut.hidden not in (cut.first, cut.second)


def test_forks_come_everywhere(text: Text) -> None:
    """Also about the first token and the last, and about the first of a document."""
    pairs = text.diamonds.draw(800, np.random.default_rng(6))
    places = {cut.position for pair in pairs for cut in pair.cuts}
    assert places == set(range(text.width - 1))
    assert any(
        pair.rows[0][cut.position] == BOS and cut.position for pair in pairs for cut in pair.cuts
    )


def test_the_same_generator_draws_the_same_pairs(text: Text) -> None:
    def draw(seed: int) -> list[Pair]:
        return text.diamonds.draw(5, np.random.default_rng(seed))

    def as_lists(pairs: list[Pair]) -> list[list[int]]:
        return [row.tolist() for pair in pairs for row in pair.rows]

    assert as_lists(draw(1)) == as_lists(draw(1))
    assert as_lists(draw(1)) != as_lists(draw(2))


def test_a_text_without_repetition_is_refused_in_words() -> None:
    rows = np.arange(40 * 33, dtype=np.uint16).reshape(40, 33)
    with pytest.raises(ValueError, match="pairs of rows"):
        Diamonds(rows, 60_000).draw(10, np.random.default_rng(0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 12), st.integers(30, 90))
def test_any_text_gives_whole_rows_or_a_refusal(seed: int, words: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, words, (50, width)).astype(np.uint16)
    rows[rng.random(rows.shape) < 0.02] = words  # the token that begins a document
    rows[:, 0] = words
    diamonds = Diamonds(rows, words)
    try:
        pairs = diamonds.draw(6, rng)
    except ValueError:
        return
    for pair in pairs:
        assert all(len(row) == width for row in pair.rows)
        for cut in pair.cuts:
            assert cut.first != cut.second
            assert words not in (cut.first, cut.second)
            assert 0 <= cut.position < width - 1
