"""What a scoring script may report: anything that is a number, whatever library it comes from."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from trainer.scoring import report
from trainer.summary import read_summary


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1.0),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.bool_(False), 0.0),
        (np.array(0.5), 0.5),
        (torch.tensor(0.5), 0.5),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 2), 0.5),
        (10**300, 1e300),
        (math.inf, math.inf),
        (-np.float32("inf"), -math.inf),
    ],
    ids=str,
)
def test_every_kind_of_number_is_reported(
    capsys: pytest.CaptureFixture[str], value: Any, expected: float
) -> None:
    report(score=value, lines=2)
    assert read_summary(capsys.readouterr().out) == {"score": expected, "lines": 2}


def test_what_is_no_number_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    report(score=1, odd=torch.tensor(math.nan))
    assert math.isnan(read_summary(capsys.readouterr().out)["odd"])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (10**400, r"score is larger than any number may be \(1.8e\+308\)"),
        (10**5000, "score is larger than any number may be"),
        (np.array([0.5, 1.0]), r"score should be a number, not ndarray \[0.5 1. \]"),
        (torch.tensor([[0.5], [1.0]]), "score should be a number, not Tensor tensor"),
        (None, "score should be a number, not NoneType None"),
        ([0.5], r"score should be a number, not list \[0.5\]"),
        (1 + 0j, "score should be a number, not complex"),
        ("high", "score should be a number, not str high"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_a_number_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], value: Any, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        report(lines=2, score=value)
    assert capsys.readouterr().out == ""
