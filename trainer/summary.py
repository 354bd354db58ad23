"""The numbers that a run reports: `name: number` lines after the last line `---` of its output.

The format is that of karpathy/autoresearch. A scoring command may refuse a genome there instead,
with lines `status: NAME` and `reason: TEXT`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from population import Status

RULE = "---"
_LINE = re.compile(r"\s*([A-Za-z_]\w*)\s*:\s*(\S(?:.*\S)?)\s*", re.ASCII)
# No digit can be matched in two ways, or a million of them would keep the trainer busy for ever.
_NUMBER = re.compile(
    r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)",
    re.ASCII | re.IGNORECASE,
)


def find_block(text: str) -> list[str]:
    """Return the lines after the last line `---`; none if there is no such line."""
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if line.strip() == RULE]
    return lines[rules[-1] + 1 :] if rules else []


def read_words(text: str) -> dict[str, str]:
    """Read what is reported under each name, number or not; of two lines the later counts."""
    return dict(_read_lines(text))


def read_summary(text: str) -> dict[str, float]:
    """Read every number reported; NaN and infinity are kept for the caller to judge.

    Other lines are passed over. Of two lines with one name the later counts.
    """
    return {name: float(word) for name, word in _read_lines(text) if _NUMBER.fullmatch(word)}


def read_refusal(text: str) -> tuple[Status, str] | None:
    """Read the status, other than ok, and the reason that the block states; None without one."""
    words = read_words(text)
    if words.get("status") not in set(Status) - {Status.OK}:
        return None
    return Status(words["status"]), words.get("reason") or "the scoring command says no more"


def _read_lines(text: str) -> Iterator[tuple[str, str]]:
    matches = (_LINE.fullmatch(line) for line in find_block(text))
    return ((match[1], match[2]) for match in matches if match)
