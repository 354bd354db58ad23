"""SEO: the keyword where a search engine looks, headings that say something, even sections."""

from __future__ import annotations

import re
from itertools import pairwise

from article_score.article import find_words
from article_score.brief import Brief
from article_score.checks import Check, Part, quote, ramp, weigh_checks, window
from article_score.engagement import HOOK
from article_score.honesty import Honest, count_words, measure_density

VAGUE = re.compile(
    r"^(?:\W|\d)*(?:(?:general|technical|historical|some|other|further|final|various|legal|social|"
    r"economic|environmental|and|the|a|of)\s+)*(?:introduction|background|overview|conclusions?|"
    r"summary|aspects|details|remarks|capacity|installation|latency|faults|maintenance|matters|"
    r"considerations|history|basics|miscellaneous|more|information|notes|discussion|results|"
    r"comparison|outlook)\b",
    re.IGNORECASE,
)
HEADINGS = (5, 14)  # below the title


def score_seo(honest: Honest, brief: Brief) -> Part:
    """Give points for being found, and for headings that a person can scan."""
    density = measure_density(honest.whole, brief.keyword)
    return weigh_checks(
        "seo",
        [
            *_check_keyword(honest, brief.keyword.casefold(), density),
            *_check_headings(honest, brief),
            _check_related(honest, brief),
        ],
        keyword=density,
    )


def _check_keyword(honest: Honest, keyword: str, density: float) -> list[Check]:
    # In sentences that count, once in each: a list of keywords is none.
    every = [one for block in honest.paragraphs for one in block.sentences]
    using = [one for one in every if keyword in one.casefold()]
    used = 100 * len(using) / max(len(honest.article.words), 1)
    start = " ".join(block.text for block in honest.paragraphs[:6])
    first = " ".join(find_words(start)[:HOOK]).casefold()
    title = keyword in honest.article.title.casefold()
    share = min(window(used, 0.05, 0.5, 1.5, 2.5), ramp(density, 2.5, 1.6))
    note = f"{quote(keyword)} stands {density:.2f} times in 100 words, should be 0.5 to 1.5"
    return [
        Check("keyword density", share, 2.5, [note] if share < 1 else []),
        Check("keyword in the title", title, 1, [] if title else ["the title lacks the keyword"]),
        Check(
            "keyword at the start",
            keyword in first,
            1,
            [] if keyword in first else [f"the first {HOOK} words lack the keyword"],
        ),
    ]


def _check_headings(honest: Honest, brief: Brief) -> list[Check]:
    headings = honest.article.headings
    below = [heading for heading in headings if heading.level > 1]
    named = sum(brief.keyword.casefold() in heading.text.casefold() for heading in below)
    levels = [heading.level for heading in headings]
    jumps = [b for a, b in pairwise(levels) if b > a + 1]
    order = levels[:1] == [1] and levels.count(1) == 1 and not jumps
    vague = [h for h in below if VAGUE.match(h.text) or not 15 <= len(h.text) <= 70]
    sizes = [count_words(b.text for b in blocks) for _, blocks in honest.article.sections()]
    uneven = [size for size in sizes if not 70 <= size <= 320]
    count = max(len(below), 1)
    often = 0 if not below else min(named / 2, 1) if named <= 0.6 * len(below) else 0.3
    return [
        Check(
            "keyword in headings",
            often,
            1,
            [f"{named} headings have the keyword, should be 2 to {0.6 * count:.0f}"]
            if often < 1
            else [],
        ),
        Check(
            "order of headings",
            0.5 * order + 0.5 * window(len(below), 1, *HEADINGS, 25),
            1.5,
            []
            if order and HEADINGS[0] <= len(below) <= HEADINGS[1]
            else ["one title, then 5 to 14 headings, no level left out"],
        ),
        Check(
            "headings that say something",
            1 - len(vague) / count if below else 0,
            1.5,
            [f"says too little or too much: {quote(heading.text)}" for heading in vague[:6]],
        ),
        Check(
            "even sections",
            1 - len(uneven) / count if below else 0,
            1,
            [f"a section of {size} words, should be 70 to 320" for size in uneven[:3]],
        ),
    ]


def _check_related(honest: Honest, brief: Brief) -> Check:
    text = " ".join(block.text for block in honest.paragraphs).casefold()
    missing = [word for word in brief.related if word.casefold() not in text]
    notes = [f"words of the subject that are missing: {', '.join(missing)}"] if missing else []
    return Check("related words", 1 - len(missing) / len(brief.related), 1, notes)
