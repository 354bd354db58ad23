"""Whether an article says what its sources say: the facts it owes, and nothing invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from content_scoring.article import Article, Block
from content_scoring.sources import Fact, Sources, strip_genitive
from content_scoring.tokens import (
    FUNCTION,
    ORDINARY,
    find_stem,
    find_stems,
    find_tokens,
    find_words,
    split_sentences,
)

WINDOW = 3  # sentences in which a fact is told
SHARED = 0.4  # share of a fact's words, besides its bold ones, that telling it takes
CONTEXT = 2  # words that a figure's sentence shares with what its source says around it
SPOKEN = 4  # words from which on a passage in quotation marks is somebody's speech

QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_NAME = re.compile(r"[^\W\d_][\w'’]*")
_OPENS = re.compile(r"(?:^|[.!?:][\"”’')\]]*\s|[\"“(\[—–])[\"“‘'(\[]*$")
# Endings of words that begin a sentence and are nobody's name.
_ORDINARY = re.compile(r".{2,}(?:ing|ed|ly|tion|ness|ment|less|ful|able|ers)$")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f'’0-9_]*")
_WRITER = ("I", "I'm", "I've", "I'd", "I'll")  # a matter of style


@dataclass(frozen=True)
class Accuracy:
    """What of an article is true.

    Attributes:
        told: The facts that it tells.
        missing: The required facts that it does not tell.
        invented: What no source says, each with its reason.
    """

    told: list[Fact]
    missing: list[Fact]
    invented: list[str]

    @property
    def share(self) -> float:
        """Required facts that are told, as a share of the required facts and the inventions."""
        owed = sum(fact.required for fact in self.told)
        return owed / max(1, owed + len(self.missing) + len(self.invented))


def check_accuracy(article: Article, sources: Sources) -> Accuracy:
    """Compare an article with its topic's sources."""
    told = [fact for fact in sources.facts if any(tells(b, fact) for _, b in article.prose)]
    missing = [fact for fact in sources.facts if fact.required and fact not in told]
    texts = [text for text in article.visible if text]
    small = {find_stem(w) for text in texts for w in re.findall(r"(?<![\w'’])[a-z][\w'’]*", text)}
    known = sources.vocabulary | small | ORDINARY
    invented = [
        complaint
        for text in texts
        for complaint in (
            *find_wrong_figures(text, sources),
            *find_wrong_names(text, sources, known),
            *find_wrong_quotations(text, sources),
        )
    ]
    return Accuracy(told, missing, list(dict.fromkeys(invented)))


def tells(block: Block, fact: Fact) -> bool:
    """Whether a paragraph has a fact's bold words close together, and says what they mean."""
    parts = block.sentences
    for start in range(max(1, len(parts) - WINDOW + 1)):
        found, meant = _read_window(" ".join(parts[start : start + WINDOW]))
        if all(_within(mark, found) for mark in fact.marks):
            other = fact.stems - {find_stem(word) for mark in fact.marks for word in mark}
            if len(other & meant) >= SHARED * len(other):
                return True
    return False


@lru_cache(maxsize=1000)  # every fact looks at every window
def _read_window(window: str) -> tuple[list[str], set[str]]:
    return [token.norm for token in find_tokens(window)], find_stems(window)


def _within(mark: tuple[str, ...], found: list[str]) -> bool:
    size = len(mark)
    return any(tuple(found[i : i + size]) == mark for i in range(len(found) - size + 1))


def find_wrong_figures(text: str, sources: Sources) -> Iterator[str]:
    """Figures that no source has, or none in such a connection."""
    parts = split_sentences(text)
    for number, part in enumerate(parts):
        around = find_stems(" ".join(parts[max(0, number - 1) : number + 2]))
        for token in find_tokens(part):
            if not token.is_figure:
                continue
            places = [p for norm in _find_forms(token.norm, sources) for p in sources.figures[norm]]
            if not places:
                yield f'no source has the figure "{token.raw}"'
            elif not any(len(around & place) >= min(CONTEXT, len(place)) for place in places):
                yield f'no source says "{token.raw}" of this: {part[:80]}'


def _find_forms(norm: str, sources: Sources) -> list[str]:
    """The forms of a figure in the sources: one without a unit may have any unit there."""
    value, _, unit = norm.rstrip("%").partition(" ")
    if unit or norm.endswith("%"):
        return [norm] if norm in sources.figures else []
    return [f for f in sources.figures if f.rstrip("%").partition(" ")[0] == value]


def find_wrong_names(text: str, sources: Sources, known: set[str]) -> Iterator[str]:
    """Capitalised words that no source has, and known names combined into new ones.

    Args:
        text: One paragraph.
        sources: The topic's sources.
        known: Stems of words that are written in lower case somewhere, which are no names where a
            sentence begins with them.
    """
    before: re.Match[str] | None = None  # the name that was found last
    for match in _NAME.finditer(text):
        word = strip_genitive(match[0])
        if not _LATIN.fullmatch(word):
            yield f'"{word}" is written with letters of another script'
        if not word[0].isupper() or word in _WRITER:
            continue
        ordinary = (
            word.lower() in FUNCTION or find_stem(word) in known or _ORDINARY.match(word.lower())
        )
        if ordinary and _OPENS.search(text, max(0, match.start() - 6), match.start()):
            continue
        if word not in sources.names:
            yield f'no source has the name "{word}"'
        elif before and text[before.end() : match.start()] == " ":
            pair = strip_genitive(before[0]), word
            if pair not in sources.pairs:
                yield f'no source has the name "{" ".join(pair)}"'
        before = match


def find_wrong_quotations(text: str, sources: Sources) -> Iterator[str]:
    """Speech that is not in the sources word for word."""
    for match in QUOTED.finditer(text):
        said = find_words(match[1])
        if len(said) >= SPOKEN and f" {' '.join(said)} " not in sources.spoken:
            yield f'nobody in the sources says "{match[1][:60]}"'
