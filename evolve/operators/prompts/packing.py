"""A request to a language model, packed so that it has no more tokens than it may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from evolve.operators.base import Section

Count = Callable[[str], int]
SHORT, SHORT_KEPT, LONG_KEPT = 500, 10_000, 32  # characters, and how many texts are remembered
FRAME = 4  # tokens of the empty lines around what lies between start and end


def fenced(text: str, language: str = "") -> str:
    """A text between fences that are longer than any within it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{'' if language == 'prose' else language}\n{text}\n{fence}"


def packed(start: str, sections: Sequence[Section], end: str, tokens: int, count: Count) -> str:
    """Start and end, and between them as much of the sections as the tokens allow.

    Start and end are never cut. Of the sections the first come first, each with its share at most.
    """
    left = tokens - count(start) - count(end) - FRAME
    parts = [start]
    for section in sections:
        text, used = _cut(section, min(left, int(section.share * tokens)), count)
        if text:
            parts.append(text)
            left -= used + 2
    return "\n\n".join(filter(None, [*parts, end]))


def cut(section: Section, tokens: int, count: Count) -> str:
    """A section in so many tokens at most; empty if not one of its lines has room.

    A line that is too long for the rest is left out alone; within a fence, where lines belong
    together, those behind it are left out, too, unless it would take half of the room.
    """
    return _cut(section, tokens, count)[0]


def _cut(section: Section, tokens: int, count: Count) -> tuple[str, int]:
    """The same, and the tokens that it has at most: line by line they are quickly counted."""
    frame = f"{section.title}\n\n"
    if section.fence is not None:
        longest = max(re.findall("`{3,}", "\n".join(section.lines)), key=len, default="")
        frame += fenced(longest, section.fence) + _lost(len(section.lines))
    left = tokens - count(frame)
    kept: list[str] = []
    for line in section.lines if left > 0 else ():
        cost = count(line) + 1
        if cost <= left:
            kept.append(line)
            left -= cost
        elif section.fence is not None and cost <= tokens // 2:
            break
    if not kept:
        return "", 0
    text = "\n".join(kept)
    if section.fence is None:
        return f"{section.title}\n{text}", tokens - left
    lost = _lost(len(section.lines) - len(kept)) if len(kept) < len(section.lines) else ""
    return f"{section.title}\n\n{fenced(text, section.fence)}{lost}", tokens - left


def _lost(lines: int) -> str:
    return f"\n(and {lines} lines more)"


def remembering(count: Count) -> Count:
    """The same, quicker for texts of which tokens are counted again and again."""
    short, long = lru_cache(SHORT_KEPT)(count), lru_cache(LONG_KEPT)(count)
    return lambda text: short(text) if len(text) < SHORT else long(text)


def shortened(text: str, tokens: int, count: Count) -> str:
    """The beginning of a text, in so many tokens at most."""
    if tokens <= 0:
        return ""
    while (needed := count(text)) > tokens:
        text = text[: int(len(text) * 0.95 * tokens / needed)]
    return text
