"""What a topic's sources say: their words, their figures in context, and their facts."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from content_scoring.tokens import plain, sentences, stem, stems, tokens, words

_FACT = re.compile(r"^\d+\.\s+(\(required\)\s+)?(.*\*\*.*)$")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Fact:
    """One numbered line of a source.

    Attributes:
        text: as a reader would say it.
        marks: its bold words and figures, each as the tokens that have to follow each other.
        required: whether an article must tell it.
    """

    text: str
    marks: tuple[tuple[str, ...], ...]
    required: bool

    @cached_property
    def stems(self) -> set[str]:
        return stems(self.text)


@dataclass(frozen=True)
class Source:
    """One text: its title and its paragraphs, without marks of layout."""

    title: str
    paragraphs: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def text(self) -> str:
        return "\n\n".join((self.title, *self.paragraphs))


@dataclass(frozen=True)
class Sources:
    """All that is known of a topic."""

    texts: tuple[Source, ...]

    @cached_property
    def facts(self) -> list[Fact]:
        return [fact for source in self.texts for fact in source.facts]

    @cached_property
    def sentences(self) -> list[str]:
        return [s for source in self.texts for p in source.paragraphs for s in sentences(p)]

    @cached_property
    def topic(self) -> frozenset[str]:
        """Stems of the words that the topic is told in."""
        return frozenset(stems(" ".join(source.text for source in self.texts)))

    @cached_property
    def figures(self) -> dict[str, list[set[str]]]:
        """Every figure, with the stems of what is said around each of its places."""
        found: dict[str, list[set[str]]] = {}
        for source in self.texts:
            for paragraph in source.paragraphs:
                parts = sentences(paragraph)
                for number, part in enumerate(parts):
                    around = stems(" ".join(parts[max(0, number - 1) : number + 2]))
                    for token in tokens(part):
                        if token.norm[0].isdigit():
                            found.setdefault(token.norm, []).append(around)
        return found

    @cached_property
    def names(self) -> set[str]:
        """Words with a capital, wherever they stand."""
        text = " ".join(source.text for source in self.texts)
        return {
            bare_name(word) for word in re.findall(r"[^\W\d_][\w'’]*", text) if word[0].isupper()
        }

    @cached_property
    def people(self) -> set[str]:
        """Names which are no ordinary words as well."""
        return {name for name in self.names if stem(name) not in self.vocabulary} - {"I"}

    @cached_property
    def pairs(self) -> set[tuple[str, str]]:
        """Neighbouring words, which a full name is."""
        text = " ".join(source.text for source in self.texts)
        found = [bare_name(word) for word in re.findall(r"[^\W\d_][\w'’]*", text)]
        return set(itertools.pairwise(found))

    @cached_property
    def vocabulary(self) -> set[str]:
        """Stems of all words that are written small somewhere."""
        text = " ".join(source.text for source in self.texts)
        return {stem(word) for word in re.findall(r"\b[a-z][\w'’]*", text)}

    @cached_property
    def spoken(self) -> str:
        """All words in a row, with a space on either side, to find a quotation in."""
        return f" {' '.join(words(' '.join(source.text for source in self.texts)))} "


def bare_name(word: str) -> str:
    """A name without the ending of the possessive."""
    return re.sub(r"['’]s?$", "", word)


def read_sources(folder: Path) -> Sources:
    """Read the texts of one topic.

    Raises:
        ValueError: there is none, or none that states a fact which an article must tell.
    """
    files = sorted(folder.glob("*.md")) if folder.is_dir() else []
    if not files:
        raise ValueError(f"there are no sources in {folder}")
    sources = Sources(tuple(read_source(file.read_text(encoding="utf-8")) for file in files))
    if not any(fact.required for fact in sources.facts):
        raise ValueError(f"no source in {folder} has a numbered line with a (required) fact")
    return sources


def read_source(text: str) -> Source:
    """Take one source apart."""
    title, facts, paragraphs = "", [], [""]
    for line in plain(text).splitlines():
        if found := _FACT.match(line):
            fact = _fact(found[2], required=bool(found[1]))
            facts.append(fact)
            paragraphs += [fact.text, ""]
        elif found := re.match(r"# +(.*)", line):
            title = found[1].strip()
        elif not line.strip() or line.startswith("#"):
            paragraphs.append("")
        else:
            paragraphs[-1] += " " + line.replace("*", "")
    return Source(title, tuple(p.strip() for p in paragraphs if p.strip()), tuple(facts))


def _fact(text: str, required: bool) -> Fact:
    marks = tuple(tuple(token.norm for token in tokens(mark)) for mark in _BOLD.findall(text))
    return Fact(text.replace("*", ""), marks, required)
