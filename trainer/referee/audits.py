"""What a model is asked besides the scored rows: prefixes before them, the tail after them.

All rows have one length, and go out in whole batches; what a batch lacks are other rows of real
text. A row that hides a token goes on, from there on, with other real text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.referee.continuations import Continuations, Tokens

Indices = NDArray[np.int64]
Masks = NDArray[np.bool_]

REPEATED = 16  # positions of a repeated row that are compared with the row as it was scored


@dataclass(frozen=True)
class AuditPlan:
    """Rows in the order in which they are asked.

    Attributes:
        rows: Tokens (rows, width) that are shown; a whole number of batches.
        targets: Tokens (rows, context) that the answers are about, shown or not.
        asked: Mask (rows, context) of the positions whose losses are wanted.
        columns: Position in its row of each answer, in an order that the plan's maker explains.
        places: Number of each of these answers among the wanted ones, of the same shape.
    """

    rows: Tokens
    targets: Tokens
    asked: Masks
    columns: Indices
    places: Indices


class Auditor:
    """Makes audits of scored rows.

    Args:
        batch: Number of rows in a request.
        continuations: Other real text that rows go on with.
        spare: Rows (rows, width) of real text that fill up a batch.
        rng: The referee's own generator; the child must not be able to guess it.
    """

    def __init__(
        self, batch: int, continuations: Continuations, spare: Tokens, rng: np.random.Generator
    ) -> None:
        self._batch, self._continuations = batch, continuations
        self._spare, self._rng = spare, rng

    def fill_up(self, rows: Tokens) -> Tokens:
        """Rows with others behind them, so that they are whole batches."""
        lacking = -len(rows) % self._batch
        chosen = self._rng.integers(len(self._spare), size=lacking)
        return np.concatenate((rows, self._spare[chosen]))

    def plan_prefixes(self, rows: Tokens, cuts: Indices) -> AuditPlan:
        """Show rows up to some of their positions, and ask for the token behind each.

        A row's prefixes come the shortest first, a batch between any two of them, so that no token
        is shown before its own answer has been given.

        Args:
            rows: Tokens (n, width) of scored rows that were not shown yet.
            cuts: Last position (n, k) that each prefix shows.

        Returns:
            The plan; its columns (n, k) are the cuts.
        """
        shown, meant, positions, numbers = [], [], [], []
        for start in range(0, len(rows), self._batch):
            block = np.arange(start, min(start + self._batch, len(rows)))
            for number in np.argsort(cuts[block], axis=1).T:
                at = cuts[block, number]
                shown.append(self.fill_up(self._hide(rows[block], at)))
                meant.append(np.resize(rows[block, 1:], (self._batch, rows.shape[1] - 1)))
                positions.append(np.pad(at, (0, self._batch - len(at)), constant_values=-1))
                numbers.append(block * cuts.shape[1] + number)
        asked = np.concatenate(positions)[:, None] == np.arange(rows.shape[1] - 1)
        places = np.empty(cuts.size, np.int64)
        places[np.concatenate(numbers)] = np.arange(cuts.size)
        return AuditPlan(
            np.concatenate(shown), np.concatenate(meant), asked, cuts, places.reshape(cuts.shape)
        )

    def plan_tail(self, rows: Tokens, cuts: Indices) -> AuditPlan:
        """Ask rows twice again: as they were, and with other text behind one position.

        A coin decides which comes first; the two are never in one batch.

        Args:
            rows: Tokens (n, width) of scored rows.
            cuts: Position (n,) of each row behind which its twin goes on with other text.

        Returns:
            The plan; its columns (n, 2 + REPEATED) are, for each row, the cut in the twin, the
            cut in the repeated row, and random positions in the repeated row.
        """
        n, context = len(rows), rows.shape[1] - 1
        others = self._rng.integers(context, size=(n, REPEATED))
        both = np.concatenate((self._hide(rows, cuts), rows))
        first = np.arange(n) + n * self._rng.integers(2, size=n)
        orders = [self._rng.permutation(first), self._rng.permutation((first + n) % (2 * n))]
        shown = np.concatenate([self.fill_up(both[order]) for order in orders])
        half = len(shown) // 2
        row_of = np.empty(2 * n, np.int64)  # of the shown rows, by number in `both`
        for start, order in zip((0, half), orders, strict=True):
            row_of[order] = start + np.arange(n)
        columns = np.concatenate((cuts[:, None], cuts[:, None], others), axis=1)
        at_row = np.concatenate((row_of[:n, None], np.repeat(row_of[n:, None], 1 + REPEATED, 1)), 1)
        targets = np.zeros((len(shown), context), np.uint16)
        targets[row_of] = np.tile(rows[:, 1:], (2, 1))
        asked = np.zeros((len(shown), context), bool)
        asked[at_row, columns] = True
        number = np.cumsum(asked.ravel()).reshape(asked.shape) - 1
        return AuditPlan(shown, targets, asked, columns, number[at_row, columns])

    def _hide(self, rows: Tokens, cuts: Indices) -> Tokens:
        """Rows (n, width) that go on with other text behind positions (n,)."""
        hidden = rows.copy()
        width = rows.shape[1]
        for row, cut in zip(hidden, cuts, strict=True):
            row[cut + 1 :] = self._continuations.draw(int(row[cut]), width - cut - 1, self._rng)
        return hidden
