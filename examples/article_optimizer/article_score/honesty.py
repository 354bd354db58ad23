"""What an article gains nothing by: repetition, copies, padding, hidden text, words to the judge.

It is removed before anything is measured, and lowers the whole score.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from article_score.article import READ, Article, Block, find_words, split_sentences
from article_score.brief import Brief
from article_score.characters import keep_english
from article_score.checks import quote, ramp
from article_score.echoes import Echoes
from article_score.english import COMMON, count_breaks
from article_score.tokens import find_tokens

SHORTEST, FULL, LONGEST, ENDLESS = 300, 1200, 2800, 5000  # words
SOLID = 25  # words of a paragraph that tells something
ON_SUBJECT = 0.15  # share of a paragraph's meaningful words that facts.md and the guide know
# share of the words of a sentence, and of a paragraph, that echo facts.md: then it is copied
COPY, PATCHWORK = 0.75, 0.45
SMALL_WORDS = 0.25  # share of them in English prose, at least
BREAKS = 0.012  # share of a paragraph's words behind which no English sentence goes on as it does
STUFFED, SWOLLEN = 2.5, 6.0  # keywords in 100 words
TO_THE_JUDGE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rubric)\b",
        r"\b(?:score|rate|grade|mark|rank|award|give)\b.{0,30}\b(?:article|text|essay|answer|piece|"
        r"submission|it|this)\b.{0,25}\b(?:10|ten)\b",
        r"(?:^|[.!?] )(?:judges?|graders?|evaluators?|scorers?|reviewers?|assistant)[:,] ",
        r"\b(?:dear|attention|note to(?: the)?|message to(?: the)?) (?:\w+ )?"
        r"(?:judge|grader|evaluator|scorer|reviewer|assistant|language model|llm|ai)\b",
        r"\b(?:who|whoever|if you) (?:\w+ )?(?:scores?|rates?|grades?|judges?|evaluates?)\b.{0,20}"
        r"\b(?:article|text|essay|piece|this)\b",
        r"\b(?:system|user) (?:prompt|message)\b|\bai judge\b|</?(?:system|user|instructions?)>",
        r"\byou are (?:a|an|the|now) (?:\w+ ){0,3}(?:judge|grader|evaluator|assistant|scorer)\b",
        r"\b(?:10|ten) ?(?:/|out of) ?(?:10|ten)\b",
        r"\b(?:full|highest|top|perfect|maximum) (?:possible )?(?:scores?|marks?|grade|rating)\b",
        r"\b(?:engagement|style|accuracy|readability|score)[\"'”]? ?[:=] ?(?:10|9)\b",
    )
]


@dataclass(frozen=True)
class Factor:
    """What the whole score is multiplied by.

    Attributes:
        name: What an honest article has or lacks, such as "no repetition".
        value: The factor, from 0 to 1; 1 for an honest article.
        notes: What a person could act on; empty if there is nothing to do.
    """

    name: str
    value: float
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Honest:
    """An article without what does not count.

    Attributes:
        article: What is left of the article.
        whole: Everything that readers see of it.
        factors: Factors of the score, with what was found.
        words: Number of words of prose that count for the length.
        repeated: Share of the whole's words that say again what was said, from 0 to 1.
    """

    article: Article
    whole: Article
    factors: Sequence[Factor]
    words: int
    repeated: float

    @property
    def factor(self) -> float:
        """The product of all factors."""
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

    @property
    def readings(self) -> tuple[list[Block], list[Block]]:
        """The paragraphs alone, and with lists and quotations, which nothing can be hidden in."""
        return self.paragraphs, [block for block in self.article.blocks if block.kind in READ]


def is_solid(block: Block) -> bool:
    """Whether a paragraph has several sentences and enough words to tell something."""
    return len(find_words(block.text)) >= SOLID and len(block.sentences) > 1


@dataclass(frozen=True)
class Sorted:
    """An article's sentences, sorted by whether they count.

    Attributes:
        blocks: The blocks with the sentences that count.
        repeated: Sentences that say again what was said.
        copied: Sentences that are copied from facts.md.
        addressed: Sentences that speak to a judge.
    """

    blocks: list[Block]
    repeated: list[str]
    copied: list[str]
    addressed: list[str]


def examine_article(whole: Article, source: str, brief: Brief) -> Honest:
    """Remove from an article what does not count.

    Args:
        whole: The article as readers see it.
        source: Text of its file, in which instructions may hide from a reader.
        brief: The facts, whose lines may not be copied, and the guide.
    """
    found = _sort_sentences(whole, brief)
    headings = [
        replace(one, text="") if _speaks_to_judge(one.text) else one for one in whole.headings
    ]
    article = replace(whole, blocks=found.blocks, headings=headings)
    prose = [
        block
        for block in found.blocks
        if block.kind == "paragraph" and is_on_subject(block.text, brief)
    ]
    length = count_words(block.text for block in prose)
    total = max(len(whole.words), 1)
    repeated = count_words(found.repeated) / total
    told = count_words(block.text for block in prose if is_solid(block)) / total
    hidden = sorted(set(whole.hidden))
    factors = [
        _weigh_length(length),
        _weigh_repetition(repeated, found.repeated),
        _weigh_prose(told, found.copied, total),
        Factor(
            "nothing hidden",
            max(1 - 0.3 * len(hidden), 0.1),
            [f"{name} is not for readers" for name in hidden],
        ),
        _weigh_addresses(source, found.addressed),
        _weigh_stuffing(whole, brief.keyword),
    ]
    return Honest(article, whole, factors, length, repeated)


def count_words(texts: Iterable[str]) -> int:
    """The number of words in some texts together."""
    return sum(len(find_words(text)) for text in texts)


def is_on_subject(text: str, brief: Brief) -> bool:
    """Whether a paragraph shares words with the facts or with the guide's lists."""
    meaningful = [token.form for token in find_tokens(text) if token.form not in COMMON]
    return sum(form in brief.subject for form in meaningful) >= ON_SUBJECT * len(meaningful)


def _sort_sentences(whole: Article, brief: Brief) -> Sorted:
    said, facts = Echoes(), Echoes()
    for line in brief.facts_text.split("\n"):
        for sentence in split_sentences(line):
            facts.add(_lower_words(sentence))
    found = Sorted([], [], [], [])
    for block in whole.blocks:
        kept = []
        lists = [_lower_words(sentence) for sentence in block.sentences]
        patched = sum(map(facts.count, lists)) > PATCHWORK * sum(map(len, lists))
        for sentence, words in zip(block.sentences, lists, strict=True):
            if _speaks_to_judge(sentence):
                found.addressed.append(sentence)
            elif said.repeats(words):
                found.repeated.append(sentence)
            elif len(words) > 4 and (patched or facts.count(words) >= COPY * len(words)):
                found.copied.append(sentence)
            else:
                kept.append(sentence)
            said.add(words)
        if kept and (block.kind != "paragraph" or is_prose(kept)):
            found.blocks.append(replace(block, text=" ".join(kept)))
    return found


def is_prose(sentences: Sequence[str]) -> bool:
    """Whether sentences have the small words that English needs, where it has them."""
    lists = [_lower_words(one) for one in sentences]
    words = [word for one in lists for word in one]
    common = sum(word in COMMON for word in words)
    if len(words) >= 8 and common < SMALL_WORDS * len(words):
        return False
    if sum(map(count_breaks, sentences)) > BREAKS * len(words):
        return False
    return sentences[-1].rstrip("\"'”’)]")[-1:] in tuple(".!?:")


def _weigh_length(count: int) -> Factor:
    if count < FULL:
        value = 0.15 * ramp(count, 0, SHORTEST) + 0.85 * ramp(count, SHORTEST, FULL)
        note = f"{count} words of prose on the subject, fewer than {FULL}"
        return Factor("length", value, [note])
    value = 1 - 0.7 * ramp(count, LONGEST, ENDLESS)
    notes = [f"{count} words of prose, more than {LONGEST}"] if value < 1 else []
    return Factor("length", value, notes)


def _weigh_repetition(share: float, repeated: Sequence[str]) -> Factor:
    notes = [f"says again what was said: {quote(one)}" for one in repeated[:3]]
    return Factor("no repetition", 1 - ramp(share, 0.01, 0.35), notes)


def _weigh_prose(told: float, copied: Sequence[str], total: int) -> Factor:
    notes = [f"copied from facts.md: {quote(one)}" for one in copied[:3]]
    if told < 0.75:
        notes.append(
            f"only {told:.0%} of the words are in paragraphs that tell something of the subject"
        )
    return Factor("prose", ramp(told, 0.1, 0.75) * (1 - count_words(copied) / total), notes)


def _weigh_addresses(source: str, addressed: Sequence[str]) -> Factor:
    found = list(addressed)
    if not found and _speaks_to_judge(keep_english(source)[0]):
        found.append("in a heading or out of sight")
    notes = [f"words to the judge: {quote(one)}" for one in found[:3]]
    return Factor("no words to the judge", 0.5 if found else 1.0, notes)


def _weigh_stuffing(article: Article, keyword: str) -> Factor:
    density = measure_density(article, keyword)
    notes = [f"the keyword stands {density:.1f} times in 100 words"] if density > STUFFED else []
    return Factor("no keyword stuffing", 1 - 0.8 * ramp(density, STUFFED, SWOLLEN), notes)


def measure_density(article: Article, keyword: str) -> float:
    """Keywords in 100 words. The second one in a sentence or a heading counts double."""
    places = [*article.sentences, *(heading.text for heading in article.headings)]
    counts = [one.casefold().count(keyword.casefold()) for one in places]
    return 100 * sum(n + max(n - 1, 0) for n in counts) / max(len(article.words), 1)


def _speaks_to_judge(text: str) -> bool:
    lines = {" ".join(line.split()) for line in (*text.split("\n"), text)}
    return any(pattern.search(line) for pattern in TO_THE_JUDGE for line in lines)


def _lower_words(sentence: str) -> list[str]:
    return [word.lower() for word in find_words(sentence)]
