"""Accuracy: every fact is told, and no number or name that facts.md does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from article_score.article import WORD, Article, Block
from article_score.brief import Brief, Fact, pair_units
from article_score.checks import Check, Part, quote
from article_score.honesty import Honest
from article_score.tokens import EXACT, contains, find_tokens

NEAR = 3  # sentences within which a fact has to be told
MEANT = 0.3  # share of a fact's other words that stand there, too: its bold words alone say nothing
WORDS_A_FACT = 18  # words of a paragraph for each fact; with fewer it is a list and no article
PRICE = 0.3  # points for an invention
PLAIN = frozenset({"i", "i'm", "i've", "i'd", "i'll", "ok"})


def score_accuracy(honest: Honest, brief: Brief) -> Part:
    """Give points for the facts that the article tells, less a price for what it invents."""
    told = {number for block in honest.solid for number in find_facts(block, brief.facts)}
    missing = [fact for fact in brief.facts if fact.number not in told]
    invented = find_inventions(honest.whole, brief)
    share = len(told) / len(brief.facts)
    points = max(10 * share - PRICE * len(invented), 0.0)
    notes = [f"fact {fact.number} is not told in full: {fact.text}" for fact in missing]
    checks = [
        Check("facts told", share, notes=notes),
        Check("nothing invented", 1 - min(len(invented) / 10, 1), notes=invented),
    ]
    numbers = {"facts": len(told), "missing": len(missing), "inventions": len(invented)}
    return Part("accuracy", points, checks, numbers)


def find_facts(paragraph: Block, facts: Sequence[Fact]) -> list[int]:
    """The numbers of the facts that a paragraph tells, no more than it has room for."""
    forms = [[token.form for token in find_tokens(one)] for one in paragraph.sentences]
    passages = [list(chain(*forms[i : i + NEAR])) for i in range(len(forms))]
    found = [fact.number for fact in facts if any(tells(one, fact) for one in passages)]
    return found[: max(sum(map(len, forms)) // WORDS_A_FACT, 1)]


def tells(passage: Sequence[str], fact: Fact) -> bool:
    """Whether a passage has a fact's bold words, and enough of what they mean.

    Args:
        passage: Forms of its tokens.
        fact: The fact.
    """
    meant = len(fact.context.intersection(passage))
    return meant >= int(MEANT * len(fact.context)) and all(
        contains(passage, wanted) for wanted in fact.required
    )


def find_inventions(article: Article, brief: Brief) -> list[str]:
    """The numbers and names that are not in facts.md, as notes; each once."""
    found: dict[str, str] = {}
    for sentence in article.sentences:
        for word in (*find_unknown_numbers(sentence, brief), *find_unknown_names(sentence, brief)):
            found.setdefault(word, f"{word} is not in facts.md: {quote(sentence)}")
    for heading in article.headings:
        capitals = sum(word[:1].isupper() for word in WORD.findall(heading.text))
        titled = capitals > 0.5 * len(WORD.findall(heading.text))  # then capitals mean no names
        names = [] if titled else find_unknown_names(heading.text, brief)
        for word in (*find_unknown_numbers(heading.text, brief), *names):
            found.setdefault(word, f"{word} is not in facts.md: heading {quote(heading.text)}")
    return list(found.values())


def find_unknown_numbers(text: str, brief: Brief) -> list[str]:
    """The numbers of a text that the facts do not have, or not with this unit."""
    tokens = find_tokens(text)
    pairs = pair_units(tokens)
    right = {number for number, unit in pairs if (number, unit) in brief.measured}
    wrong = {number for number, _ in pairs} - right
    unknown = []
    for token in tokens:
        if token.value is None:
            if token.raw[:1].isdecimal() and token.form not in brief.known:
                unknown.append(token.raw)
        elif token.spelled and token.value <= EXACT:
            continue
        elif token.form not in brief.known or (token.form in wrong and not token.spelled):
            unknown.append(token.raw)
    return unknown


def find_unknown_names(text: str, brief: Brief) -> list[str]:
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
            forms = [token.form for token in find_tokens(word)]
            if any(form not in brief.known for form in forms if not form.startswith("#")):
                unknown.append(word)
        opening = False
    return unknown
