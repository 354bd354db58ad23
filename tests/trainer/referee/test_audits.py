from __future__ import annotations

import itertools

import numpy as np
import pytest

from trainer.referee.audits import REPEATED, Auditor
from trainer.referee.continuations import Continuations
from trainer.referee.text import Text

BATCH = 8


def auditor(text: Text, seed: int = 0) -> Auditor:
    return Auditor(BATCH, text.continuations, text.spare, np.random.default_rng(seed))


def draw_cuts(rows: int, each: int, context: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.stack([rng.permutation(context)[:each] for _ in range(rows)])


@pytest.mark.parametrize(("rows", "each"), [(24, 1), (13, 6), (3, 32)])
def test_no_token_is_shown_before_its_own_answer(text: Text, rows: int, each: int) -> None:
    chosen, context = text.scored[:rows], text.width - 1
    cuts = draw_cuts(rows, each, context)
    plan = auditor(text).plan_prefixes(chosen, cuts)
    assert len(plan.rows) % BATCH == 0
    assert plan.asked.sum() == cuts.size
    where = np.argwhere(plan.asked)[plan.places]  # (rows, each, 2): question, column
    for row in range(rows):
        for number in range(each):
            question, column = where[row, number]
            cut = cuts[row, number]
            assert column == cut
            assert (plan.rows[question, : cut + 1] == chosen[row, : cut + 1]).all()
            assert plan.targets[question, cut] == chosen[row, cut + 1]
            longer = where[row, cuts[row] > cut, 0]
            assert (longer // BATCH > question // BATCH).all(), "and asked before it is shown"


def test_the_tail_asks_each_row_as_it_was_and_continued_otherwise(text: Text) -> None:
    rows, context = text.scored[:20], text.width - 1
    cuts = draw_cuts(20, 1, context - 1)[:, 0]
    plan = auditor(text).plan_tail(rows, cuts)
    assert len(plan.rows) % BATCH == 0
    where = np.argwhere(plan.asked)[plan.places]
    assert where.shape == (20, 2 + REPEATED, 2)
    assert (where[..., 1] == plan.columns).all()
    first = 0
    for row, cut, places in zip(rows, cuts, where, strict=True):
        twin, repeated = plan.rows[places[0, 0]], plan.rows[places[1, 0]]
        assert (repeated == row).all()
        assert (twin[: cut + 1] == row[: cut + 1]).all()
        assert (twin[cut + 1 :] != row[cut + 1 :]).any()
        assert plan.targets[places[0, 0], cut] == plan.targets[places[1, 0], cut] == row[cut + 1]
        assert places[0, 0] // BATCH != places[1, 0] // BATCH
        first += places[0, 0] < places[1, 0]
    assert 2 <= first <= 18, "a coin says which comes first"


def test_rows_go_on_as_the_text_does_somewhere(text: Text) -> None:
    rng = np.random.default_rng(1)
    spare = text.spare.ravel()
    pairs = set(itertools.pairwise(spare))
    for row in text.scored:
        stretch = text.continuations.draw(int(row[9]), 12, rng)
        assert len(stretch) == 12
        assert (row[9], stretch[0]) in pairs
    assert len(text.continuations.draw(3, 0, rng)) == 0
    assert len(text.continuations.draw(60_000, 4, rng)) == 4, "a token that the text lacks"


def test_how_a_row_goes_on_does_not_depend_on_its_own_next_token() -> None:
    """Else a row would tell which token does not come next."""
    text = np.array([[1, 2, 1, 3] * 50], np.uint16)
    rng = np.random.default_rng(0)
    found = [int(Continuations(text).draw(1, 1, rng)[0]) for _ in range(400)]
    assert 140 < found.count(2) < 260
