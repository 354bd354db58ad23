"""Other real text for a row to go on with, where an audit hides what the row's own text says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint16]

TOKENS = 1 << 16  # that two bytes can tell apart


class Continuations:
    """Places in a text where it may go on after a token.

    Args:
        rows: Real text (rows, width) that no scored row is part of.
    """

    def __init__(self, rows: Tokens) -> None:
        self._text = np.ascontiguousarray(rows).ravel()
        self._places = np.argsort(self._text, kind="stable")
        self._bounds = np.searchsorted(self._text[self._places], np.arange(TOKENS + 1))

    def draw(self, last: int, size: int, rng: np.random.Generator) -> Tokens:
        """Draw a stretch of the text that follows a token as the text does somewhere.

        The stretch does not depend on how a row really goes on. It may begin with the same token
        by chance: were that excluded, a row would tell which token does not come next.

        Args:
            last: Token before the stretch. Where the text nowhere has it, any stretch will do.
            size: Number of tokens.
            rng: The referee's own generator.
        """
        low, high = self._bounds[last], self._bounds[last + 1]
        if low == high:
            low, high = 0, len(self._text)
        start = int(self._places[rng.integers(low, high)]) + 1
        return self._text[np.arange(start, start + size) % len(self._text)]
