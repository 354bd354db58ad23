"""The sizes of the task: minutes on one GPU, or seconds on one processor core."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Scale:
    """The size of the task on one kind of machine.

    Attributes:
        seq_len: Context length, in tokens.
        vocab_size: Number of tokens in the vocabulary, special ones included; below 2**15, since
            the loader moves tokens as int16.
        eval_tokens: Number of validation tokens that are scored, fewer where there are not as many.
        seed: File name of the seed genome for this scale.
        source: Name of the text source that is used unless another is named.
    """

    seq_len: int
    vocab_size: int
    eval_tokens: int
    seed: str
    source: str


SCALES = {
    # As in autoresearch: one data-centre GPU, five minutes.
    "gpu": Scale(2048, 8192, 40 * 524_288, "train.py", "climbmix"),
    # One core, five seconds: 0.16 M parameters take some 300 steps of 1,024 tokens. A larger
    # vocabulary scores better in that time, but what it learns is which token follows which: with
    # 1,024 tokens attention is worth next to nothing, with 512 it is worth 0.2 bits per byte.
    # Evaluation takes about 0.7 s; with fewer rows the referee would notice less.
    "cpu": Scale(128, 512, 131_072, "train_cpu.py", "offline"),
}
MIN_EVAL_TOKENS = 65_536  # with fewer, val_bpb is too uncertain to choose by


def detect_scale() -> str:
    """The name of the scale that suits this machine."""
    return "gpu" if torch.cuda.is_available() else "cpu"
