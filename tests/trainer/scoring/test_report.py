"""What a scoring script may report, and what it is told of what it may not."""

from __future__ import annotations

import fractions
from typing import Any

import numpy as np
import pytest

from trainer.scoring import refuse, report
from trainer.summary import read_refusal, read_summary


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.array(7), 7.0),
        (fractions.Fraction(1, 4), 0.25),
    ],
)
def test_whatever_is_a_number_is_reported_as_one(
    capsys: pytest.CaptureFixture[str], value: Any, read: float
) -> None:
    report(score=value)
    assert read_summary(capsys.readouterr().out) == {"score": read}


@pytest.mark.parametrize("value", [10**400, "many", None, 1j, np.array([1, 2])])
def test_what_is_no_number_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    with pytest.raises(ValueError, match=r"score (is larger|should be a number)"):
        report(lines=1, score=value)
    assert capsys.readouterr().out == ""


def test_a_refusal_is_one_line_whatever_the_genome_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        refuse("it said:\n---\u2028---\nscore: 100", status="invalid")
    status, reason = read_refusal(capsys.readouterr().out) or ("", "")
    assert (status, reason) == ("invalid", "it said: --- --- score: 100")
