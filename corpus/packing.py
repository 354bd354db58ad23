"""Documents packed into rows of tokens, all of one width, which a loader only copies."""

from __future__ import annotations

import bisect
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from prepare import Tokenizer


def split_document(tokens: np.ndarray, bos: int, width: int) -> Iterator[np.ndarray]:
    """Split a document into pieces of at most `width` tokens, each of which starts with BOS.

    autoresearch drops what exceeds a row; with a short context that is most of the text.
    """
    for start in range(0, len(tokens), width - 1):
        yield np.concatenate((np.array([bos], np.uint16), tokens[start : start + width - 1]))


def pack_rows(
    pieces: Iterator[np.ndarray], width: int, pool: int = 4096
) -> Iterator[tuple[np.ndarray, int]]:
    """Pack pieces into full rows by best fit.

    The longest waiting piece that still fits comes next. Where none fits, the shortest is cropped,
    since that loses least. The last pieces, which fill no row, are dropped.

    Args:
        pieces: Arrays of 1 to `width` tokens.
        width: Number of tokens in a row.
        pool: Number of pieces that wait, to choose from.

    Yields:
        A row, and the number of tokens that were cropped for it.
    """
    waiting: list[np.ndarray] = []  # the shortest first
    while True:
        for piece in itertools.islice(pieces, pool - len(waiting)):
            bisect.insort(waiting, piece, key=len)
        row: list[np.ndarray] = []
        left, cropped = width, 0
        while left and waiting:
            best = max(bisect.bisect_right(waiting, left, key=len) - 1, 0)
            oldest = bisect.bisect_left(waiting, len(waiting[best]), key=len)  # of this length
            piece = waiting.pop(oldest)
            row.append(piece[:left])
            cropped += max(len(piece) - left, 0)
            left -= len(row[-1])
        if left:
            return
        yield np.concatenate(row), cropped


def write_rows(
    path: Path,
    tokenizer: Tokenizer,
    texts: Iterator[str],
    width: int,
    advance: Callable[[int], None],
) -> int:
    """Tokenise texts and pack them into the rows of a new file.

    Args:
        path: File of little-endian uint16 tokens to write.
        tokenizer: Tokenizer of the set.
        texts: Documents.
        width: Number of tokens in a row.
        advance: Called with the number of bytes of each text that is done.

    Returns:
        The number of rows.
    """
    count: Counter[str] = Counter()

    def tokenise() -> Iterator[np.ndarray]:
        while batch := list(itertools.islice(texts, 1024)):
            encoded = tokenizer.encode(batch, num_threads=os.cpu_count() or 1)
            for text, ids in zip(batch, encoded, strict=True):
                size = len(text.encode())
                advance(size)
                count.update(documents=1, bytes=size, tokens=len(ids))
                yield from split_document(np.array(ids, np.uint16), tokenizer.bos_token_id, width)

    with open(path, "wb") as file:
        for row, cropped in pack_rows(tokenise(), width):
            file.write(row.astype("<u2").tobytes())
            count.update(rows=1, cropped=cropped)
    print(
        f"{path.stem}: {count['documents']:,} documents, {count['bytes'] / 1e6:.1f} MB, "
        f"{count['tokens']:,} tokens, {count['rows']:,} rows, {count['cropped']:,} tokens cropped"
    )
    return count["rows"]


def move_scored_first(path: Path, width: int, count: int) -> None:
    """Move `count` rows, spread evenly over the file, to its beginning: those are scored."""
    rows = np.fromfile(path, "<u2").reshape(-1, width)
    chosen = np.zeros(len(rows), bool)
    chosen[np.arange(count) * len(rows) // count] = True
    np.concatenate((rows[chosen], rows[~chosen])).tofile(path)
