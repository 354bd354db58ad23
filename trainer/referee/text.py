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

from trainer.referee.continuations import Continuations, Tokens
from trainer.referee.control_variates import Bigrams, count_bigrams
from trainer.referee.rules import WARMUP_ROWS

SPECIAL_TOKENS = 4  # behind the ordinary ones; the first begins a document
FETCHED_BYTES = 1 << 30  # of the scored rows' logits
SPARE_TOKENS = 400_000  # of real text that rows of audits go on with, at most


class TextError(Exception):
    """The prepared data cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Text:
    """Prepared data, opened.

    Attributes:
        tokenizer: Descriptor of tokenizer.json for a child to read. This file and the next two are
            sealed copies in memory, since a child could open a descriptor anew for writing.
        train: Descriptor of the training rows.
        warmup: Descriptor of a few of these with their tokens shuffled.
        scored: Rows (rows, width) uint16 that decide the fitness.
        spare: Rows (rows, width) uint16 that are not scored: validation text, or where there is too
            little of it training text. They fill up batches.
        sizes: Bytes of each token (vocabulary,); 0 for special ones, which come last.
        bos: Token that begins a document, the first of the special ones.
        width: Number of tokens in a row.
        continuations: Stretches of the spare rows.
        bigrams: Frequencies of tokens in the training rows.
        fetched_bytes: Size of the scored rows' logits that a child hands over, at most. Where there
            are more, it commits to the losses of all, and a random share of the logits is fetched.
    """

    tokenizer: int
    train: int
    warmup: int
    scored: Tokens
    spare: Tokens
    sizes: NDArray[np.int64]
    bos: int
    width: int
    continuations: Continuations
    bigrams: Bigrams
    fetched_bytes: int = FETCHED_BYTES


def open_text(folder: Path, seq_len: int, eval_rows: int) -> Text:
    """Open a prepared set, as prepare.py describes it at its top.

    The copies in memory take as much of it as the training rows do on the disk.

    Args:
        folder: Folder of the set.
        seq_len: Tokens of context; a row has one more.
        eval_rows: Number of rows that are scored, the first ones of val.bin.

    Raises:
        TextError: A file is missing or damaged.
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
    training = train.view("<u2").reshape(-1, seq_len + 1)
    rest = rows[eval_rows:] if len(rows) - eval_rows > eval_rows // 4 else training
    spare = np.array(rest[: SPARE_TOKENS // (seq_len + 1)])
    return Text(
        tokenizer=_seal("tokenizer", tokenizer),
        train=_seal("train", train.data),
        warmup=_seal("warmup", _shuffle_rows(training)),
        scored=np.array(rows[:eval_rows]),
        spare=spare,
        sizes=np.array(sizes + [0] * SPECIAL_TOKENS),
        bos=len(sizes),
        width=seq_len + 1,
        continuations=Continuations(spare),
        bigrams=count_bigrams(training, len(sizes) + SPECIAL_TOKENS),
    )


def _shuffle_rows(training: Tokens) -> bytes:
    """Rows to warm up with, spread over the training text: its words, but nothing to learn."""
    chosen = np.array(training[np.arange(WARMUP_ROWS) * len(training) // WARMUP_ROWS])
    shuffled = np.random.default_rng(0).permuted(chosen[:, 1:], axis=1)
    return np.concatenate((chosen[:, :1], shuffled), axis=1).tobytes()


def _seal(name: str, data: bytes | memoryview) -> int:
    """A file in memory that nobody can change any more, open for reading."""
    writable = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(writable, "wb") as file:
        file.write(data)
        file.flush()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(writable, fcntl.F_ADD_SEALS, seals)
        return os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
