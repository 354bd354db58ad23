"""What the article has to hold and to follow: facts.md and style_guide.md, read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from article_score.tokens import MEASURES, Token, tokens

FACT = re.compile(r"^\s*(\d+)[.)]\s+(.*)$", re.MULTILINE)
BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Fact:
    """One fact; `required` are the words in bold, each as the forms of its tokens."""

    number: int
    text: str
    required: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Brief:
    """The two files.

    Attributes:
        facts: in their order.
        known: the forms of all words and numbers of facts.md.
        measured: pairs of number and unit that are in facts.md.
        facts_text: the text of facts.md without marks.
        keyword: what a search engine should find the article by.
        related: words that belong to the subject.
        avoid, worn_out: phrases that the guide forbids.
        spelling: pairs of a right and a wrong word.
    """

    facts: Sequence[Fact]
    known: frozenset[str]
    measured: frozenset[tuple[str, str]]
    facts_text: str
    keyword: str
    related: Sequence[str]
    avoid: Sequence[str]
    worn_out: Sequence[str]
    spelling: Sequence[tuple[str, str]]


def read_brief(folder: Path) -> Brief:
    """Read facts.md and style_guide.md of a task's folder.

    Raises:
        ValueError: there is no fact with a word in bold, or a line of the guide is missing.
    """
    facts_text = (folder / "facts.md").read_text(encoding="utf-8")
    guide = (folder / "style_guide.md").read_text(encoding="utf-8")
    facts = [
        Fact(int(number), _unmarked(line), [_forms(bold) for bold in BOLD.findall(line)])
        for number, line in FACT.findall(facts_text)
    ]
    bare = [fact.number for fact in facts if not fact.required]
    if bare or not facts:
        raise ValueError(f"facts.md: no words in **bold** in fact {bare[0] if bare else 1}")
    plain = _unmarked(FACT.sub(r"\2", facts_text))
    every = tokens(plain)
    spelling = [pair.split(" not ") for pair in _list(guide, "Spelling")]
    return Brief(
        facts,
        frozenset(token.form for token in every),
        frozenset(pairs(every)),
        plain,
        _list(guide, "Keyword")[0],
        _list(guide, "Related words"),
        _list(guide, "Avoid"),
        _list(guide, "Worn out"),
        [(right, wrong) for right, wrong in spelling],
    )


def pairs(found: Sequence[Token]) -> list[tuple[str, str]]:
    """Every number that a unit follows, with the unit."""
    return [
        (one.form, next_.form)
        for one, next_ in pairwise(found)
        if one.value is not None and next_.form in MEASURES
    ]


def _list(guide: str, label: str) -> list[str]:
    found = re.search(rf"^{label}:(.*)$", guide, re.MULTILINE)
    items = [item.strip() for item in _unmarked(found[1]).split(",")] if found else []
    if not any(items):
        raise ValueError(f"style_guide.md: the line `{label}: ...` is missing")
    return [item for item in items if item]


def _forms(text: str) -> list[str]:
    return [token.form for token in tokens(text)]


def _unmarked(text: str) -> str:
    return text.replace("**", "")
