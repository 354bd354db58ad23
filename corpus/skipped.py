"""Counts what of a source cannot be read, and refuses a source where that is too much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from corpus.documents import REPLACEMENT, Skipped
from corpus.progress import format_size
from prepare import DataError

MOST_SKIPPED = 0.05  # share of a source's bytes that may be skipped
REASONS_SHOWN = 5  # damaged files may have a reason each


@dataclass
class _Group:
    """What was skipped for one reason."""

    first: str  # its place
    count: int = 0
    size: int = 0  # bytes


@dataclass
class Tally:
    """Counts what was read and what was skipped.

    Attributes:
        size: Bytes of text that were read.
        replaced: Characters of that text which could not be decoded.
    """

    size: int = 0
    replaced: int = 0
    _groups: dict[str, _Group] = field(default_factory=dict)

    def count(self, items: Iterable[str | Skipped]) -> None:
        """Count documents, and what was skipped between them."""
        for item in items:
            if isinstance(item, Skipped):
                group = self._groups.setdefault(item.reason, _Group(item.place))
                group.count += 1
                group.size += item.size
            else:
                self.size += len(item.encode())
                self.replaced += item.count(REPLACEMENT)

    def report(self) -> list[str]:
        """A line for each thing that a person should know of the source; none if all is well."""
        lines = [f"skipped {text}" for text in self._describe()]
        if self.replaced:
            lines.append(f"replaced {self.replaced:,} characters that cannot be decoded")
        return lines

    def check(self, name: str) -> None:
        """Refuse a source of which too much was skipped.

        Raises:
            DataError: More than MOST_SKIPPED of its bytes were.
        """
        skipped = sum(group.size for group in self._groups.values())
        if skipped > MOST_SKIPPED * (self.size + skipped):
            raise DataError(
                f"--source {name}: {skipped / (self.size + skipped):.1%} of it cannot be read, "
                f"{MOST_SKIPPED:.0%} are allowed: {'; '.join(self._describe())}"
            )

    def _describe(self) -> list[str]:
        """A phrase for each reason, the one that cost most first."""
        groups = sorted(self._groups.items(), key=lambda pair: -pair[1].size)
        phrases = [
            f"{group.first}{_others(group.count - 1)} ({format_size(group.size)}): {reason}"
            for reason, group in groups[:REASONS_SHOWN]
        ]
        if rest := [group for _, group in groups[REASONS_SHOWN:]]:
            size = format_size(sum(group.size for group in rest))
            phrases.append(
                f"{sum(group.count for group in rest):,} more ({size}) for other reasons"
            )
        return phrases


def _others(count: int) -> str:
    return f" and {count:,} more" if count else ""
