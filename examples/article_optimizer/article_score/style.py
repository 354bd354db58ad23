"""Style: the twelve rules of style_guide.md, one check each."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from article_score.brief import Brief
from article_score.checks import Check, Part, part, quoted, ramp, window
from article_score.honesty import Honest
from article_score.text import words

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


def style(honest: Honest, brief: Brief) -> Part:
    """Points for following the guide."""
    every = [one for block in honest.paragraphs for one in block.sentences]
    if not every:
        return part("style", [Check("sentences", 0.0, notes=["there are none"])])
    rules: list[Callable[[], Check]] = [
        lambda: _passive(every),
        lambda: _paragraphs(honest),
        lambda: _phrases("3 padding", brief.avoid, every),
        lambda: _phrases("4 worn-out phrases", brief.worn_out, every),
        lambda: _phrases("5 spelling", [wrong for _, wrong in brief.spelling], every),
        lambda: _numbers(every),
        lambda: _reader(every),
        lambda: _empty_starts(every),
        lambda: _variety(every),
        lambda: _beginnings(every),
        lambda: _case(honest, brief),
        lambda: _shouting(honest),
    ]
    return part("style", [rule() for rule in rules])


def _few(
    name: str, found: Sequence[str], every: Sequence[str], allowed: float, bad: float
) -> Check:
    """At most a share of the sentences may be so."""
    share = len(found) / len(every)
    notes = [quoted(one) for one in found[:4]] if share > allowed else []
    return Check(name, ramp(share, bad, allowed), notes=notes)


def _passive(every: Sequence[str]) -> Check:
    return _few("1 passive", [one for one in every if PASSIVE.search(one)], every, 0.1, 0.8)


def _paragraphs(honest: Honest) -> Check:
    sizes = [(len(words(block.text)), block.text) for block in honest.paragraphs]
    long = [f"{size} words: {quoted(text)}" for size, text in sizes if size > 100]
    single = sum(size < 25 for size, _ in sizes)
    bad = len(long) + max(single - len(sizes) // 4, 0)
    return Check("2 paragraphs", 1 - bad / max(len(sizes), 1), notes=long[:3])


def _phrases(name: str, phrases: Sequence[str], every: Sequence[str]) -> Check:
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)
    found = [f'"{m[0]}" in {quoted(one)}' for one in every for m in pattern.finditer(one)]
    hundred = 100 * len(found) / max(sum(len(words(one)) for one in every), 1)
    return Check(name, ramp(hundred, 1.0, 0.0), notes=found[:5])


def _numbers(every: Sequence[str]) -> Check:
    bad = [one for one in every if re.search(r"%|(?<![\d.,])\d{5,}(?![\d,])", one)]
    return Check("6 numbers", 1 - len(bad) / 3, notes=[quoted(one) for one in bad[:3]])


def _reader(every: Sequence[str]) -> Check:
    own = [one for one in every if SELF.search(one)]
    spoken = any(re.search(r"\byour?\b", one, re.IGNORECASE) for one in every)
    notes = [quoted(one) for one in own[:3]] + ([] if spoken else ['nobody is called "you"'])
    return Check("7 reader", spoken * (1 - len(own) / 4), notes=notes)


def _empty_starts(every: Sequence[str]) -> Check:
    found = [one for one in every if EMPTY_START.match(one)]
    return _few("8 beginnings without a subject", found, every, 0.05, 0.3)


def _variety(every: Sequence[str]) -> Check:
    spread = statistics.pstdev(len(words(one)) for one in every)
    note = f"lengths of sentences vary by {spread:.1f} words"
    return Check("9 variety", window(spread, 1, 5, 14, 25), notes=[note] if spread < 5 else [])


def _beginnings(every: Sequence[str]) -> Check:
    firsts = [next(iter(words(one)), "").lower() for one in every]
    twice = [a == b for a, b in pairwise(firsts)]
    runs = [quoted(every[i]) for i, (a, b) in enumerate(pairwise(twice)) if a and b]
    return Check("10 beginnings", 1 - len(runs) / 3, notes=runs[:3])


def _case(honest: Honest, brief: Brief) -> Check:
    headings = honest.article.headings
    titled = [
        heading.text
        for heading in headings
        if any(
            word[:1].isupper() and len(word) > 3 and f" {word}" not in brief.facts_text
            for word in words(heading.text)[1:]
        )
    ]
    share = 1 - len(titled) / max(len(headings), 1)
    return Check("11 sentence case", share, notes=[quoted(text) for text in titled[:4]])


def _shouting(honest: Honest) -> Check:
    text = honest.article.visible
    found = re.findall(r"!|\b[A-Z]{6,}\b", text)
    return Check("12 no shouting", 1 - len(found) / 3, notes=[f"{len(found)} times"][: len(found)])
