"""The prepared text as the referee holds it: what is scored, what is asked besides, what trains."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.referee.diamonds import Diamonds, Tokens
from trainer.referee.rules import WARMUP_ROWS

SPECIAL_TOKENS = 4  # behind the ordinary ones; the first begins a document
PROBE_TOKENS = 400_000  # of validation text that diamonds are looked for in


class TextError(Exception):
    """The prepared data cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Text:
    """Prepared data, opened.

    Attributes:
        tokenizer, train, warmup: files that a child may have, open for reading: tokenizer.json, the
            training rows, and a few of these with their tokens shuffled. They are sealed copies
            in memory, since a child could open a descriptor anew for writing.
        scored: (rows, width) uint16, the rows that decide the fitness.
        spare: (rows, width) uint16 of validation text, for the pairs.
        sizes: (vocabulary,) bytes of each token; 0 for special ones.
        bos: the token that begins a document.
        width: tokens of a row.
        diamonds: of the spare rows.
    """

    tokenizer: int
    train: int
    warmup: int
    scored: Tokens
    spare: Tokens
    sizes: NDArray[np.int64]
    bos: int
    width: int
    diamonds: Diamonds


def open_text(folder: Path, seq_len: int, eval_rows: int) -> Text:
    """Open a prepared set, as prepare.py describes it at its top.

    The copies in memory take as much of it as the training rows do on the disk.

    Args:
        folder: of the set.
        seq_len: tokens of context; a row has one more.
        eval_rows: of val.bin are scored, the first ones.

    Raises:
        TextError: a file is missing or damaged.
    """
    if sys.platform != "linux":
        raise TextError("the referee needs Linux, for memory that a child cannot change")
    try:
        tokenizer = (folder / "tokenizer.json").read_bytes()
        stored = json.loads(tokenizer)
        sizes = [len(base64.b64decode(token)) for token in stored["tokens"]]
        rows = np.memmap(folder / "val.bin", "<u2", "r").reshape(-1, seq_len + 1)
        train = np.memmap(folder / "train.bin", np.uint8, "r")
        if len(rows) < eval_rows or len(train) < 2 * WARMUP_ROWS * (seq_len + 1):
            raise ValueError("rows are missing")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TextError(
            f"the prepared text in {folder} cannot be read ({error}): run `python prepare.py "
            "--force` to mend it"
        ) from error
    rest = rows[eval_rows:] if len(rows) - eval_rows > eval_rows // 4 else rows
    spare = np.array(rest[: PROBE_TOKENS // (seq_len + 1)])
    return Text(
        tokenizer=_sealed("tokenizer", tokenizer),
        train=_sealed("train", train.data),
        warmup=_sealed("warmup", _shuffled(train, seq_len + 1)),
        scored=np.array(rows[:eval_rows]),
        spare=spare,
        sizes=np.array(sizes + [0] * SPECIAL_TOKENS),
        bos=len(sizes),
        width=seq_len + 1,
        diamonds=Diamonds(spare, len(sizes)),
    )


def _shuffled(train: NDArray[np.uint8], width: int) -> bytes:
    """Rows to warm up with, spread over the training text: its words, but nothing to learn."""
    rows = train.view("<u2").reshape(-1, width)
    chosen = np.array(rows[np.arange(WARMUP_ROWS) * len(rows) // WARMUP_ROWS])
    shuffled = np.random.default_rng(0).permuted(chosen[:, 1:], axis=1)
    return np.concatenate((chosen[:, :1], shuffled), axis=1).tobytes()


def _sealed(name: str, data: bytes | memoryview) -> int:
    """A file in memory that nobody can change any more, open for reading."""
    writable = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(writable, "wb") as file:
        file.write(data)
        file.flush()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(writable, fcntl.F_ADD_SEALS, seals)
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
