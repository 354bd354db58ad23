"""Many texts that share most of their lines, packed as one stream of lines and spans of it.

The genomes of a run differ from each other in a few lines, and each request to a model repeats a
genome. So every text is a list of spans of one stream of lines, which holds what is new about each
text: LZ77 (Ziv and Lempel 1977) with lines for letters and no window.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

Span = tuple[int, int]
"""A number of lines of the stream: the first one's index, from 0, and their count."""


LEAST = 24  # characters of a match below which its lines are written again: a span is as long


class LineStream:
    """The lines of many texts. `lines` grows with every text that has new ones."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._pairs: dict[tuple[str, str], int] = {}
        self._single: dict[str, int] = {}

    def add(self, text: str) -> list[Span]:
        """Add a text, and return the spans whose lines, joined by newlines, are the text."""
        lines, spans, place, old = text.split("\n"), list[Span](), 0, len(self.lines)
        while place < len(lines):
            start, count = self._find(lines, place, spans, old)
            if sum(map(len, lines[place : place + count])) < LEAST:
                start, count = len(self.lines), max(count, 1)
                self._append(lines[place : place + count + 1], count)
            if spans and sum(spans[-1]) == start:
                spans[-1] = (spans[-1][0], spans[-1][1] + count)
            else:
                spans.append((start, count))
            place += count
        return spans

    def read(self, spans: Sequence[Span]) -> str:
        """The text of some spans."""
        return "\n".join(
            line for start, count in spans for line in self.lines[start : start + count]
        )

    def _find(self, lines: list[str], place: int, spans: list[Span], old: int) -> Span:
        """The longest span of earlier texts with which a text goes on; of no line if it is new.

        What a text repeats of itself stays in one piece, so that later texts find it so.

        Args:
            lines: Lines of the text.
            place: Index of the first line that is looked for.
            spans: Spans of the lines before it.
            old: Number of the stream's lines before this text.
        """
        starts = {self._single.get(lines[place], old)}
        if place + 1 < len(lines):
            starts.add(self._pairs.get((lines[place], lines[place + 1]), old))
        known = [span for span in spans[-2:] if span[0] < old]
        starts.update(sum(span) + ahead for span in known for ahead in range(3))
        found = [(self._match(lines, place, start, old), start) for start in starts]
        count, start = max(found)
        return start, count

    def _match(self, lines: list[str], place: int, start: int, end: int) -> int:
        """The number of lines from there on that are the same, in the stream up to an end."""
        count, most = 0, min(len(lines) - place, end - start)
        while count < most and lines[place + count] == self.lines[start + count]:
            count += 1
        return count

    def _append(self, lines: list[str], count: int) -> None:
        """Append the first `count` lines; one more may follow them in their text."""
        for place, line in enumerate(lines[:count]):
            self._single.setdefault(line, len(self.lines))
            if place + 1 < len(lines):
                self._pairs.setdefault((line, lines[place + 1]), len(self.lines))
            self.lines.append(line)


def pack_text(text: str) -> str:
    """Pack a text for a page, which unpacks it with DecompressionStream("deflate")."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()


def pack_json(value: Any) -> str:
    """Pack data as JSON in the same way; NaN and infinities, which JSON lacks, are refused."""
    return pack_text(json.dumps(value, separators=(",", ":"), allow_nan=False))
