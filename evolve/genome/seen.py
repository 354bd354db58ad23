"""The genomes that were tried: what is new, now and as of an earlier moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class Known:
    """The hashes of the genomes that were tried, in the order of their ids.

    One thread adds, others may look meanwhile.

    Args:
        genomes: the hashes of each, exact and near; empty ones count for nothing.
    """

    def __init__(self, genomes: Iterable[tuple[str, str]] = ()) -> None:
        self._since: dict[str, int] = {}
        self._count = 0
        for exact, near in genomes:
            self.add(exact, near)

    def add(self, exact: str, near: str) -> None:
        """Take note of one genome more."""
        for text in (exact, near):
            if text:
                self._since.setdefault(text, self._count)
        self._count += 1

    def __len__(self) -> int:
        """How many genomes are known."""
        return self._count

    def __contains__(self, text: object) -> bool:
        """Whether a genome has this hash."""
        return text in self._since

    def as_of(self, count: int) -> Earlier:
        """What was known when there were so many genomes."""
        return Earlier(self._since, count)


@dataclass(frozen=True)
class Earlier:
    """The first so many of the known genomes; others may be added meanwhile."""

    since: dict[str, int]
    count: int

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.since.get(text, self.count) < self.count
