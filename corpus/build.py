"""Builds a set of rows and its tokenizer from a corpus, and puts it in place.

The data folder (`prepare.DATA_DIR`):

    meta.json              what is prepared and where; replacing this file is the commit
    SET/tokenizer.json     the split pattern, and the bytes of each token in base64, by id
    SET/{train,val}.bin    rows of MAX_SEQ_LEN + 1 little-endian uint16 tokens
    climbmix/              downloaded shards, kept for the next time
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from corpus.packing import move_scored_first, write_rows
from corpus.progress import Progress, format_size
from corpus.scales import MIN_EVAL_TOKENS, SCALES, Scale
from corpus.sources import Corpus, TextSource, hash_text
from corpus.tokenizer import train_tokenizer
from prepare import DATA_DIR, FORMAT, DataError, Prepared, Tokenizer

TOKENIZER_BYTES = 64_000_000  # of text that the tokenizer learns from, at most
LEAST_BYTES = 4 * MIN_EVAL_TOKENS  # less cannot do: a quarter validates, a token has a byte or more
TOKEN_BYTES = 2.5  # of a token of English, before the text has been tokenised


@contextlib.contextmanager
def open_workspace() -> Iterator[Path]:
    """An empty folder for one preparation at a time; the lock goes with the process."""
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    folder = DATA_DIR / ".preparing"
    with open(DATA_DIR / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another preparation is at work in {DATA_DIR}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)  # left by a preparation that was killed
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def build_set(source: TextSource, corpus: Corpus, scale_name: str, work: Path) -> Prepared:
    """Tokenise and pack a corpus into a new set, and make it the current one.

    Args:
        source: Source of the corpus.
        corpus: Text to prepare.
        scale_name: Key of SCALES.
        work: Empty folder on the file system of the data folder.

    Raises:
        DataError: The text is too little or too uniform.
    """
    scale = SCALES[scale_name]
    signature = source.signature()
    if corpus.size < LEAST_BYTES:
        raise DataError(_too_little(source, corpus.size, TOKEN_BYTES * LEAST_BYTES))
    tokenizer = _make_tokenizer(corpus, scale, work)
    train_rows, val_rows = _make_rows(corpus, tokenizer, scale, work)
    have = val_rows * scale.seq_len
    if have < MIN_EVAL_TOKENS or not train_rows:
        needed = corpus.size * MIN_EVAL_TOKENS / max(have, 1000)
        raise DataError(_too_little(source, corpus.size, needed))
    eval_rows = min(scale.eval_tokens // scale.seq_len, val_rows)
    move_scored_first(work / "val.bin", scale.seq_len + 1, eval_rows)

    digest = _digest_file(work / "tokenizer.json")[:16]
    rows = (_digest_file(work / "train.bin"), _digest_file(work / "val.bin"))
    facts = (FORMAT, scale.seq_len, eval_rows, digest, *rows)
    meta = Prepared(
        scale=scale_name,
        source=source.identity,
        signature=signature,
        corpus=corpus.description,
        num_shards=corpus.num_shards,
        seq_len=scale.seq_len,
        eval_rows=eval_rows,
        train_rows=train_rows,
        val_rows=val_rows,
        tokenizer=f"{scale.vocab_size} tokens, {digest}",
        fingerprint=hashlib.sha256(repr(facts).encode()).hexdigest()[:16],
    )
    _commit(meta, work)
    return meta


def _make_tokenizer(corpus: Corpus, scale: Scale, work: Path) -> Tokenizer:
    """Train the tokenizer on a sample of the corpus."""
    print(f"learning a vocabulary of {scale.vocab_size} tokens ...", flush=True)
    # the low bits of the hash choose the sample, since the high ones may have chosen the part
    limit = min(1, TOKENIZER_BYTES / corpus.size) * 2**32
    sample = (text[:10_000] for text in corpus.train() if hash_text(text) % 2**32 < limit)
    train_tokenizer(sample, scale.vocab_size, work)
    return Tokenizer.from_directory(work)


def _make_rows(corpus: Corpus, tokenizer: Tokenizer, scale: Scale, work: Path) -> tuple[int, int]:
    """Write train.bin and val.bin; how many rows each has."""
    width = scale.seq_len + 1
    label = f"tokenising and packing {corpus.size / 1e6:.0f} MB"
    advance = Progress(label, corpus.size).advance
    val_rows = write_rows(work / "val.bin", tokenizer, corpus.val(), width, advance)
    train_rows = write_rows(work / "train.bin", tokenizer, corpus.train(), width, advance)
    return train_rows, val_rows


def _commit(meta: Prepared, work: Path) -> None:
    """Move a set to where its meta says, replace meta.json, delete the sets that it replaces."""
    meta.path("").mkdir(exist_ok=True)
    for path in work.iterdir():  # a set of this name has the same content, so none is ever mixed
        os.replace(path, meta.path(path.name))
    new = work / "meta.json"
    new.write_text(json.dumps({"format": FORMAT} | asdict(meta)), encoding="utf-8")
    os.replace(new, DATA_DIR / "meta.json")
    for old in DATA_DIR.glob("*/tokenizer.json"):
        if old != meta.path("tokenizer.json"):
            shutil.rmtree(old.parent)
            print(f"deleted the data that were there before: {old.parent}")


def _too_little(source: TextSource, size: int, enough: float) -> str:
    """The message that a text is too short; sizes in bytes."""
    return (
        f"{source.identity} is too little text: it has {format_size(size)}, and about "
        f"{1.2 * enough / 1e6:.1f} MB are needed for {MIN_EVAL_TOKENS:,} tokens of validation text"
    )


def _digest_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
