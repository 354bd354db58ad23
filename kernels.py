"""Stands in for the package `kernels` where a kernel cannot be had.

Scripts for karpathy/autoresearch fetch flash attention when they start, which a sandbox without a
network cannot:

    from kernels import get_kernel
    fa3 = get_kernel("varunneal/flash-attention-3").flash_attn_interface
    y = fa3.flash_attn_func(q, k, v, causal=True, window_size=(left, 0))

This file lies beside the genome, in front of the package. Where the package is installed and finds
the kernel in its cache (`prepare.py` fetches it there), that one is used; else the function above
is PyTorch's own attention, which computes the same, and the log says so.
"""

import functools
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

FLASH = ("flash-attn", "flash-attention")  # in the names of the kernels that can be stood in for


def get_kernel(repo_id: str, *args: Any, **options: Any) -> Any:
    """The kernel of that name, or for flash attention what stands in for it.

    Raises:
        Exception: Whatever the package raises where another kernel cannot be had.
    """
    if not args and "version" not in options:
        options.setdefault("revision", "main")  # which is the one that `prepare.py` fetches
    try:
        return load_package().get_kernel(repo_id, *args, **options)
    except Exception as error:
        if not any(name in repo_id for name in FLASH):
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
    print(f"NOTE: PyTorch's own attention stands in for {repo_id}: {reason}", flush=True)
    interface = SimpleNamespace(flash_attn_func=flash_attn_func)
    return SimpleNamespace(flash_attn_interface=interface, flash_attn_func=flash_attn_func)


def load_package() -> Any:
    """Import the package that this file hides.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    here = Path(__file__).resolve().parent
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != here]
    spec = PathFinder.find_spec("kernels", elsewhere)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("the package kernels is not installed")
    hidden, package = sys.modules["kernels"], importlib.util.module_from_spec(spec)
    sys.modules["kernels"] = package  # its own modules import each other by that name
    try:
        spec.loader.exec_module(package)
    except BaseException:
        sys.modules["kernels"] = hidden
        raise
    return package


def flash_attn_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: tuple[int, int] = (-1, -1),
) -> torch.Tensor:
    """Attention over queries (B, T, H, D), keys and values (B, S, G, D), G dividing H.

    Args:
        q: Queries.
        k: Keys.
        v: Values.
        softmax_scale: Factor of the scores; None is 1 / sqrt(D).
        causal: Whether a query sees no key behind itself; the last query stands at the last key.
        window_size: Number of keys before and behind itself that a query sees; -1 is all.

    Returns:
        Weighted values, shape (B, T, H, D).
    """
    queries, keys, left, right = q.shape[1], k.shape[1], window_size[0], window_size[1]
    right = 0 if causal else right
    mask, plain = None, causal and queries == keys and not 0 <= left < keys - 1
    if not plain and (left >= 0 or right >= 0):
        mask = _make_mask(queries, keys, left, right, q.device)
    turned = [x.transpose(1, 2).to(q.dtype) for x in (q, k, v)]
    y = F.scaled_dot_product_attention(
        turned[0],
        turned[1],
        turned[2],
        attn_mask=mask,
        is_causal=plain,
        scale=softmax_scale,
        enable_gqa=q.shape[2] != k.shape[2],
    )
    return y.transpose(1, 2)


@functools.lru_cache(maxsize=16)
def _make_mask(
    queries: int, keys: int, left: int, right: int, device: torch.device
) -> torch.Tensor:
    """Mask of the keys that each query sees, bool (queries, keys)."""
    place = torch.arange(queries, device=device)[:, None] + keys - queries
    key = torch.arange(keys, device=device)[None, :]
    seen = torch.ones(queries, keys, dtype=torch.bool, device=device)
    if left >= 0:
        seen &= key >= place - left
    if right >= 0:
        seen &= key <= place + right
    return seen
