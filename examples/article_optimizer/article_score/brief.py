"""What the article has to tell and to follow: facts.md and style_guide.md, parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from article_score.english import COMMON
from article_score.tokens import MEASURES, Token, find_tokens

FACT = re.compile(r"^\s*(\d+)[.)]\s+(.*)$", re.MULTILINE)
BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Fact:
    """One numbered line of facts.md.

    Attributes:
        number: The line's number.
        text: The line without marks.
        required: The words in bold, each as the forms of its tokens; they have to be told.
        context: Forms of the other words that carry a meaning; some of them have to be told.
    """

    number: int
    text: str
    required: Sequence[Sequence[str]]
    context: frozenset[str]


@dataclass(frozen=True)
class Brief:
    """The two files.

    Attributes:
        facts: All facts in their order.
        known: Forms of all words and numbers of facts.md.
        measured: Pairs of number and unit that stand in facts.md.
        subject: Forms of the words that carry a meaning in facts.md and in the guide's lists.
        facts_text: Text of facts.md without marks.
        keyword: What a search engine should find the article by.
        related: Words that belong to the subject.
        avoid: Words and phrases of padding that the guide forbids.
        worn_out: Worn-out phrases that the guide forbids.
        spelling: Pairs of a right and a wrong word.
    """

    facts: Sequence[Fact]
    known: frozenset[str]
    measured: frozenset[tuple[str, str]]
    subject: frozenset[str]
    facts_text: str
    keyword: str
    related: Sequence[str]
    avoid: Sequence[str]
    worn_out: Sequence[str]
    spelling: Sequence[tuple[str, str]]


def read_brief(folder: Path) -> Brief:
    """Read facts.md and style_guide.md of a task's folder.

    Raises:
        ValueError: There is no fact with a word in bold, or a line of the guide is missing.
    """
    facts_text = (folder / "facts.md").read_text(encoding="utf-8")
    guide = (folder / "style_guide.md").read_text(encoding="utf-8")
    facts = [_parse_fact(int(number), line) for number, line in FACT.findall(facts_text)]
    bare = [fact.number for fact in facts if not fact.required]
    if bare or not facts:
        raise ValueError(f"facts.md: no words in **bold** in fact {bare[0] if bare else 1}")
    plain = _remove_marks(FACT.sub(r"\2", facts_text))
    tokens = find_tokens(plain)
    keyword, related = _read_list(guide, "Keyword")[0], _read_list(guide, "Related words")
    spelling = [pair.split(" not ") for pair in _read_list(guide, "Spelling")]
    return Brief(
        facts,
        known=frozenset(token.form for token in tokens),
        measured=frozenset(pair_units(tokens)),
        subject=_find_meaningful(" ".join([plain, keyword, *related])),
        facts_text=plain,
        keyword=keyword,
        related=related,
        avoid=_read_list(guide, "Avoid"),
        worn_out=_read_list(guide, "Worn out"),
        spelling=[(right, wrong) for right, wrong in spelling],
    )


def pair_units(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Every number that a unit follows, with the unit."""
    return [
        (one.form, following.form)
        for one, following in pairwise(tokens)
        if one.value is not None and following.form in MEASURES
    ]


def _parse_fact(number: int, line: str) -> Fact:
    required = [[token.form for token in find_tokens(bold)] for bold in BOLD.findall(line)]
    told = {form for forms in required for form in forms}
    text = _remove_marks(line)
    return Fact(number, text, required, _find_meaningful(text) - told)


def _find_meaningful(text: str) -> frozenset[str]:
    forms = (token.form for token in find_tokens(text))
    return frozenset(form for form in forms if form not in COMMON and len(form) > 2)


def _read_list(guide: str, label: str) -> list[str]:
    found = re.search(rf"^{label}:(.*)$", guide, re.MULTILINE)
    items = [item.strip() for item in _remove_marks(found[1]).split(",")] if found else []
    if not any(items):
        raise ValueError(f"style_guide.md: the line `{label}: ...` is missing")
    return [item for item in items if item]


def _remove_marks(text: str) -> str:
    return text.replace("**", "")
