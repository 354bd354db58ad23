"""Pairs of small words that no English sentence has, by which a salad of words is told."""

from __future__ import annotations

import re

from content_scoring.tokens import FUNCTION

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
SUBJECTS = frozenset({"he", "i", "she", "they", "we"})
FORMS_OF_BE = frozenset({"are", "is", "was", "were"})
NEVER_NEXT = (  # words, and words that never stand right behind them
    (BEFORE_A_NOUN, NEVER_A_NOUN),
    (frozenset({"at", "by", "from", "into", "of", "to", "with"}), SUBJECTS | {"but", "of"}),
    (SUBJECTS, BEFORE_A_NOUN | {"of", "than"}),
    (FORMS_OF_BE, FORMS_OF_BE | {"be", "had", "has", "have"}),
)
NEVER_TWICE = FUNCTION - {"had", "that"}
NEVER_LAST = frozenset({"and", "because", "but", "if", "into", "or", "than"})
_PAIR = re.compile(r"(?<![\w'’-])([\w'’-]+)(?: (?=([\w'’-]+))|([,;:.!?]))")


def count_breaks(sentence: str) -> int:
    """Count what no English sentence has: "the of", "to he", "a,", or "and" as its last word."""
    return sum(_is_break(*match.groups("")) for match in _PAIR.finditer(sentence.lower()))


def _is_break(word: str, following: str, mark: str) -> bool:
    """Whether no sentence has a word with this one behind it, or with this punctuation mark."""
    if mark:
        return word in BEFORE_A_NOUN or (mark in ".!?" and word in NEVER_LAST)
    return (word == following and word in NEVER_TWICE) or any(
        word in first and following in second for first, second in NEVER_NEXT
    )
