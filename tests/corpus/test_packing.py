"""From documents to full rows."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.packing import pack_rows, split_document


@given(st.lists(st.integers(1, 100), max_size=200), st.integers(2, 40), st.integers(0, 100))
def test_packing_uses_each_piece_once_and_crops_only_what_does_not_fit(
    lengths: list[int], width: int, extra: int
) -> None:
    bos, pool = 7, width + extra
    starts = 101 * np.arange(len(lengths))
    documents = [
        np.arange(a, a + n).astype(np.uint16) + 8 for a, n in zip(starts, lengths, strict=True)
    ]
    all_pieces = []
    for document in documents:
        parts = list(split_document(document, bos, width))
        assert all(len(x) <= width and x[0] == bos for x in parts)
        assert np.array_equal(np.concatenate([x[1:] for x in parts]), document)
        all_pieces += parts
    left = Counter(tuple(x.tolist()) for x in all_pieces)
    for row, cropped in pack_rows(iter(all_pieces), width, pool):
        assert len(row) == width
        assert row[0] == bos
        starts = [*np.flatnonzero(row == bos).tolist(), width]
        parts = [tuple(row[a:b].tolist()) for a, b in pairwise(starts)]
        for part in parts[: len(parts) - (cropped > 0)]:
            assert left[part] > 0
            left[part] -= 1
        if cropped:  # only the last one, and it was longer than what was left
            whole = [x for x in left if left[x] and x[: len(parts[-1])] == parts[-1]]
            whole = [x for x in whole if len(x) - len(parts[-1]) == cropped]
            assert whole
            left[whole[0]] -= 1
    dropped = sum(len(x) * n for x, n in left.items())
    assert dropped < width  # what remains at the end fills no row


def test_packing_loses_nothing_that_fits() -> None:
    fits = [np.array([7] * n, np.uint16) for n in (5, 3, 2, 8, 6, 4, 4, 10, 10, 1, 1, 6)]
    rows = list(pack_rows(iter(fits), 10))
    assert len(rows) == 6
    assert sum(cropped for _, cropped in rows) == 0
