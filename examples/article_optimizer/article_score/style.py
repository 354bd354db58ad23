"""Style: the twelve rules of style_guide.md, one check each."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from article_score.article import Block, find_words
from article_score.brief import Brief
from article_score.checks import Check, Part, lowest, quote, ramp, weigh_checks, window
from article_score.honesty import Honest

PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\b(?:\s+(?:\w+ly|not|never|also|then|thus|still|often|"
    r"usually|therefore|already|now|only|simply|in fact|however)\b,?)*\s+"
    r"(?:(?!need|speed|seed|feed|indeed|embed|red\b|tired\b|used to)\w+ed|made|done|taken|given|"
    r"known|seen|shown|sent|built|held|found|kept|laid|put|cut|brought|caught|sold|paid|lost|"
    r"set|written|driven|drawn|thrown|broken|chosen|spoken|stolen|begun|hidden|bitten|eaten|"
    r"forgotten|led|fed|bound|spent|understood|undertaken|overcome|borne|told|said|read|heard|"
    r"undone|spun|wound|worn|torn)\b",
    re.IGNORECASE,
)
EMPTY_START = re.compile(r"^(?:there (?:is|are|was|were)|it (?:is|was))\b", re.IGNORECASE)
SELF = re.compile(
    r"\b(?:the authors?|this article|this text|the present article|one (?:can|may|might|must|"
    r"should|could|sees|finds|has to))\b",
    re.IGNORECASE,
)


def score_style(honest: Honest, brief: Brief) -> Part:
    """Give points for following the guide."""
    return lowest(_score_sentences(blocks, honest, brief) for blocks in honest.readings)


def _score_sentences(blocks: Sequence[Block], honest: Honest, brief: Brief) -> Part:
    every = [one for block in blocks for one in block.sentences]
    if not every:
        return weigh_checks("style", [Check("sentences", 0.0, notes=["there are none"])])
    rules: list[Callable[[], Check]] = [
        lambda: _check_passive(every),
        lambda: _check_paragraphs(honest),
        lambda: _check_phrases("3 padding", brief.avoid, every),
        lambda: _check_phrases("4 worn-out phrases", brief.worn_out, every),
        lambda: _check_phrases("5 spelling", [wrong for _, wrong in brief.spelling], every),
        lambda: _check_numbers(every),
        lambda: _check_reader(every),
        lambda: _check_empty_starts(every),
        lambda: _check_variety(every),
        lambda: _check_beginnings(every),
        lambda: _check_case(honest, brief),
        lambda: _check_shouting(honest),
    ]
    return weigh_checks("style", [rule() for rule in rules])


def _check_share(
    name: str, found: Sequence[str], every: Sequence[str], allowed: float, bad: float
) -> Check:
    """Check that at most a share of the sentences is of some kind.

    Args:
        name: The check's name.
        found: The sentences of this kind.
        every: All sentences.
        allowed: Share of them that costs nothing.
        bad: Share of them that costs everything.
    """
    share = len(found) / len(every)
    notes = [quote(one) for one in found[:4]] if share > allowed else []
    return Check(name, ramp(share, bad, allowed), notes=notes)


def _check_passive(every: Sequence[str]) -> Check:
    return _check_share("1 passive", [one for one in every if PASSIVE.search(one)], every, 0.1, 0.8)


def _check_paragraphs(honest: Honest) -> Check:
    sizes = [(len(find_words(block.text)), block.text) for block in honest.paragraphs]
    long = [f"{size} words: {quote(text)}" for size, text in sizes if size > 100]
    single = sum(size < 25 for size, _ in sizes)
    bad = len(long) + max(single - len(sizes) // 4, 0)
    return Check("2 paragraphs", 1 - bad / max(len(sizes), 1), notes=long[:3])


def _check_phrases(name: str, phrases: Sequence[str], every: Sequence[str]) -> Check:
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)
    found = [f'"{m[0]}" in {quote(one)}' for one in every for m in pattern.finditer(one)]
    hundred = 100 * len(found) / max(sum(len(find_words(one)) for one in every), 1)
    return Check(name, ramp(hundred, 1.0, 0.0), notes=found[:5])


def _check_numbers(every: Sequence[str]) -> Check:
    bad = [one for one in every if re.search(r"%|(?<![\d.,])\d{5,}(?![\d,])", one)]
    return Check("6 numbers", 1 - len(bad) / 3, notes=[quote(one) for one in bad[:3]])


def _check_reader(every: Sequence[str]) -> Check:
    own = [one for one in every if SELF.search(one)]
    spoken = any(re.search(r"\byour?\b", one, re.IGNORECASE) for one in every)
    notes = [quote(one) for one in own[:3]] + ([] if spoken else ['nobody is called "you"'])
    return Check("7 reader", spoken * (1 - len(own) / 4), notes=notes)


def _check_empty_starts(every: Sequence[str]) -> Check:
    found = [one for one in every if EMPTY_START.match(one)]
    return _check_share("8 beginnings without a subject", found, every, 0.05, 0.3)


def _check_variety(every: Sequence[str]) -> Check:
    spread = statistics.pstdev(len(find_words(one)) for one in every)
    note = f"lengths of sentences vary by {spread:.1f} words"
    return Check("9 variety", window(spread, 1, 5, 14, 25), notes=[note] if spread < 5 else [])


def _check_beginnings(every: Sequence[str]) -> Check:
    firsts = [next(iter(find_words(one)), "").lower() for one in every]
    twice = [a == b for a, b in pairwise(firsts)]
    runs = [quote(every[i]) for i, (a, b) in enumerate(pairwise(twice)) if a and b]
    return Check("10 beginnings", 1 - len(runs) / 3, notes=runs[:3])


def _check_case(honest: Honest, brief: Brief) -> Check:
    headings = honest.article.headings
    titled = [
        heading.text
        for heading in headings
        if any(
            word[:1].isupper() and len(word) > 3 and f" {word}" not in brief.facts_text
            for word in find_words(heading.text)[1:]
        )
    ]
    share = 1 - len(titled) / max(len(headings), 1)
    return Check("11 sentence case", share, notes=[quote(text) for text in titled[:4]])


def _check_shouting(honest: Honest) -> Check:
    text = honest.article.visible
    found = re.findall(r"!|\b[A-Z]{6,}\b", text)
    return Check("12 no shouting", 1 - len(found) / 3, notes=[f"{len(found)} times"][: len(found)])
