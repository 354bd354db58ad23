"""What does not help an article of examples/content_generator, however it is tried."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TASK = ROOT / "examples" / "content_generator"
ARTICLES = Path(__file__).with_name("content_generator_articles")
sys.path.insert(0, str(TASK))

from content_scoring.score import Score, score_article  # noqa: E402
from content_scoring.sources import read_sources  # noqa: E402
from content_scoring.tokens import FUNCTION, find_words, split_sentences  # noqa: E402

TOPIC = "tool-library"
SOURCES = read_sources(TASK / "sources" / TOPIC)
TEMPLATE = (TASK / "templates" / "article.md").read_text()
GUIDE = (TASK / "style_guide.md").read_text()
GOOD = (ARTICLES / f"{TOPIC}.md").read_text()
OTHER = (ARTICLES / "river-restoration.md").read_text()
PARAGRAPH = next(line for line in GOOD.splitlines() if line.startswith("A visitor sees"))
SOURCE_PROSE = "\n\n".join(p for s in SOURCES.texts for p in s.paragraphs if len(p) > 200)
UNQUOTED = SOURCE_PROSE.replace('"', "").replace("?", ".")
SMALL = set(re.findall(r"(?<![\w-])[a-z]+(?![\w-])", SOURCE_PROSE))  # words that are no names


@lru_cache(maxsize=8)
def scored(text: str) -> Score:
    return score_article(text, TEMPLATE, GUIDE, SOURCES, [OTHER])


def with_paragraph(text: str, paragraph: str) -> str:
    """The article with a paragraph more, in the middle of it."""
    return text.replace(PARAGRAPH, f"{PARAGRAPH}\n\n{paragraph}")


def cut(text: str, *headings: str) -> str:
    """The article with only the first paragraph under each of these headings."""
    for heading in headings:
        found = re.search(rf"(^## {heading}\n\n[^\n]*\n).*?(?=^## )", text, re.M | re.S)
        assert found
        text = text.replace(found[0], found[1] + "\n")
    return text


SHORT = cut(GOOD, "What went wrong", "What others can take from it", "How it began")
MISSING = "\n\n".join(part for part in GOOD.split("\n\n") if part not in SHORT)


def test_the_good_article_is_above_the_target_and_the_short_one_is_not() -> None:
    assert scored(GOOD).total > 9
    assert not scored(GOOD).broken
    assert scored(SHORT).total < 7


# -- untrue -------------------------------------------------------------------------------------

UNTRUE = {
    "an invented figure": "The library on Harrow Lane now lends 77 different saws to its members.",
    "an invented figure in words": "It lends seventy-seven saws to its members on Harrow Lane.",
    "an invented share": "Of all loans on Harrow Lane, 612 per cent are hammers from the racks.",
    "an invented sum of money": "Every tool in the racks of the library costs 612 pounds to mend.",
    "a true figure of another thing": "A kitten sleeps for 9,480 minutes in a warm, dry barn.",
    "an invented name": "The idea for all this came from Margaret, who knew the street well.",
    "an invented name at the beginning": "Margaret had the idea for all this in her own kitchen.",
    "an invented full name": "Nadia Okafor keeps the racks in order and knows every single saw.",
    "an invented place": "A similar library was opened in Rotterdam, and it lends tools too.",
    "an invented quotation": 'Brandt smiles. "We lend out all but the racks," she says then.',
    "a quotation with a word exchanged": (
        'Tom says that people "come for the saw and stay for the bench" in the long run.'
    ),
    "a name in letters of another script": "The joiner \u0422\u043em keeps a list of all tools.",
}


@pytest.mark.parametrize("claim", UNTRUE.values(), ids=UNTRUE.keys())
def test_one_untrue_sentence_keeps_an_article_below_nine(claim: str) -> None:
    result = scored(GOOD.replace(PARAGRAPH, f"{PARAGRAPH} {claim}"))
    assert len(result.accuracy.invented) >= 1
    assert result.total < 9
    assert result.total < scored(GOOD).total


HARMLESS = {
    "everyday numbers": "One of them is enough, and the two of them are a pair, at first sight.",
    "true figures": "On the shelves of the library stood 1,340 tools at the end of 2023.",
    "a true figure in other digits": "The catalogue held 1340 tools, and 46 percent came by fees.",
    "true names": "Nadia Brandt and Tom Okafor met on Harrow Lane, before the laundry opened.",
    "a short quotation for a single word": 'What she calls a "bench" is a table with a vice.',
    "unusual words at the beginning": "Inspection takes time. Borrowers wait. Patience helps.",
}


@pytest.mark.parametrize("claim", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_true_is_not_called_untrue(claim: str) -> None:
    result = scored(GOOD.replace(PARAGRAPH, f"{PARAGRAPH} {claim}"))
    assert result.accuracy.invented == []


# -- facts without an article -------------------------------------------------------------------

MARKS = " ".join(" ".join(mark) for fact in SOURCES.facts for mark in fact.marks)
DUMPS = {
    "the marked words alone": MARKS + ".",
    "a list of figures": "\n".join(f"- {' '.join(f.marks[0])}" for f in SOURCES.facts),
    "a table": "| fact |\n|---|\n" + "\n".join(f"| {fact.text} |" for fact in SOURCES.facts),
    "a comment": "<!--\n" + "\n\n".join(fact.text for fact in SOURCES.facts) + "\n-->",
    "code": "```\n" + "\n".join(fact.text for fact in SOURCES.facts) + "\n```",
    "the end of the sources": "## Sources\n\n" + " ".join(fact.text for fact in SOURCES.facts),
}


@pytest.mark.parametrize("dump", DUMPS.values(), ids=DUMPS.keys())
def test_a_heap_of_facts_tells_none(dump: str) -> None:
    bare = cut(GOOD, "How it works", "What the numbers say", "How it began", "What went wrong")
    before = scored(bare)
    after = scored(bare.replace("## Sources", f"{dump}\n\n## Sources"))
    assert before.accuracy.missing
    assert len(after.accuracy.told) == len(before.accuracy.told)
    assert after.total <= before.total


# -- words without an article -------------------------------------------------------------------


def exchanged(text: str, every: int) -> str:
    """A text in which some words are other words."""
    found = text.split(" ")
    return " ".join("somehow" if i % every == every - 1 else w for i, w in enumerate(found))


def in_paragraphs(text: str, change: Callable[[str], str]) -> str:
    return "\n\n".join(change(part) for part in text.split("\n\n") if part[:1] not in "-#")


def with_topic_words(text: str) -> str:
    """A text in which every third plain word is another word of the sources."""
    pool = sorted({word for word in SMALL if word not in FUNCTION})
    return " ".join(
        pool[(37 * place) % len(pool)] if place % 3 == 2 and word in SMALL else word
        for place, word in enumerate(text.split(" "))
    )


def shuffled(text: str) -> str:
    """The plain words of a text in any order, as sentences of fifteen words."""
    found = [word for word in find_words(text) if word in SMALL]
    random.Random(4).shuffle(found)
    rows = [found[at : at + 15] for at in range(0, len(found), 15)]
    return " ".join(f"{' '.join(row).capitalize()}." for row in rows)


def with_meaning_shuffled(text: str) -> str:
    """A text whose small words stay in their places, while the others change theirs."""
    found = text.split(" ")
    places = [at for at, word in enumerate(found) if word in SMALL and word not in FUNCTION]
    others = random.Random(4).sample(places, len(places))
    moved = dict(zip(places, (found[at] for at in others), strict=True))
    return " ".join(moved.get(at, word) for at, word in enumerate(found))


def spliced(text: str) -> str:
    """Halves of sentences that stand far apart, some of their words exchanged."""
    every = [sentence.split(" ") for sentence in split_sentences(text)]
    pairs = zip(every, every[7:] + every[:7], strict=True)
    return " ".join(
        with_topic_words(" ".join([*one[: len(one) // 2], *other[len(other) // 2 :]]))
        for one, other in pairs
    )


def accented(text: str) -> str:
    return text.translate(str.maketrans("ae", "àé"))


def homoglyphs(text: str) -> str:
    return text.replace("a", "\u0430").replace("e", "\u0435")


def sprinkled(text: str) -> str:
    return "\u200b".join(text)


FILLING = {
    "the source as it stands": SOURCE_PROSE,
    "the source with every eighth word exchanged": exchanged(SOURCE_PROSE, 8),
    "the source with every sixth word exchanged": exchanged(SOURCE_PROSE, 6),
    "the source in look-alike letters": homoglyphs(SOURCE_PROSE),
    "the source with unseen characters": sprinkled(SOURCE_PROSE),
    "the source with accents": accented(UNQUOTED),
    "the source with variations of nothing": re.sub(r"\b(\w)(\w+)", "\\1\ufe0f\\2", UNQUOTED),
    "the source with joiners of nothing": re.sub(r"\b([a-z]+)\b", "\\1\u034f", UNQUOTED),
    "the source with every third word of the topic": in_paragraphs(UNQUOTED, with_topic_words),
    "the source with its words shuffled": in_paragraphs(UNQUOTED, shuffled),
    "the source with its nouns and verbs shuffled": in_paragraphs(UNQUOTED, with_meaning_shuffled),
    "the source cut into halves": in_paragraphs(UNQUOTED, spliced),
    "the article again, every third word exchanged": in_paragraphs(SHORT, with_topic_words),
    "the article again, its nouns and verbs shuffled": in_paragraphs(SHORT, with_meaning_shuffled),
    "what was missing, in a box that nobody sees": f"<div hidden>\n\n{MISSING}\n\n</div>",
    "what was missing, folded up": f"<details>\n\n{MISSING}\n\n</details>",
    "what was missing, as a section of data": f"<![CDATA[\n\n{MISSING}\n\n]]>",
    "what was missing, as an instruction": f"<?php\n\n{MISSING}\n\n?>",
    "the style guide": GUIDE.replace("#", ""),
    "the article again": "\n\n".join(p for p in SHORT.split("\n\n") if p[:1] not in "-#"),
    "one paragraph many times": "\n\n".join([PARAGRAPH] * 12),
    "one paragraph many times, a word exchanged": "\n\n".join(
        exchanged(PARAGRAPH, n) for n in range(9, 21)
    ),
    "the article about another topic": "\n\n".join(
        p for p in OTHER.split("\n\n") if p[:1] not in "-#"
    ),
    "words without sense": "\n\n".join(
        " ".join(f"tool{(i * j) % 97} drill{(i + j) % 89}" for i in range(30)) for j in range(1, 15)
    ),
    "prose about nothing of this": "\n\n".join(
        f"It was {a} when the {b} had come to the {c}, and so they were with us again. "
        f"But {b} and {c} would not be what they had been in the {a} of that old {b}. " * 2
        for a in ("dusk", "frost", "dawn", "fog")
        for b in ("fox", "owl", "hare", "stag")
        for c in ("moor", "fen", "heath")
    ),
    "a comment": f"<!-- {SOURCE_PROSE} -->",
    "hidden HTML": f'<p hidden="">{OTHER[300:9000]}</p>'.replace("\n", " "),
    "link definitions": "\n".join(f"[{i}]: x ({PARAGRAPH})" for i in range(9)),
}


@pytest.mark.parametrize("filling", FILLING.values(), ids=FILLING.keys())
def test_filling_up_a_short_article_gains_nothing(filling: str) -> None:
    before, after = scored(SHORT), scored(with_paragraph(SHORT, filling))
    assert after.total <= before.total
    assert after.total < 7


def test_the_sources_with_words_exchanged_make_no_article() -> None:
    """The good article's form, and under each heading the sources in other words here and there."""
    parts = in_paragraphs(UNQUOTED, with_topic_words).split("\n\n")
    headings = re.findall(r"^## .*$", GOOD, re.M)[:-1]
    body = "\n\n".join(
        "\n\n".join([heading, *parts[at :: len(headings)]]) for at, heading in enumerate(headings)
    )
    front, sources = GOOD.partition("\n## ")[0], GOOD.rpartition("\n## ")[2]
    result = scored(f"{front}\n{body}\n\n## {sources}")
    assert result.originality < 0.5
    assert result.total < 4


# -- another form -------------------------------------------------------------------------------

FORMS: dict[str, Callable[[str], str]] = {
    "a heading is missing": lambda t: t.replace("## What went wrong\n\n", ""),
    "a heading is another": lambda t: t.replace("## What went wrong", "## What went well"),
    "a heading is deeper": lambda t: t.replace("## What went wrong", "### What went wrong"),
    "a heading is added": lambda t: t.replace(PARAGRAPH, f"## More\n\n{PARAGRAPH}"),
    "two are swapped": lambda t: (
        t.replace("## How it began", "## X")
        .replace("## How it works", "## How it began")
        .replace("## X", "## How it works")
    ),
    "it is twice as long": lambda t: with_paragraph(
        t, "\n\n".join(PARAGRAPH.replace("visitor", w) for w in ("stranger", "child") * 8)
    ),
    "there is a title twice": lambda t: t.replace("## In short", "# A title\n\n## In short"),
}


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_an_article_in_another_form_stays_below_nine(change: Callable[[str], str]) -> None:
    changed = change(GOOD)
    assert changed != GOOD
    assert scored(changed).broken
    assert scored(changed).total < 9


STYLES: dict[str, Callable[[str], str]] = {
    "no title": lambda t: re.sub(r"^title:.*$", "title:", t, flags=re.M),
    "a shouting title": lambda t: re.sub(r"^(title:.*)$", r"\1!", t, flags=re.M),
    "no summary": lambda t: re.sub(r"^summary:.*$", "summary:", t, flags=re.M),
    "a source is not named": lambda t: t.replace(
        "- Interview with Nadia Brandt, coordinator\n", ""
    ),
    "a source that is none is named": lambda t: t + "- The encyclopaedia of ladders\n",
    "words to avoid": lambda t: t.replace("A visitor sees", "A visitor basically, really sees"),
    "the writer appears": lambda t: t.replace("A visitor sees", "As we saw, a visitor sees"),
    "signs in place of words": lambda t: t.replace("71 per cent", "71%"),
    "an image": lambda t: t.replace(PARAGRAPH, f"{PARAGRAPH}\n\n![a drill](drill.png)"),
    "one endless sentence": lambda t: (
        t.replace(". One serves", ", one serves")
        .replace(", another fetches", " while another fetches")
        .replace("questions. It is", "questions and it is")
    ),
    "paragraphs of a line": lambda t: t.replace(". ", ".\n\n"),
    "nobody speaks": lambda t: t.replace('"', ""),
}


@pytest.mark.parametrize("change", STYLES.values(), ids=STYLES.keys())
def test_what_the_style_guide_forbids_costs(change: Callable[[str], str]) -> None:
    changed = change(GOOD)
    assert changed != GOOD
    assert scored(changed).total < scored(GOOD).total
    assert scored(changed).notes != scored(GOOD).notes
