"""The score of an article, from its parts, and what to tell the people who read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from content_scoring.accuracy import Accuracy, check_accuracy
from content_scoring.article import UNSEEN, Article, Form, read_article, read_template
from content_scoring.originality import count_common, measure_originality
from content_scoring.sources import Sources
from content_scoring.style import check_readability, check_style, find_words_to_avoid
from content_scoring.tokens import find_words

WEIGHTS = {
    "accuracy": 0.30,
    "originality": 0.20,
    "structure": 0.20,
    "readability": 0.15,
    "style": 0.15,
}
WORDS = 2000, 3000
ORIGINAL = 0.90  # share of an article that has to be its own
WORTHLESS = 0.70  # share from which on down originality earns nothing
FULL = 0.97  # and from which on up it earns all points
BROKEN, MORE = 0.89, 0.95  # what one broken condition leaves of the points, and each further one
SOURCES = "Sources"


@dataclass(frozen=True)
class Score:
    """What an article is worth.

    Attributes:
        total: The score, from 0 to 10.
        parts: The parts of the score by name, each from 0 to 10.
        length: Number of words of running text.
        originality: Share of the article that is its own, from 0 to 1.
        accuracy: Facts that are told and missing, and inventions.
        sentence: Mean number of words in a sentence.
        detail: Optional facts that are told, in per cent.
        broken: Conditions of a 9 that the article does not meet, in words.
        notes: What costs points, part by part.
    """

    total: float
    parts: dict[str, float]
    length: int
    originality: float
    accuracy: Accuracy
    sentence: float
    detail: float
    broken: list[str]
    notes: list[str] = field(repr=False)


def score_article(
    text: str, template: str, guide: str, sources: Sources, others: Iterable[str] = ()
) -> Score:
    """Score an article.

    Args:
        text: Text of the article's file.
        template: Text of the template.
        guide: Text of the style guide.
        sources: Sources of the article's topic.
        others: Finished articles about other topics, which may not be copied either.
    """
    forms = read_template(template)
    article = read_article(text, forms, sources.topic)
    length = article.length()
    truth = check_accuracy(article, sources)
    known = [*(source.text for source in sources.texts), guide, template, *others]
    paragraphs = [block.text for _, block in article.prose]
    originality = measure_originality(paragraphs, known, sources.owed)
    own = originality.share
    kept, structure_notes = check_structure(article, forms, sources)
    read, read_note = check_readability(article)
    rules = check_style(article, sources, find_words_to_avoid(guide))
    parts = {
        "accuracy": 10 * truth.share,
        "originality": 10 * min(1.0, max(0.0, (own - WORTHLESS) / (FULL - WORTHLESS))),
        "structure": 10 * kept,
        "readability": 10 * read,
        "style": 10 * sum(value for value, _ in rules.values()) / len(rules),
    }
    broken = find_broken_conditions(length, own, truth, article, forms)
    notes = [f"accuracy: not told: {fact.text}" for fact in truth.missing]
    notes += [f"accuracy: {complaint}" for complaint in truth.invented]
    notes += [f"originality: nearly a copy: {sentence[:90]}" for sentence in originality.copies]
    notes += [f"structure: {note}" for note in structure_notes]
    notes += [f"no prose, or about something else: {block.text[:90]}" for block in article.left_out]
    notes += [f"readability: {read_note}"] if read_note else []
    notes += [f"style, {name}: {note}" for name, (_, note) in rules.items() if note]
    optional = [fact for fact in sources.facts if not fact.required]
    extra = sum(not fact.required for fact in truth.told)
    return Score(
        weigh_parts(parts, length, own, broken),
        parts,
        length,
        own,
        truth,
        measure_sentences(article.sentences or find_all_sentences(text)),
        100 * extra / max(1, len(optional)),
        broken,
        notes,
    )


def find_all_sentences(text: str) -> list[str]:
    """All sentences of a file, those in the template's brackets among them.

    The bare template has no others, and gets its cell of the archive by them.
    """
    return [
        s for section in read_article(text).sections for b in section.blocks for s in b.sentences
    ]


def measure_sentences(sentences: Sequence[str]) -> float:
    """The mean number of words in a sentence."""
    return sum(len(find_words(one)) for one in sentences) / max(1, len(sentences))


def weigh_parts(parts: dict[str, float], length: int, own: float, broken: Sequence[str]) -> float:
    """Make one number of the parts.

    The article's form has its points from the start. All other parts count for the share of the
    length that the article has, and only its own words count for that. A broken condition takes a
    share of the points rather than all above a limit, so that any gain still shows.
    """
    low, high = WORDS
    share = min(1.0, length * own / (low * ORIGINAL)) * (min(1.0, high / length) if length else 0.0)
    earned = sum(
        weight * parts[name] * (1.0 if name == "structure" else share)
        for name, weight in WEIGHTS.items()
    )
    return earned * BROKEN * MORE ** (len(broken) - 1) if broken else earned


def find_broken_conditions(
    length: int, own: float, truth: Accuracy, article: Article, forms: Sequence[Form]
) -> list[str]:
    """The conditions of a score of 9 that an article does not meet."""
    low, high = WORDS
    broken = []
    if not low <= length <= high:
        broken.append(f"{length} words, should be {low} to {high}")
    if own < ORIGINAL:
        broken.append(f"{own:.1%} original, should be {ORIGINAL:.0%} or more")
    if truth.missing or truth.invented:
        broken.append(
            f"{len(truth.missing)} required facts are missing, {len(truth.invented)} invented"
        )
    if [s.heading for s in article.sections] != [form.heading for form in forms]:
        broken.append("the sections are not those of the template in its order")
    if article.hides:
        broken.append(f"there is {UNSEEN}")
    return broken


def check_structure(
    article: Article, forms: Sequence[Form], sources: Sources
) -> tuple[float, list[str]]:
    """From 0 to 1: headings 0.3, lengths of sections 0.45, title and summary 0.1, sources 0.15."""
    notes = []
    wanted, found = [form.heading for form in forms], [s.heading for s in article.sections]
    order = count_common(wanted, found) / max(len(wanted), len(found), 1)
    if order < 1:
        notes.append(f"the headings should be {', '.join(wanted)}")
    fits = []
    for form in forms:
        if form.words:
            (low, high), length = form.words, article.length(form.heading)
            off = max(low - length, length - high, 0)
            fits.append(max(0.0, 1 - 2 * off / (low if length < low else high)))
            if off:
                notes.append(f'"{form.heading}" has {length} words, should be {low} to {high}')
    front = (bool(article.title) + bool(article.summary)) / 2
    notes += ["title or summary is missing"] if front < 1 else []
    cited = _rate_citations(article, sources)
    notes += ["the last section does not name exactly the sources"] if cited < 1 else []
    return 0.3 * order + 0.45 * sum(fits) / len(fits) + 0.1 * front + 0.15 * cited, notes


def _rate_citations(article: Article, sources: Sources) -> float:
    section = article.section(SOURCES)
    if not section or any(block.kind != "list" for block in section.blocks):
        return 0.0
    named = [find_words(item) for block in section.blocks for item in block.items]
    titles = [find_words(source.title) for source in sources.texts]
    right = sum(title in named for title in titles)
    return right / max(len(titles), len(named), 1)
