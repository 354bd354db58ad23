"""Readability: textstat's Flesch measures and the share of long sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from article_score.checks import Check, Part, part, quoted, ramp, window
from article_score.honesty import Honest
from article_score.text import words

LONG, SHORT = 28, 5  # words of a sentence that a reader loses track of, and that is a crumb
EASY = 66  # Flesch reading ease
LANGUAGE = "en-US"
# "en_US" would be the usual name, but textstat then fetches a dictionary over the network, and a
# score would depend on whether it could. Under this name it counts syllables by the hyphenation
# patterns that it brings along, a few less than there are.


def readability(honest: Honest) -> Part:
    """Points for sentences that are easy to follow, neither endless nor chopped."""
    every = [one for block in honest.paragraphs for one in joined(block.sentences)]
    lengths = [len(words(one)) for one in every]
    if not every:
        return part("readability", [Check("sentences", 0.0, notes=["there are none"])])
    mean = sum(lengths) / len(lengths)
    long = [one for one, length in zip(every, lengths, strict=True) if length > LONG]
    ease, grade = flesch(every)
    checks = [
        Check(
            "reading ease",
            window(ease, 25, EASY, 92, 118),
            4,
            [] if EASY <= ease <= 92 else [f"Flesch reading ease {ease:.0f}, should be 66 to 92"],
        ),
        Check(
            "grade",
            ramp(grade, 16, 7.5),
            3,
            [f"Flesch-Kincaid grade {grade:.1f}, should be at most 7.5"] if grade > 7.5 else [],
        ),
        Check(
            "long sentences",
            ramp(len(long) / len(every), 0.45, 0.03),
            3,
            [f"{len(words(one))} words: {quoted(one)}" for one in long[:5]],
        ),
        Check(
            "no chopping",
            ramp(mean, 4, 8),
            1,
            [f"{mean:.1f} words a sentence is chopped"] if mean < 8 else [],
        ),
    ]
    return part("readability", checks, flesch=ease, grade=grade)


def joined(sentences: Sequence[str]) -> list[str]:
    """The sentences, the shortest as part of the one before: a crumb of words makes no text plain.

    So nobody reads more easily because "So it is." was strewn in.
    """
    found: list[str] = []
    for one in sentences:
        if found and len(words(one)) < SHORT:
            found[-1] = f"{found[-1].rstrip('.!?')}, {one}"
        else:
            found.append(one)
    return found


def flesch(sentences: Sequence[str]) -> tuple[float, float]:
    """Flesch reading ease and Flesch-Kincaid grade, by textstat."""
    measures = _textstat()
    # textstat ends a sentence at every full stop, that of 1.4 and of an abbreviation, too
    text = " ".join(f"{re.sub(r'[.!?]+', '', one)}." for one in sentences)
    return float(measures.flesch_reading_ease(text)), float(measures.flesch_kincaid_grade(text))


def _textstat() -> Any:
    try:
        from textstat import textstat
    except ImportError as error:
        raise SystemExit(
            "readability is measured by textstat, which is not installed: "
            "pip install -e '.[examples]'"
        ) from error
    textstat.set_lang(LANGUAGE)
    return textstat
