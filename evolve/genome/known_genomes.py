"""The genomes that were tried: which are known now, and which were known at an earlier moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class KnownGenomes:
    """The hashes of the genomes that were tried, in the order of their ids.

    One thread adds to it; others may look things up meanwhile.

    Args:
        genomes: The exact and the near hash of each genome; an empty hash is ignored.
    """

    def __init__(self, genomes: Iterable[tuple[str, str]] = ()) -> None:
        self._first_seen: dict[str, int] = {}
        self._count = 0
        for exact, near in genomes:
            self.add(exact, near)

    def add(self, exact: str, near: str) -> None:
        """Add the hashes of one more genome."""
        for digest in (exact, near):
            if digest:
                self._first_seen.setdefault(digest, self._count)
        self._count += 1

    def __len__(self) -> int:
        """The number of genomes that are known."""
        return self._count

    def __contains__(self, digest: object) -> bool:
        """Whether a genome has this hash."""
        return digest in self._first_seen

    def as_of(self, count: int) -> KnownGenomesSnapshot:
        """The genomes that were known when there were `count` of them."""
        return KnownGenomesSnapshot(self._first_seen, count)


@dataclass(frozen=True)
class KnownGenomesSnapshot:
    """The first genomes of a `KnownGenomes`, to which others may be added meanwhile.

    Attributes:
        first_seen: Number of genomes before the first one that has a hash, by hash.
        count: Number of genomes in the snapshot.
    """

    first_seen: dict[str, int]
    count: int

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and self.first_seen.get(digest, self.count) < self.count
