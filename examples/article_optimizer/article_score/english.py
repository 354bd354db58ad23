"""Small words of English: those that every sentence needs, and pairs of them that none has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about after again all also an and any are as at be because been before but by can
        could did do does down each even every far first for from had has have he her here his
        how i if in into is it its just know like long many may might more most much must my no
        nobody not nothing now of off often on once one only or other our out over own same she
        should since so some still such than that the their them then there these they this
        those through time to too two under until up us very was way we well were what when
        where which while who why will with without would yet you your
        """,
    )
)
BEFORE_A_NOUN = frozenset({"a", "an", "the", "my", "your", "its", "our", "their", "every"})
NEVER_A_NOUN = frozenset(
    re.findall(
        r"\w+",
        """
        a an and are as be because been but could did does for from had has have he i if into is me
        of or she should than that the them they this to was we were where which whom with would you
        """,
    )
)
NEVER_TWICE = COMMON - {"had", "that"}
NEVER_LAST = BEFORE_A_NOUN | {"and", "because", "but", "if", "into", "or", "than"}


def count_breaks(words: Sequence[str]) -> int:
    """Count what no English sentence has: "the of", "a to", "the the", "and" as its last word.

    Args:
        words: One sentence's words in lower case.
    """
    breaks = sum(
        (one in BEFORE_A_NOUN and other in NEVER_A_NOUN) or (one == other and one in NEVER_TWICE)
        for one, other in pairwise(words)
    )
    return breaks + (len(words) > 0 and words[-1] in NEVER_LAST)
