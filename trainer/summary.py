"""The numbers that a run reports: `name: number` lines after the last line `---` of its output.

The format is that of karpathy/autoresearch. A scoring command may refuse a genome there instead,
with lines `status: NAME` and `reason: TEXT`.
"""

from __future__ import annotations

import re

from population import Status

RULE = "---"
_LINE = re.compile(
    r"\s*([A-Za-z_]\w*)\s*:\s*"
    r"([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?))\s*",
    re.ASCII | re.IGNORECASE,
)


def find_block(text: str) -> list[str]:
    """The lines after the last line `---`; none if there is no such line."""
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if line.strip() == RULE]
    return lines[rules[-1] + 1 :] if rules else []


def read_summary(text: str) -> dict[str, float]:
    """Every number reported; NaN and infinity are kept for the caller to judge.

    Other lines are passed over. Of two lines with one name the later counts.
    """
    matches = (_LINE.fullmatch(line) for line in find_block(text))
    return {match[1]: float(match[2]) for match in matches if match}


def read_refusal(text: str) -> tuple[Status, str] | None:
    """The status, other than ok, and the reason that the block states; None if it states none."""
    words = {
        name.strip(): value.strip()
        for name, colon, value in (line.partition(":") for line in find_block(text))
        if colon
    }
    if words.get("status") not in set(Status) - {Status.OK}:
        return None
    return Status(words["status"]), words.get("reason", "") or "the scoring command says no more"
