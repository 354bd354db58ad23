"""What can be measured of the rules in style_guide.md, and how easy an article is to read."""

from __future__ import annotations

import itertools
import re

import textstat

from content_scoring.accuracy import QUOTED
from content_scoring.article import Article
from content_scoring.sources import Sources, strip_genitive
from content_scoring.tokens import find_words

GRADES = 6.0, 11.0
MEAN_SENTENCE = 14.0, 22.0
LONGEST_SENTENCE = 40
PARAGRAPH = 35, 130
TITLE = 4, 10
SUMMARY = 15, 35
QUOTATIONS = 2, 6
LONGEST_QUOTATION = 30
ITEMS = 3, 6
QUESTIONS = 3
ADDRESSED = 3  # times that the reader is spoken to in the last section

Verdict = tuple[float, str]  # 0 (broken) to 1 (kept), and what to do about it


def check_readability(article: Article) -> Verdict:
    """From 0 to 1: whether the reading grade is right, and the sentences are not too long.

    The grade is the automated readability index, which counts letters, words and sentences: unlike
    grades of syllables it needs no dictionary, which some versions of textstat download.
    """
    if not article.sentences:
        return 0.0, "there is no text to read"
    text = " ".join(s if s[-1] in '.!?"”' else s + "." for s in article.sentences)
    grade = float(textstat.automated_readability_index(text))
    low, high = GRADES
    off = max(low - grade, grade - high, 0.0)
    long = sum(len(find_words(s)) > LONGEST_SENTENCE for s in article.sentences)
    share = long / len(article.sentences)
    note = f"reading grade {grade:.1f}, should be {low:g} to {high:g}" if off else ""
    return max(0.0, 1 - 0.15 * off - 2 * share), note


def check_style(article: Article, sources: Sources, avoid: set[str]) -> dict[str, Verdict]:
    """How well each rule of the guide is kept; the reading grade is a part of its own."""
    return {
        "title": _check_title(article, sources),
        "summary": _check_amount(
            "the summary has", len(find_words(article.summary)), SUMMARY, "words"
        ),
        "sentences": _check_sentences(article),
        "paragraphs": _check_paragraphs(article),
        "openings": _check_openings(article),
        "voices": _check_voices(article, sources),
        "person": _check_person(article),
        "questions": _check_questions(article),
        "plain words": _check_plain_words(article, avoid),
        "figures": _check_figures(article),
        "form": _check_form(article),
    }


def find_words_to_avoid(guide: str) -> set[str]:
    """The list of the guide's rule on plain words."""
    found = re.search(r"None of these:(.*?)\.", guide, re.DOTALL)
    return {word.strip() for word in found[1].split(",")} if found else set()


def drop_quotations(text: str) -> str:
    """Drop quotations, so that only what the writer says is left."""
    return QUOTED.sub(" ", text)


def _check_amount(what: str, count: float, bounds: tuple[int, int], unit: str) -> Verdict:
    """Kept within the bounds; half kept when off by half of a bound."""
    low, high = bounds
    if low <= count <= high:
        return 1.0, ""
    off = (low - count) / low if count < low else (count - high) / high
    return max(0.0, 1 - off), f"{what} {count:g} {unit}, should be {low} to {high}"


def _check_title(article: Article, sources: Sources) -> Verdict:
    kept, note = _check_amount("the title has", len(find_words(article.title)), TITLE, "words")
    later = re.findall(r"[^\W\d_][\w'’]*", article.title)[1:]
    if any(w[0].isupper() and strip_genitive(w) not in sources.names for w in later):
        return kept / 2, "only the title's first word and names have a capital"
    if re.search(r"[!:]", article.title):
        return kept / 2, "the title has an exclamation mark or a colon"
    return kept, note


def _check_sentences(article: Article) -> Verdict:
    if not article.sentences:
        return 0.0, "there are no sentences"
    low, high = MEAN_SENTENCE
    mean = sum(len(find_words(s)) for s in article.sentences) / len(article.sentences)
    off = max(low - mean, mean - high, 0.0)
    long = [s for s in article.sentences if len(find_words(s)) > LONGEST_SENTENCE]
    note = (
        f"sentences have {mean:.1f} words on average, should be {low:g} to {high:g}" if off else ""
    )
    note = note or (f"more than {LONGEST_SENTENCE} words: {long[0][:60]}" if long else "")
    return max(0.0, 1 - off / 6 - 0.2 * len(long)), note


def _check_paragraphs(article: Article) -> Verdict:
    low, high = PARAGRAPH
    blocks = [b for _, b in article.prose if b.kind == "paragraph"]
    wrong = [b for b in blocks if not low <= len(find_words(b.text)) <= high]
    note = f"{len(wrong)} of {len(blocks)} paragraphs have not {low} to {high} words"
    note += f", such as: {wrong[0].text[:60]}" if wrong else ""
    return _rate_share(len(wrong), len(blocks)), note if wrong else ""


def _check_openings(article: Article) -> Verdict:
    wrong = []
    for _, block in article.prose:
        first = [find_words(s)[0] for s in block.sentences]
        triples = zip(first, first[1:], first[2:], strict=False)
        wrong += [a for a, b, c in triples if a == b == c]
    note = f'three sentences in a row begin with "{wrong[0]}"' if wrong else ""
    return (max(0.0, 1 - 0.34 * len(wrong)) if article.prose else 0.0), note


def _check_voices(article: Article, sources: Sources) -> Verdict:
    """Only true quotations count, and only where a name shows who speaks."""
    good = 0
    for (_, before), (_, block) in itertools.pairwise([("", None), *article.prose]):
        near = f"{before.text if before else ''} {block.text if block else ''}"
        named = any(
            strip_genitive(w) in sources.people for w in re.findall(r"[^\W\d_][\w'’]*", near)
        )
        for match in QUOTED.finditer(block.text if block else ""):
            said = find_words(match[1])
            true = f" {' '.join(said)} " in sources.spoken
            good += true and named and 4 <= len(said) <= LONGEST_QUOTATION
    return _check_amount("there are", good, QUOTATIONS, "true quotations with a name")


def _check_person(article: Article) -> Verdict:
    if not article.prose:
        return 0.0, "nobody speaks to anybody"
    said = [word for _, b in article.prose for word in find_words(drop_quotations(b.text))]
    own = [w for w in said if w in ("i", "me", "my", "we", "us", "our", "i'm", "we're")]
    last = article.prose[-1][0]
    told = [w for h, b in article.prose if h == last for w in find_words(drop_quotations(b.text))]
    you = sum(word in ("you", "your", "yours", "yourself") for word in told)
    if own:
        return max(0.0, 0.7 - 0.1 * len(own)), f'the writer says "{own[0]}"'
    if you < ADDRESSED:
        return 0.5, f"the last section says you {you} times, should be {ADDRESSED} or more"
    return 1.0, ""


def _check_questions(article: Article) -> Verdict:
    text = drop_quotations(" ".join(article.visible))
    if "!" in text:
        return 0.0, "there is an exclamation mark"
    asked = text.count("?")
    note = f"{asked} questions, at most {QUESTIONS} are good"
    return (1.0, "") if asked <= QUESTIONS else (0.5, note)


def _check_plain_words(article: Article, avoid: set[str]) -> Verdict:
    text = f" {' '.join(find_words(drop_quotations(' '.join(article.visible)).replace('-', ' ')))} "
    found = sorted(word for word in avoid if f" {word.replace('-', ' ')} " in text)
    return max(0.0, 1 - 0.25 * len(found)), f"avoid: {', '.join(found)}" if found else ""


def _check_figures(article: Article) -> Verdict:
    found = re.findall(r"\d\s?%|[£€$]\s?\d", " ".join(article.visible))
    return max(0.0, 1 - 0.25 * len(found)), f'write "{found[0]}" in words' if found else ""


def _check_form(article: Article) -> Verdict:
    lists = [block for _, block in article.prose if block.kind == "list"]
    odd = list(article.oddities)
    odd += ["more than one list"] if len(lists) > 1 else []
    low, high = ITEMS
    odd += (
        ["a list that is too short or too long"]
        if any(not low <= len(block.items) <= high for block in lists)
        else []
    )
    return max(0.0, 1 - 0.5 * len(odd)), f"not allowed: {', '.join(odd)}" if odd else ""


def _rate_share(wrong: int, of: int) -> float:
    return max(0.0, 1 - 2 * wrong / of) if of else 0.0
