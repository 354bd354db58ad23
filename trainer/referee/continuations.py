"""Other real text for a row to go on with, where an audit hides what the row's own text says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint16]


class Continuations:
    """Places in a text where it may go on after a token.

    Args:
        rows: Real text (rows, width) that no scored row is part of.
    """

    def __init__(self, rows: Tokens) -> None:
        self._text = np.ascontiguousarray(rows).ravel()
        self._places = np.argsort(self._text, kind="stable")
        self._sorted = self._text[self._places]

    def draw(self, last: int, hidden: int, size: int, rng: np.random.Generator) -> Tokens:
        """Draw a stretch of the text that follows a token as the text does somewhere.

        Args:
            last: Token before the stretch. Where the text nowhere has it, any stretch will do.
            hidden: Token that the stretch must not begin with.
            size: Number of tokens.
            rng: The referee's own generator.
        """
        low, high = np.searchsorted(self._sorted, [last, last + 1])
        starts = (self._places[low:high] + 1) % len(self._text)
        starts = starts[self._text[starts] != hidden]
        if not len(starts):
            starts = np.flatnonzero(self._text != hidden)
        start = int(starts[rng.integers(len(starts))])
        return self._text[np.arange(start, start + size) % len(self._text)]
