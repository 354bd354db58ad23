"""What does not count: repetition, copies, word salad, hidden text and words to the judge.

Whatever is found here is taken out before anything is measured, and lowers the whole score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from article_score.brief import Brief
from article_score.checks import quoted, ramp
from article_score.text import Article, Block, sentences, words

SHINGLE = 4  # words
ALIKE = 0.6  # share of a sentence's shingles that makes it a copy
SHORTEST, FULL, LONGEST, ENDLESS = 300, 1200, 2800, 5000  # words
SOLID = 25  # words of a paragraph that tells something
STUFFED, SWOLLEN = 2.5, 6.0  # keywords in 100 words
COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about after again all also an and any are as at be because been before but by can
        could did do does down each even every far first for from had has have he her here his
        how i if in into is it its just know like long many may might more most much must my no
        nobody not nothing now of off often on once one only or other our out over own same she
        should since so some still such than that the their them then there these they this
        those through time to too two under until up us very was way we well were what when
        where which while who why will with without would yet you your
        """,
    )
)
TO_THE_JUDGE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rubric)\b",
        r"\b(?:score|rate|grade|mark|rank|award|give)\b.{0,30}\b(?:article|text|essay|answer|piece|"
        r"submission|it|this)\b.{0,25}\b(?:10|ten)\b",
        r"(?:^|[.!?] )(?:judges?|graders?|evaluators?|scorers?|reviewers?|assistant)[:,] ",
        r"\b(?:dear|attention|note to(?: the)?|message to(?: the)?) (?:\w+ )?"
        r"(?:judge|grader|evaluator|scorer|reviewer|assistant|language model|llm|ai)\b",
        r"\b(?:system|user) (?:prompt|message)\b|\bai judge\b|</?(?:system|user|instructions?)>",
        r"\byou are (?:a|an|the|now) (?:\w+ ){0,3}(?:judge|grader|evaluator|assistant|scorer)\b",
        r"\b(?:10|ten) ?(?:/|out of) ?(?:10|ten)\b",
        r"\b(?:full|highest|top|perfect|maximum) (?:possible )?(?:scores?|marks?|grade|rating)\b",
        r"\b(?:engagement|style|accuracy|readability|score)[\"'”]? ?[:=] ?(?:10|9)\b",
    )
]


@dataclass(frozen=True)
class Factor:
    """What the whole score is multiplied by, from 0 to 1, and why."""

    name: str
    value: float
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Honest:
    """An article without what does not count.

    Attributes:
        article: what is left of it.
        whole: what a reader sees, all of it.
        factors: what was found, as factors of the score.
        words: of prose in what is left.
        repeated: share of the whole's words that say again what was said.
    """

    article: Article
    whole: Article
    factors: Sequence[Factor]
    words: int
    repeated: float

    @property
    def factor(self) -> float:
        product = 1.0
        for factor in self.factors:
            product *= factor.value
        return product

    @property
    def paragraphs(self) -> list[Block]:
        return [block for block in self.article.blocks if block.kind == "paragraph"]

    @property
    def solid(self) -> list[Block]:
        """The paragraphs that are long enough to tell something."""
        return [block for block in self.paragraphs if is_solid(block)]


def is_solid(block: Block) -> bool:
    """Whether a paragraph has several sentences and enough words."""
    return len(words(block.text)) >= SOLID and len(block.sentences) > 1


def examine(whole: Article, source: str, brief: Brief) -> Honest:
    """Take out of an article what does not count.

    Args:
        whole: the article.
        source: its file, in which instructions may hide from a reader.
        brief: whose lines may not be copied.
    """
    said = set[tuple[str, ...]]()
    given = [_shingles(one) for line in brief.facts_text.split("\n") for one in sentences(line)]
    facts = {shingle for shingles in given for shingle in shingles}
    repeated, copied, addressed = list[str](), list[str](), list[str]()
    blocks: list[Block] = []
    for block in whole.blocks:
        kept = []
        for sentence in block.sentences:
            shingles = _shingles(sentence)
            if _speaks_to_the_judge(sentence):
                addressed.append(sentence)
            elif _share(shingles, said) >= ALIKE:
                repeated.append(sentence)
            elif len(words(sentence)) > SHINGLE and _share(shingles, facts) >= ALIKE:
                copied.append(sentence)
            else:
                kept.append(sentence)
            said.update(shingles)
        text = " ".join(kept)
        if kept and (block.kind != "paragraph" or _is_language(text)):
            blocks.append(replace(block, text=text))
    headings = [
        replace(one, text="") if _speaks_to_the_judge(one.text) else one for one in whole.headings
    ]
    article = replace(whole, blocks=blocks, headings=headings)
    total = max(len(whole.words), 1)
    share = sum(len(words(one)) for one in repeated) / total
    prose = [block for block in blocks if block.kind == "paragraph"]
    length = sum(len(words(block.text)) for block in prose)
    told = sum(len(words(block.text)) for block in prose if is_solid(block)) / total
    factors = [
        _length(length),
        _repetition(share, repeated),
        _prose(told, copied, total),
        Factor(
            "nothing hidden",
            max(1 - 0.3 * len(set(whole.hidden)), 0.1),
            [f"{name} is not for readers" for name in sorted(set(whole.hidden))],
        ),
        _addressed(source, addressed),
        _stuffing(whole, brief.keyword),
    ]
    return Honest(article, whole, factors, length, share)


def _length(count: int) -> Factor:
    if count < FULL:
        value = 0.15 * ramp(count, 0, SHORTEST) + 0.85 * ramp(count, SHORTEST, FULL)
        return Factor("length", value, [f"{count} words of prose, fewer than {FULL}"])
    value = 1 - 0.7 * ramp(count, LONGEST, ENDLESS)
    notes = [f"{count} words of prose, more than {LONGEST}"] if value < 1 else []
    return Factor("length", value, notes)


def _repetition(share: float, repeated: Sequence[str]) -> Factor:
    notes = [f"says again what was said: {quoted(one)}" for one in repeated[:3]]
    return Factor("no repetition", 1 - ramp(share, 0.01, 0.35), notes)


def _prose(told: float, copied: Sequence[str], total: int) -> Factor:
    notes = [f"copied from facts.md: {quoted(one)}" for one in copied[:3]]
    if told < 0.75:
        notes.append(f"only {told:.0%} of the words are in paragraphs that tell something")
    share = sum(len(words(one)) for one in copied) / total
    return Factor("prose", ramp(told, 0.1, 0.75) * (1 - share), notes)


def _addressed(source: str, addressed: Sequence[str]) -> Factor:
    found = list(addressed)
    if not found and _speaks_to_the_judge(source):
        found.append("in a heading or out of sight")
    notes = [f"words to the judge: {quoted(one)}" for one in found[:3]]
    return Factor("no words to the judge", 0.5 if found else 1.0, notes)


def _stuffing(article: Article, keyword: str) -> Factor:
    density = keyword_density(article, keyword)
    notes = [f"the keyword stands {density:.1f} times in 100 words"] if density > STUFFED else []
    return Factor("no keyword stuffing", 1 - 0.8 * ramp(density, STUFFED, SWOLLEN), notes)


def keyword_density(article: Article, keyword: str) -> float:
    """Keywords in 100 words. The second one in a sentence or a heading counts double."""
    places = [*article.sentences, *(heading.text for heading in article.headings)]
    counts = [one.casefold().count(keyword.casefold()) for one in places]
    return 100 * sum(n + max(n - 1, 0) for n in counts) / max(len(article.words), 1)


def _is_language(text: str) -> bool:
    """Whether a text has the small words that sentences need, and ends like one."""
    found = [word.lower() for word in words(text)]
    common = sum(word in COMMON for word in found) / max(len(found), 1)
    return (common >= 0.25 or len(found) < 8) and text.rstrip("\"'”’)]")[-1:] in (
        ".",
        "!",
        "?",
        ":",
    )


def _speaks_to_the_judge(text: str) -> bool:
    lines = {" ".join(line.split()) for line in (*text.split("\n"), text)}
    return any(pattern.search(line) for pattern in TO_THE_JUDGE for line in lines)


def _shingles(sentence: str) -> list[tuple[str, ...]]:
    found = [word.lower() for word in words(sentence)]
    return [tuple(found[i : i + SHINGLE]) for i in range(max(len(found) - SHINGLE + 1, 1))]


def _share(shingles: Sequence[tuple[str, ...]], known: set[tuple[str, ...]]) -> float:
    return sum(shingle in known for shingle in shingles) / max(len(shingles), 1)
