"""Readability: textstat's Flesch measures and the share of long sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from article_score.article import Block, find_words
from article_score.checks import Check, Part, lowest, quote, ramp, weigh_checks, window
from article_score.honesty import Honest

LONG, SHORT = 28, 5  # words of a sentence: above, readers lose track of it; below, it is a crumb
EASY = 66  # Flesch reading ease
LANGUAGE = "en-US"
# "en_US" would be the usual name, but textstat then fetches a dictionary over the network, and a
# score would depend on whether it could. Under this name it counts syllables by the hyphenation
# patterns that it brings along, a few less than there are.


def score_readability(honest: Honest) -> Part:
    """Give points for sentences that are easy to follow, neither endless nor chopped."""
    return lowest(map(_score_blocks, honest.readings))


def _score_blocks(blocks: Sequence[Block]) -> Part:
    every = [one for block in blocks for one in join_crumbs(block.sentences)]
    lengths = [len(find_words(one)) for one in every]
    if not every:
        return weigh_checks("readability", [Check("sentences", 0.0, notes=["there are none"])])
    mean = sum(lengths) / len(lengths)
    long = [one for one, length in zip(every, lengths, strict=True) if length > LONG]
    ease, grade = measure_flesch(every)
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
            [f"{len(find_words(one))} words: {quote(one)}" for one in long[:5]],
        ),
        Check(
            "no chopping",
            ramp(mean, 4, 8),
            1,
            [f"{mean:.1f} words a sentence is chopped"] if mean < 8 else [],
        ),
    ]
    return weigh_checks("readability", checks, flesch=ease, grade=grade)


def join_crumbs(sentences: Sequence[str]) -> list[str]:
    """Make the shortest sentences part of the one before.

    A text does not become easier because "So it is." was strewn in.
    """
    found: list[str] = []
    for one in sentences:
        if found and len(find_words(one)) < SHORT:
            found[-1] = f"{found[-1].rstrip('.!?')}, {one}"
        else:
            found.append(one)
    return found


def measure_flesch(sentences: Sequence[str]) -> tuple[float, float]:
    """Measure Flesch reading ease and Flesch-Kincaid grade by textstat."""
    measures = _load_textstat()
    # textstat ends a sentence at every full stop, that of 1.4 and of an abbreviation, too
    text = " ".join(f"{re.sub(r'[.!?]+', '', one)}." for one in sentences)
    return float(measures.flesch_reading_ease(text)), float(measures.flesch_kincaid_grade(text))


def _load_textstat() -> Any:
    try:
        from textstat import textstat
    except ImportError as error:
        raise SystemExit(
            "readability is measured by textstat, which is not installed: "
            "pip install -e '.[examples]'"
        ) from error
    textstat.set_lang(LANGUAGE)
    return textstat
