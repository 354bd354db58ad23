"""The numbers that a run reports: `name: number` lines after the last line `---` of its output.

The format is that of karpathy/autoresearch.
"""

from __future__ import annotations

import re

RULE = "---"
_LINE = re.compile(
    r"\s*([A-Za-z_]\w*)\s*:\s*"
    r"([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?))\s*",
    re.ASCII | re.IGNORECASE,
)


def block(text: str) -> list[str]:
    """The lines after the last line `---`; none if there is no such line."""
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if line.strip() == RULE]
    return lines[rules[-1] + 1 :] if rules else []


def read_summary(text: str) -> dict[str, float]:
    """Every number reported; NaN and infinity are kept for the caller to judge.

    Other lines are passed over. Of two lines with one name the later counts.
    """
    matches = (_LINE.fullmatch(line) for line in block(text))
    return {match[1]: float(match[2]) for match in matches if match}
