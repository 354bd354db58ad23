from __future__ import annotations

import math

import pytest

from trainer.referee.claims import find_impossible_claim, measure_core

HONEST = {
    "num_params_M": 0.4,
    "num_embeddings_M": 0.1,
    "total_tokens_M": 0.2,
    "training_seconds": 5.0,
    "peak_vram_mb": 0.0,
}


def claim(on_core: bool = True, **changes: float) -> str:
    return find_impossible_claim(
        HONEST | changes, on_core=on_core, peak_bytes=300 << 20, vocabulary=1024
    )


def test_what_a_core_can_do_is_possible() -> None:
    assert claim() == ""
    assert claim(total_tokens_M=0.6) == ""
    assert claim(num_params_M=50, num_embeddings_M=49.9) == "", "embeddings are looked up"
    assert claim(on_core=False, num_params_M=80, total_tokens_M=900, training_seconds=300) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"num_params_M": 1e-3, "num_embeddings_M": 0, "total_tokens_M": 6500.0},
        {"total_tokens_M": 500.0},
        {"num_params_M": 250.0},
        {"num_embeddings_M": 1e9, "total_tokens_M": 6500.0},
    ],
)
def test_more_than_a_core_can_compute_is_impossible(changes: dict[str, float]) -> None:
    assert "more than the device can compute" in claim(**changes)


def test_parameters_need_memory() -> None:
    assert "memory" in claim(num_params_M=400, num_embeddings_M=400)
    large = {"num_params_M": 400.0, "num_embeddings_M": 400.0}
    assert "memory" in claim(on_core=False, **large)
    assert "memory" in claim(on_core=True, peak_vram_mb=2000.0, **large), "a core has no such"
    assert claim(on_core=False, peak_vram_mb=2000.0, **large) == ""
    for memory in (1e9, math.inf, math.nan, -1.0):
        assert "memory" in claim(on_core=False, num_params_M=1e6, peak_vram_mb=memory)


def test_a_core_computes_between_a_billion_and_a_quadrillion_operations() -> None:
    assert 1e9 < measure_core() < 1e15
