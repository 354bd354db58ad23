from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.referee.logits import AnswerError, compute_losses


@given(st.integers(0, 2**32), st.floats(-1e4, 1e4), st.floats(0, 100))
def test_losses_are_those_of_torch_over_the_ordinary_tokens(
    seed: int, shift: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(shift, scale, (50, 37)).astype(np.float32)
    targets = rng.integers(0, 37, 50)
    log_p = torch.from_numpy(logits[:, :33]).double().log_softmax(1).numpy()
    wanted = np.where(targets < 33, -log_p[np.arange(50), np.minimum(targets, 32)], 0)
    found = compute_losses(logits.copy(), targets, 33)
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-4)
    logits[:, 33:] = -np.inf
    assert (compute_losses(logits, targets, 33) == found).all(), "special tokens change nothing"


def test_a_great_constant_gains_nothing() -> None:
    logits = np.full((3, 50), 2.0**27, np.float32)
    assert compute_losses(logits, np.arange(3), 50) == pytest.approx(math.log(50))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_no_answer(bad: float) -> None:
    logits = np.zeros((5, 7), np.float32)
    logits[3, 2] = bad
    with pytest.raises(AnswerError):
        compute_losses(logits, np.zeros(5, np.int64), 7)
