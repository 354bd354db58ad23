"""Accuracy: every fact is told, and no number or name that the facts do not hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from article_score.brief import Brief, Fact, pairs
from article_score.checks import Check, Part, quoted
from article_score.honesty import Honest
from article_score.text import WORD, Article, Block
from article_score.tokens import EXACT, contains, tokens

NEAR = 3  # sentences within which a fact has to be told
WORDS_A_FACT = 18  # of a paragraph: more facts in fewer words are a list, no article
PRICE = 0.3  # points for an invention
PLAIN = frozenset({"i", "i'm", "i've", "i'd", "i'll", "ok"})


def accuracy(honest: Honest, brief: Brief) -> Part:
    """Points for the facts that the article tells, less a price for what it invents."""
    told = {number for block in honest.solid for number in facts_in(block, brief.facts)}
    missing = [fact for fact in brief.facts if fact.number not in told]
    invented = inventions(honest.whole, brief)
    share = len(told) / len(brief.facts)
    points = max(10 * share - PRICE * len(invented), 0.0)
    checks = [
        Check("facts told", share, notes=[_missing(fact) for fact in missing]),
        Check("nothing invented", 1 - min(len(invented) / 10, 1), notes=invented),
    ]
    numbers = {"facts": len(told), "missing": len(missing), "inventions": len(invented)}
    return Part("accuracy", points, checks, numbers)


def facts_in(paragraph: Block, facts: Sequence[Fact]) -> list[int]:
    """The numbers of the facts that a paragraph tells, no more than it has room for."""
    found: list[int] = []
    forms = [[token.form for token in tokens(one)] for one in paragraph.sentences]
    near = [list(chain(*forms[i : i + NEAR])) for i in range(len(forms))]
    for fact in facts:
        if any(all(contains(text, wanted) for wanted in fact.required) for text in near):
            found.append(fact.number)
    return found[: max(sum(map(len, forms)) // WORDS_A_FACT, 1)]


def inventions(article: Article, brief: Brief) -> list[str]:
    """The numbers and names that are not in facts.md, as notes; each once."""
    found: dict[str, str] = {}
    for sentence in article.sentences:
        for word in (*unknown_numbers(sentence, brief), *unknown_names(sentence, brief)):
            found.setdefault(word, f"{word} is not in facts.md: {quoted(sentence)}")
    for heading in article.headings:
        capitals = sum(word[:1].isupper() for word in WORD.findall(heading.text))
        titled = capitals > 0.5 * len(WORD.findall(heading.text))  # then capitals mean no names
        names = [] if titled else unknown_names(heading.text, brief)
        for word in (*unknown_numbers(heading.text, brief), *names):
            found.setdefault(word, f"{word} is not in facts.md: heading {quoted(heading.text)}")
    return list(found.values())


def unknown_numbers(text: str, brief: Brief) -> list[str]:
    """The numbers of a text that the facts do not have, or not with this unit."""
    every = tokens(text)
    wrong = {pair[0] for pair in pairs(every)} - {
        number for number, unit in pairs(every) if (number, unit) in brief.measured
    }
    unknown = []
    for token in every:
        if token.value is None:
            if token.raw[:1].isdecimal() and token.form not in brief.known:
                unknown.append(token.raw)
        elif token.spelled and token.value <= EXACT:
            continue
        elif token.form not in brief.known or (token.form in wrong and not token.spelled):
            unknown.append(token.raw)
    return unknown


def unknown_names(text: str, brief: Brief) -> list[str]:
    """The capitalised words of a text, but for its first, that the facts do not have."""
    unknown = []
    opening = True
    for found in re.finditer(r"[^\W\d_][\w'’/-]*|[\"“‘(:]", text):
        word = found[0]
        if word in ('"', "“", "‘", "(", ":"):
            opening = True  # the first word of a quotation has a capital, too
            continue
        shouted = len(word) > 1 and word.isupper()
        if word[0].isupper() and (shouted or not opening) and word.lower() not in PLAIN:
            forms = [token.form for token in tokens(word)]
            if any(form not in brief.known for form in forms if not form.startswith("#")):
                unknown.append(word)
        opening = False
    return unknown


def _missing(fact: Fact) -> str:
    return f"fact {fact.number} is not told in full: {fact.text}"
