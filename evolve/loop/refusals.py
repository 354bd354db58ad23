"""Reports of proposals that gave no child, few enough that they do not flood a screen."""

from __future__ import annotations

import re
from collections import Counter

PATIENCE = 5  # refusals of one kind by an offline operator, before the first is reported
FACTOR = 10  # from one report of a kind to the next, in refusals
KIND = 60  # characters of a reason that distinguish its kind


class Refusals:
    """Counts them by kind: who refused, and the reason without its numbers."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str, str]]()
        self._next: dict[tuple[str, str], int] = {}
        self._new = Counter[str]()

    def take(self, who: str, reason: str, *, by_model: bool) -> str:
        """Count one.

        Args:
            who: Name of the operator, with its model, that made the proposal.
            reason: Reason why there is no child.
            by_model: Whether a language model made it: that costs, so the first one is reported.

        Returns:
            The report: of the first of a kind, the tenth, the hundredth; else empty.
        """
        kind = who, re.sub(r"\d+", "#", reason)[:KIND]
        self._counts[kind] += 1
        self._new[reason] += 1
        count = self._counts[kind]
        if count < self._next.setdefault(kind, 1 if by_model else PATIENCE):
            return ""
        self._next[kind] *= FACTOR
        return f"{who} gave no child{f', {count} times so far' if count > 1 else ''}: {reason}"

    def since(self) -> str:
        """The refusals since the last call, in one line; empty if there were few."""
        new, self._new = self._new, Counter()
        if new.total() < PATIENCE:
            return ""
        reason, count = new.most_common(1)[0]
        share = "all of them" if count == new.total() else f"{count} of them"
        return f"{new.total()} proposals gave no child meanwhile, {share}: {reason}"
