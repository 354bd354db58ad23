"""What a genome says of its size and speed, within what is physically possible.

`prepare.py` counts parameters and tokens in the child, where a genome can change them. They only
choose the cell of the archive, but a cell that nobody can reach is won without a rival.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

SIDE = 64  # of the products that a core is measured by: small enough for one thread
PRODUCTS = 2000
CORE_MARGIN = 6.0  # such products reach 2/3 of the peak; bf16 doubles it, a shared core halves it
MATRIX_MARGIN = 16.0  # more for a core with matrix units (AMX), which numpy does not use
GPU_ARITHMETIC = 2e16  # operations a second, above every GPU's peak at any precision
GPU_MEMORY = 5e11  # bytes, more than any GPU has
BYTES = 1.0  # of memory that a parameter takes, at least


def find_impossible_claim(
    numbers: Mapping[str, float], *, on_core: bool, peak_bytes: int, vocabulary: int
) -> str:
    """Say what cannot be true of what a run reports; an empty string if nothing.

    Training takes six operations for each token and each parameter that is multiplied (Kaplan et
    al. 2020, arXiv 2001.08361); embeddings are looked up. A softmax is at least as much as one
    parameter for each token of the vocabulary.

    Args:
        numbers: Report: num_params_M, num_embeddings_M, total_tokens_M, training_seconds, and the
            memory of a GPU in peak_vram_mb. Who reports more parameters than memory contradicts
            itself.
        on_core: Whether the child ran on one processor core; else on a GPU.
        peak_bytes: Peak resident memory of its processes.
        vocabulary: Number of tokens in the vocabulary.
    """
    parameters = numbers.get("num_params_M", 0) * 1e6
    multiplied = parameters - min(numbers.get("num_embeddings_M", 0) * 1e6, parameters)
    tokens, seconds = numbers.get("total_tokens_M", 0) * 1e6, numbers.get("training_seconds", 0)
    reported = max(0.0, numbers.get("peak_vram_mb", 0.0) * 2**20)  # NaN is none
    on_gpu = 0.0 if on_core else min(reported, GPU_MEMORY)
    if parameters * BYTES > peak_bytes + on_gpu:
        memory = f"{peak_bytes + on_gpu:.3g} bytes of memory"
        return f"it reports {parameters:.3g} parameters, more than fit into its {memory}"
    arithmetic = measure_core() if on_core else GPU_ARITHMETIC
    if 6 * max(multiplied, vocabulary) * tokens > arithmetic * max(seconds, 1e-3):
        return (
            f"it reports {tokens:.3g} tokens in {seconds:.3g} s with {parameters:.3g} parameters, "
            "more than the device can compute"
        )
    return ""


@functools.cache
def measure_core() -> float:
    """Measure the operations a second that one core can do at most, by small products."""
    a = np.ones((SIDE, SIDE), np.float32)
    out = np.empty_like(a)
    best = float("inf")
    for _ in range(5):
        begun = time.thread_time()
        for _ in range(PRODUCTS // 5):
            np.matmul(a, a, out=out)
        best = min(best, time.thread_time() - begun)
    rate = 2 * SIDE**3 * (PRODUCTS // 5) / best
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    return rate * CORE_MARGIN * (MATRIX_MARGIN if "amx_bf16" in flags else 1.0)
