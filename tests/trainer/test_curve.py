from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from population import CurvePoint
from trainer.curve import MOST_POINTS, read_curve, thin

LINE = "step 00088 (97.8%) | loss: 2.5052 | lr: 0.1 | 9 tokens/s | epoch: 1 | remaining: 0s"


def read(folder: Path, text: str) -> tuple[CurvePoint, ...]:
    log = folder / "log"
    log.write_bytes(text.encode("utf-8", "surrogatepass"))
    return read_curve(log, budget=5.0)


@pytest.mark.parametrize(
    ("line", "point"),
    [
        (LINE, (4.89, 88, 2.5052)),
        ("step 3 loss=1e-3", (None, 3, 0.001)),
        ("Iter: 12, train_loss 4", (None, 12, 4.0)),
        ("Loss: -0.5", (None, None, -0.5)),
        ("x" * 9999 + LINE, None),
        ("loss: nan", None),
        ("loss: " + "9" * 390, None),
        ("closses: 3", None),
        ("", None),
    ],
)
def test_a_progress_line_is_a_point(tmp_path: Path, line: str, point: object) -> None:
    assert read(tmp_path, f"device: cpu\n{line}\n") == (() if point is None else (point,))


def test_lines_that_were_written_over_each_other_all_count(tmp_path: Path) -> None:
    text = "".join(f"\rstep {step} loss: {9 - step}" for step in range(4))
    assert [point.loss for point in read(tmp_path, text)] == [9, 8, 7, 6]


def test_the_final_report_is_no_point(tmp_path: Path) -> None:
    assert [p.loss for p in read(tmp_path, "---\nloss: 3\n---\nloss: 1\nval_loss: 2\n")] == [3]


def test_a_long_curve_keeps_its_ends(tmp_path: Path) -> None:
    curve = read(tmp_path, "".join(f"step {step} loss: 1\n" for step in range(10_001)))
    steps = [point.step for point in curve]
    assert len(steps) == MOST_POINTS
    assert (steps[0], steps[-1]) == (0, 10_000)
    gaps = {after - before for before, after in pairwise(steps)}  # type: ignore[operator]
    assert gaps == {33, 34}


@given(st.integers(0, 50), st.integers(2, 50))
def test_thinning_keeps_order_and_repeats_nothing(length: int, most: int) -> None:
    curve = tuple(CurvePoint(None, step, 1.0) for step in range(length))
    thinned = thin(curve, most)
    assert len(thinned) == min(length, most)
    assert list(thinned) == sorted(set(thinned), key=curve.index)


@given(text=st.text(alphabet=st.sampled_from("loss: 1.e+-9()%step\n\r\x1b\ud800")))
def test_whatever_a_genome_prints_is_read(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read(tmp_path_factory.mktemp("any"), text)
