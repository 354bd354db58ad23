"""What is said of proposals that gave no child: a model that always refuses floods no screen."""

from __future__ import annotations

import re
from collections import Counter

PATIENCE = 5  # refusals of one kind by an operator that asks no model, before the first is told
FACTOR = 10  # from one telling of a kind to the next
KIND = 60  # characters that tell one kind of reason from another


class Refusals:
    """Counts them by kind: who refused, and the reason without its numbers."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str, str]]()
        self._next: dict[tuple[str, str], int] = {}
        self._new = Counter[str]()

    def take(self, who: str, reason: str, *, by_model: bool) -> str:
        """Take note of one.

        Args:
            who: made the proposal.
            reason: why there is no child.
            by_model: whether it was a language model's, which costs, so that its first is told.

        Returns:
            What to say of it: the first of a kind, then the tenth, the hundredth; else empty.
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
