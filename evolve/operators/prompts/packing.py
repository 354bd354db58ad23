"""Packing of a request to a language model into the tokens that it may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

TokenCounter = Callable[[str], int]
CHARACTERS_PER_TOKEN = 4  # of English and of code, about
SHORT, SHORT_KEPT, LONG_KEPT = 500, 10_000, 32  # characters, and how many counts are cached
FRAME = 4  # tokens of the empty lines around what lies between start and end


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text where no tokenizer is at hand."""
    return len(text) // CHARACTERS_PER_TOKEN


@dataclass(frozen=True)
class Section:
    """Lines on one subject, for a language model; what does not fit is cut from the end.

    Attributes:
        title: Line above them.
        lines: Lines of the section, the most important first.
        fence: Language of the fence around them, which may be empty; None is no fence.
        share: Largest share of a request's tokens that the section may have, from 0 to 1.
    """

    title: str
    lines: Sequence[str]
    fence: str | None = None
    share: float = 1.0


def fence_text(text: str, language: str = "") -> str:
    """Put a text between fences that are longer than any within it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{'' if language == 'prose' else language}\n{text}\n{fence}"


def pack_request(
    start: str, sections: Sequence[Section], end: str, tokens: int, count: TokenCounter
) -> str:
    """Put as much of some sections between start and end as the tokens allow.

    Start and end are never cut. The first sections come first, each with its share at most.

    Args:
        start: Beginning of the request.
        sections: Sections, the most important first.
        end: End of the request.
        tokens: Most tokens that the request may have.
        count: Function that counts the tokens of a text.
    """
    left = tokens - count(start) - count(end) - FRAME
    parts = [start]
    for section in sections:
        text, used = _cut_and_count(section, min(left, int(section.share * tokens)), count)
        if text:
            parts.append(text)
            left -= used + 2
    return "\n\n".join(filter(None, [*parts, end]))


def cut_section(section: Section, tokens: int, count: TokenCounter) -> str:
    """Cut a section to a number of tokens; empty if not one of its lines has room.

    A line that is too long for the rest is left out alone; within a fence, where lines belong
    together, those behind it are left out too, unless it would take half of the room.
    """
    return _cut_and_count(section, tokens, count)[0]


def _cut_and_count(section: Section, tokens: int, count: TokenCounter) -> tuple[str, int]:
    """Cut a section, and give an upper bound of its tokens, which are counted line by line."""
    frame = f"{section.title}\n\n"
    if section.fence is not None:
        longest = max(re.findall("`{3,}", "\n".join(section.lines)), key=len, default="")
        frame += fence_text(longest, section.fence) + _say_left_out(len(section.lines))
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
    missing = len(section.lines) - len(kept)
    end = _say_left_out(missing) if missing else ""
    return f"{section.title}\n\n{fence_text(text, section.fence)}{end}", tokens - left


def _say_left_out(lines: int) -> str:
    return f"\n(and {lines} more {'line' if lines == 1 else 'lines'})"


def cache_counts(count: TokenCounter) -> TokenCounter:
    """Make a token counter quicker for texts that are counted again and again."""
    short, long = lru_cache(SHORT_KEPT)(count), lru_cache(LONG_KEPT)(count)
    return lambda text: short(text) if len(text) < SHORT else long(text)


def truncate(text: str, tokens: int, count: TokenCounter) -> str:
    """Cut a text to its beginning, in so many tokens at most."""
    if tokens <= 0:
        return ""
    while (needed := count(text)) > tokens:
        text = text[: int(len(text) * 0.95 * tokens / needed)]
    return text
