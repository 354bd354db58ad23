"""What a topic's sources say: their words, their figures in context, and their facts."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from content_scoring.characters import clean_characters
from content_scoring.tokens import find_stem, find_stems, find_tokens, find_words, split_sentences

_FACT = re.compile(r"^\d+\.\s+(\(required\)\s+)?(.*\*\*.*)$")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Fact:
    """One numbered line of a source.

    Attributes:
        text: The line as a reader would say it.
        marks: Its bold words and figures, each as the tokens that have to follow each other.
        required: Whether an article must tell it.
    """

    text: str
    marks: tuple[tuple[str, ...], ...]
    required: bool

    @cached_property
    def stems(self) -> set[str]:
        return find_stems(self.text)


@dataclass(frozen=True)
class Source:
    """One text, without marks of layout.

    Attributes:
        title: Its title.
        paragraphs: Its paragraphs, the facts among them.
        facts: Its numbered facts.
    """

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
        paragraphs = (part for source in self.texts for part in source.paragraphs)
        return [sentence for part in paragraphs for sentence in split_sentences(part)]

    @cached_property
    def topic(self) -> frozenset[str]:
        """Stems of the words that the topic is told in."""
        return frozenset(find_stems(" ".join(source.text for source in self.texts)))

    @cached_property
    def owed(self) -> frozenset[str]:
        """Stems of the words of facts, which an article has to use to tell them."""
        return frozenset(find_stem(word) for fact in self.facts for word in find_words(fact.text))

    @cached_property
    def figures(self) -> dict[str, list[set[str]]]:
        """Every figure, with the stems of what is said around each of its places."""
        found: dict[str, list[set[str]]] = {}
        for source in self.texts:
            for paragraph in source.paragraphs:
                parts = split_sentences(paragraph)
                for number, part in enumerate(parts):
                    around = find_stems(" ".join(parts[max(0, number - 1) : number + 2]))
                    for token in find_tokens(part):
                        if token.norm[0].isdigit():
                            found.setdefault(token.norm, []).append(around)
        return found

    @cached_property
    def names(self) -> set[str]:
        """Words with a capital, wherever they stand."""
        text = " ".join(source.text for source in self.texts)
        return {
            strip_genitive(word)
            for word in re.findall(r"[^\W\d_][\w'’]*", text)
            if word[0].isupper()
        }

    @cached_property
    def people(self) -> set[str]:
        """Names which are no ordinary words as well."""
        return {name for name in self.names if find_stem(name) not in self.vocabulary} - {"I"}

    @cached_property
    def pairs(self) -> set[tuple[str, str]]:
        """Neighbouring words, which a full name is."""
        text = " ".join(source.text for source in self.texts)
        found = [strip_genitive(word) for word in re.findall(r"[^\W\d_][\w'’]*", text)]
        return set(itertools.pairwise(found))

    @cached_property
    def vocabulary(self) -> set[str]:
        """Stems of all words that are written small somewhere."""
        text = " ".join(source.text for source in self.texts)
        return {find_stem(word) for word in re.findall(r"\b[a-z][\w'’]*", text)}

    @cached_property
    def spoken(self) -> str:
        """All words in a row, with a space on either side, to find a quotation in."""
        return f" {' '.join(find_words(' '.join(source.text for source in self.texts)))} "


def strip_genitive(word: str) -> str:
    """A name without the ending of the genitive."""
    return re.sub(r"['’]s?$", "", word)


def read_sources(folder: Path) -> Sources:
    """Read the texts of one topic.

    Raises:
        ValueError: There is no text, or none with a fact that an article must tell.
    """
    files = sorted(folder.glob("*.md")) if folder.is_dir() else []
    if not files:
        raise ValueError(f"there are no sources in {folder}")
    sources = Sources(tuple(parse_source(file.read_text(encoding="utf-8")) for file in files))
    if not any(fact.required for fact in sources.facts):
        raise ValueError(f"no source in {folder} has a numbered line with a (required) fact")
    return sources


def parse_source(text: str) -> Source:
    """Parse one source."""
    title, facts, paragraphs = "", [], [""]
    for line in clean_characters(text)[0].splitlines():
        if found := _FACT.match(line):
            fact = _parse_fact(found[2], required=bool(found[1]))
            facts.append(fact)
            paragraphs += [fact.text, ""]
        elif found := re.match(r"# +(.*)", line):
            title = found[1].strip()
        elif not line.strip() or line.startswith("#"):
            paragraphs.append("")
        else:
            paragraphs[-1] += " " + line.replace("*", "")
    return Source(title, tuple(p.strip() for p in paragraphs if p.strip()), tuple(facts))


def _parse_fact(text: str, required: bool) -> Fact:
    marks = tuple(tuple(token.norm for token in find_tokens(mark)) for mark in _BOLD.findall(text))
    return Fact(text.replace("*", ""), marks, required)
