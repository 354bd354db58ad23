"""Rows of real text that fork and meet again: what a model is asked to see whether it reads ahead.

A *diamond* is two stretches of the validation text, of one length, that follow the same tokens,
begin with different ones and end with the same two. So either may stand in the place of the other,
and neither entry nor exit looks unlike the text around it. A *pair* is two rows that are equal but
for their diamonds: at each, a fair coin decides which row shows which stretch.

Forks come everywhere: at the beginning of a row and in its last token, behind the beginning of a
document, soon and long after the fork before. Most follow the same two tokens; some only the same
one, since most pairs of tokens are too rare to be found twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint16]

LENGTHS = range(6, 17, 2)  # tokens of a stretch
LEADS = (2, 3, 4, 6, 9, 14)  # shared tokens between a diamond and the next, one of these at least
SETTLED = 12  # shared tokens after which a cut counts as having an ordinary context
SHARE_OF_ONE = 0.3  # of the forks that need share but one token with what they follow
BITS = 16  # of a token
ANY = (1 << BITS) - 1  # stands for a token that does not matter


@dataclass(frozen=True)
class Cut:
    """Where a pair forks: inputs up to and with `position` are followed by different tokens.

    Attributes:
        position: of the last input before the fork, from 0; its answer is about what comes next.
        first, second: what the first and the second row show next.
        hidden: what really came next in the text, if neither row shows it and the context is an
            ordinary one; else None.
    """

    position: int
    first: int
    second: int
    hidden: int | None


@dataclass(frozen=True)
class Pair:
    """Two rows, (width,) each, and where they fork."""

    rows: tuple[Tokens, Tokens]
    cuts: tuple[Cut, ...]


class Diamonds:
    """All diamonds of a text, ready to be drawn.

    Args:
        rows: (rows, width) tokens of real text, each row led by `bos`.
        bos: the token that begins a document.
    """

    def __init__(self, rows: Tokens, bos: int) -> None:
        self._rows, self._bos = rows, bos
        parts = [_groups(rows, bos, by_two) for by_two in (True, False)]
        keys, found = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(keys, kind="stable")
        self._keys, self._found = keys[order], found[order]

    def __len__(self) -> int:
        return len(self._found)

    def draw(self, count: int, rng: np.random.Generator) -> list[Pair]:
        """That many pairs of rows; fewer where the text has too few diamonds.

        Raises:
            ValueError: the text has hardly any: it is too short.
        """
        pairs: list[Pair] = []
        for _ in range(4 * count):
            if len(pairs) == count:
                return pairs
            pair = self._pair(rng)
            if pair.cuts:
                pairs.append(pair)
        if 2 * len(pairs) < count:
            raise ValueError(
                f"only {len(pairs)} of {count} pairs of rows could be made of the text"
            )
        return pairs

    def _pair(self, rng: np.random.Generator) -> Pair:
        """Follow real text from the start of a row, and fork wherever a diamond allows it."""
        width = self._rows.shape[1]
        first: list[int] = []
        second: list[int] = []
        cuts: list[Cut] = []
        row, column = int(rng.integers(len(self._rows))), 0
        shared, lead = 0, int(rng.choice(LEADS)) if rng.random() < 0.5 else 1
        while len(first) < width:
            if column == width:  # the text is at its end: another row follows, as packing does it
                row, column = int(rng.integers(len(self._rows))), 0
            true = int(self._rows[row, column])
            diamond = self._at(first, rng) if shared >= lead else None
            if diamond is None:
                first.append(true)
                second.append(true)
                column, shared = column + 1, shared + 1
                continue
            a_row, a, b_row, b, length = diamond
            if rng.random() < 0.5:
                a_row, a, b_row, b = b_row, b, a_row, a
            shown = int(self._rows[a_row, a]), int(self._rows[b_row, b])
            plain = shared >= SETTLED and true not in (*shown, self._bos)
            cuts.append(Cut(len(first) - 1, *shown, true if plain else None))
            first += self._rows[a_row, a : a + length].tolist()
            second += self._rows[b_row, b : b + length].tolist()
            # the text goes on as it does behind one of the two: behind which, a coin says
            row, column = (a_row, a) if rng.random() < 0.5 else (b_row, b)
            column, shared, lead = column + length, 2, int(rng.choice(LEADS))
        # a row may end within a diamond
        return Pair((_row(first[:width]), _row(second[:width])), tuple(cuts))

    def _at(self, text: Sequence[int], rng: np.random.Generator) -> tuple[int, ...] | None:
        """A diamond that may follow a text: (row, column, row, column, length)."""
        before = text[-2] if len(text) > 1 else self._bos
        by_two = rng.random() >= SHARE_OF_ONE
        key = _keys(np.array([before]), np.array([text[-1]]), self._bos, by_two)
        low, high = np.searchsorted(self._keys, [key[0], key[0] + 1])
        if low == high:
            return None
        return tuple(int(x) for x in self._found[rng.integers(low, high)])


def _row(tokens: list[int]) -> Tokens:
    return np.array(tokens, np.uint16)


def _keys(
    before: NDArray[np.int64], last: NDArray[np.int64], bos: int, by_two: bool
) -> NDArray[np.int64]:
    """What a stretch follows, as a number: two tokens, or one; a document's beginning is one."""
    left = np.where(last == bos, bos, before if by_two else ANY)
    return (left.astype(np.int64) << BITS) | last


def _groups(rows: Tokens, bos: int, by_two: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Diamonds by what they follow.

    Occurrences with equal entry and exit are sorted to lie side by side; neighbours are matched.

    Returns:
        (n,) keys, and (n, 5): row, column, row, column, length.
    """
    width = rows.shape[1]
    wide = rows.astype(np.int64)
    before = np.concatenate((np.full((len(rows), 1), bos), wide[:, :-2]), axis=1)
    entries = _keys(before, wide[:, :-1], bos, by_two)  # of column c + 1
    exits = (wide[:, :-1] << BITS) | wide[:, 1:]
    keys, found = [], []
    for length in LENGTHS:
        starts = np.arange(1, width - length + 1)
        entry, exit_ = entries[:, starts - 1].ravel(), exits[:, starts + length - 2].ravel()
        begins = wide[:, starts].ravel()
        row, column = (x.ravel() for x in np.meshgrid(range(len(rows)), starts, indexing="ij"))
        order = np.lexsort((begins, exit_, entry))
        same = (np.diff(entry[order]) == 0) & (np.diff(exit_[order]) == 0)
        fork = np.diff(begins[order]) != 0
        fork &= (begins[order][1:] != bos) & (begins[order][:-1] != bos)
        left = np.flatnonzero(same & fork)
        one, other = order[left], order[left + 1]
        keys.append(entry[one])
        size = np.full(len(left), length)
        found.append(np.stack((row[one], column[one], row[other], column[other], size), axis=1))
    return np.concatenate(keys), np.concatenate(found)
