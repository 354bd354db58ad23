"""The score of an article, from its parts, and what to tell the people who read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from content_scoring.accuracy import Accuracy, accuracy
from content_scoring.article import Article, Form, read_article, read_template
from content_scoring.originality import originality
from content_scoring.sources import Sources
from content_scoring.style import readability, style, words_to_avoid
from content_scoring.tokens import words

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
        total: 0 to 10.
        parts: each 0 to 10, by name.
        length: words of running text.
        originality: the share that is its own.
        accuracy: what is true of it.
        sentence: words of its sentences on average.
        detail: per cent of the facts told that nobody demands.
        broken: the conditions without which there is no 9.
        notes: what costs points, by part.
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
        text: of the article's file.
        template: the text of the template.
        guide: the text of the style guide.
        sources: of the article's topic.
        others: finished articles about other topics, to copy from which is no writing either.
    """
    forms = read_template(template)
    article = read_article(text, forms, sources.topic)
    length = article.length()
    truth = accuracy(article, sources)
    known = [*(source.text for source in sources.texts), guide, template, *others]
    own, copies = originality([block.text for _, block in article.prose], known)
    kept, structure_notes = structure(article, forms, sources)
    read, read_note = readability(article)
    rules = style(article, sources, words_to_avoid(guide))
    parts = {
        "accuracy": 10 * truth.share,
        "originality": 10 * min(1.0, max(0.0, (own - WORTHLESS) / (FULL - WORTHLESS))),
        "structure": 10 * kept,
        "readability": 10 * read,
        "style": 10 * sum(value for value, _ in rules.values()) / len(rules),
    }
    broken = broken_conditions(length, own, truth, article, forms)
    notes = [f"accuracy: not told: {fact.text}" for fact in truth.missing]
    notes += [f"accuracy: {complaint}" for complaint in truth.invented]
    notes += [f"originality: nearly a copy: {sentence[:90]}" for sentence in copies]
    notes += [f"structure: {note}" for note in structure_notes]
    notes += [f"readability: {read_note}"] if read_note else []
    notes += [f"style, {name}: {note}" for name, (_, note) in rules.items() if note]
    optional = [fact for fact in sources.facts if not fact.required]
    extra = sum(not fact.required for fact in truth.told)
    return Score(
        total(parts, length, own, broken),
        parts,
        length,
        own,
        truth,
        mean_sentence(article.sentences or everything(text)),
        100 * extra / max(1, len(optional)),
        broken,
        notes,
    )


def everything(text: str) -> list[str]:
    """All sentences of a file, those in the template's brackets too: the bare template has no
    others, and takes its place in the archive by them."""
    return [
        s for section in read_article(text).sections for b in section.blocks for s in b.sentences
    ]


def mean_sentence(found: Sequence[str]) -> float:
    """Words of a sentence on average."""
    return sum(len(words(s)) for s in found) / max(1, len(found))


def total(parts: dict[str, float], length: int, own: float, broken: Sequence[str]) -> float:
    """One number of the parts.

    What a short text does well it does for its share of the length only, and only its own words
    count for that: the form of the article has its points from the start, everything else grows
    with what was written. A broken condition takes a share of the points rather than all above a
    limit, so that any gain still shows.
    """
    low, high = WORDS
    share = min(1.0, length * own / (low * ORIGINAL)) * (min(1.0, high / length) if length else 0.0)
    earned = sum(
        weight * parts[name] * (1.0 if name == "structure" else share)
        for name, weight in WEIGHTS.items()
    )
    return earned * BROKEN * MORE ** (len(broken) - 1) if broken else earned


def broken_conditions(
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
    return broken


def structure(article: Article, forms: Sequence[Form], sources: Sources) -> tuple[float, list[str]]:
    """From 0 to 1: headings 0.3, lengths of sections 0.45, title and summary 0.1, sources 0.15."""
    notes = []
    wanted, found = [form.heading for form in forms], [s.heading for s in article.sections]
    order = _common(wanted, found) / max(len(wanted), len(found), 1)
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
    cited = _cited(article, sources)
    notes += ["the last section does not name exactly the sources"] if cited < 1 else []
    return 0.3 * order + 0.45 * sum(fits) / len(fits) + 0.1 * front + 0.15 * cited, notes


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many of the first stand in the second, in the same order."""
    best = [0] * (len(second) + 1)
    for one in first:
        before = 0
        for place, other in enumerate(second, 1):
            longer = before + 1 if one == other else max(best[place], best[place - 1])
            before, best[place] = best[place], longer
    return best[-1]


def _cited(article: Article, sources: Sources) -> float:
    section = article.section(SOURCES)
    if not section or any(block.kind != "list" for block in section.blocks):
        return 0.0
    named = [words(item) for block in section.blocks for item in block.items]
    titles = [words(source.title) for source in sources.texts]
    right = sum(title in named for title in titles)
    return right / max(len(titles), len(named), 1)
