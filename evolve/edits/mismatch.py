"""Why an edit does not apply, in words that help a model to mend it."""

from __future__ import annotations

import difflib
from collections import Counter

MAX_EQUAL = 20  # places of equal lines that are considered
MAX_QUOTATION = 4000  # characters of the file that a message repeats


class EditError(Exception):
    """The reply is no edit that applies; the message says in one line why.

    Attributes:
        quotation: Lines of the file that the message refers to; may be empty.
        advice: What the author of the reply should do instead; may be empty.
    """

    def __init__(self, reason: str, quotation: str = "", *, advice: str = "") -> None:
        super().__init__(reason)
        self.quotation, self.advice = quotation, advice


def make_mismatch_error(lines: list[str], wanted: list[str], label: str) -> EditError:
    """Make the error that shows where the file comes closest to the quoted lines.

    Args:
        lines: Lines of the file.
        wanted: Quoted lines, which the file does not have.
        label: Name of the quotation, such as "the SEARCH part of block 2".
    """
    if len(wanted) > len(lines):
        return EditError(f"{label} is not in the file: it has more lines than the file")
    start = _find_closest(lines, wanted)
    close = lines[start : start + len(wanted)]
    similarity = difflib.SequenceMatcher(None, _shorten(wanted), _shorten(close), autojunk=False)
    if similarity.quick_ratio() < 0.5:
        return EditError(
            f"{label} is not in the file", advice="quote lines exactly as they stand there"
        )
    last = start + len(close)
    where = f"line {last}" if len(close) == 1 else f"lines {start + 1} to {last}"
    text = "\n".join(close)
    return EditError(
        f"{label} is not in the file; it comes closest to {where}",
        text if len(text) <= MAX_QUOTATION else "",
    )


def _shorten(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines[:100])[:MAX_QUOTATION]


def _find_closest(lines: list[str], wanted: list[str]) -> int:
    """Find where most of the wanted lines, weighted by their length, stand in their order."""
    stripped = [line.strip()[:200] for line in lines]
    where: dict[str, list[int]] = {}
    for number, text in enumerate(stripped):
        if len(where.setdefault(text, [])) < MAX_EQUAL:
            where[text].append(number)
    votes: Counter[int] = Counter()
    texts = [(j, line.strip()[:200]) for j, line in enumerate(wanted[:200]) if line.strip()]
    for j, text in texts:
        for number in where.get(text, ()):
            votes[number - j] += len(text)
    candidates = [text for text in where if text]
    if sum(map(len, candidates)) <= 500_000:  # else it takes too long
        unknown = [(j, text) for j, text in texts if text not in where]
        for j, text in sorted(unknown, key=lambda one: -len(one[1]))[:3]:
            matcher = difflib.SequenceMatcher(None, "", text, autojunk=False)
            for candidate in candidates:
                matcher.set_seq1(candidate)
                if matcher.real_quick_ratio() > 0.5 and (ratio := matcher.quick_ratio()) > 0.5:
                    for number in where[candidate]:
                        votes[number - j] += round(len(text) * ratio)
    room = range(len(lines) - len(wanted) + 1)
    return max((start for start in votes if start in room), key=lambda s: (votes[s], -s), default=0)
