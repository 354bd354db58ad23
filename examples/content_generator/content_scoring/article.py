"""An article taken apart: its title, its sections, and the running text that a reader sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from content_scoring.tokens import FUNCTION, plain, sentences, stems, words

PROSE = 0.25, 0.8  # share of function words that a paragraph of English has
ON_TOPIC = 0.3  # share of a paragraph's meaningful words which the topic's sources know

# What a reader does not see, or what is no running text. Found anywhere, it is taken out.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*\s*$|\Z)", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"\s{0,3}(?:[-*+]|\d+[.)])\s+")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ODD_LINES = {
    "HTML": re.compile(r".*</?[a-zA-Z][^>]*>?"),
    "an image or a link": re.compile(r".*\]\s*[(\[]|\s*!?\[[^\]]*\]:|.*https?://"),
    "a table": re.compile(r"\s*\||.*\|.*\|"),
    "a rule or an underlined heading": re.compile(r"\s*(?:[-=*_]\s*){3,}$"),
    "code": re.compile(r" {4,}\S|\t"),
    "a quoted block": re.compile(r"\s{0,3}>"),
}
_MARKUP = re.compile(r"[*_`]+(?=\S)|(?<=\S)[*_`]+")
_RANGE = re.compile(r"\((\d+) to (\d+) words")


@dataclass(frozen=True)
class Block:
    """A paragraph, or the items of a list."""

    kind: str  # "paragraph", "list", or "other" for what is no running text
    text: str
    items: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        return [s for part in (self.items or (self.text,)) for s in sentences(part)]


@dataclass(frozen=True)
class Section:
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Form:
    """What the template asks of a section: how many words, or None if it is not counted."""

    heading: str
    words: tuple[int, int] | None
    placeholder: str


@dataclass(frozen=True)
class Article:
    """What a reader finds.

    Attributes:
        title, summary: of the front matter.
        sections: in their order; what stands before the first heading has the heading "".
        oddities: what the style guide does not allow in an article, such as "a table".
    """

    title: str
    summary: str
    sections: tuple[Section, ...]
    oddities: tuple[str, ...] = ()
    topic: frozenset[str] = field(default=frozenset(), repr=False)

    def section(self, heading: str) -> Section | None:
        return next((s for s in self.sections if s.heading == heading), None)

    @cached_property
    def prose(self) -> list[tuple[str, Block]]:
        """Heading and block of all running text that counts."""
        return [
            (section.heading, block)
            for section in self.sections
            if section.heading not in ("", "Sources")
            for block in section.blocks
            if self.counts(block)
        ]

    @cached_property
    def sentences(self) -> list[str]:
        return [sentence for _, block in self.prose for sentence in block.sentences]

    def length(self, heading: str | None = None) -> int:
        """Words of running text in a section, or in all of them."""
        return sum(len(words(b.text)) for h, b in self.prose if heading in (None, h))

    def counts(self, block: Block) -> bool:
        """Whether a block is prose, no heap of words, and about the topic."""
        found = words(block.text)
        if block.kind == "other" or not found:
            return False
        low, high = PROSE
        if not low <= sum(word in FUNCTION for word in found) / len(found) <= high:
            return False
        meaning = stems(block.text)
        return not self.topic or len(meaning & self.topic) >= ON_TOPIC * len(meaning) > 0

    @property
    def visible(self) -> Iterator[str]:
        """Every text that a reader sees, whether it counts or not."""
        yield self.title
        yield self.summary
        for section in self.sections:
            if section.heading != "Sources":
                yield from (text for b in section.blocks for text in b.items or (b.text,))


def read_template(text: str) -> list[Form]:
    """The sections that the template asks for."""
    forms = []
    for section in read_article(text).sections:
        placeholder = " ".join(block.text for block in section.blocks)
        found = _RANGE.match(placeholder)
        bounds = (int(found[1]), int(found[2])) if found else None
        forms.append(Form(section.heading, bounds, placeholder))
    return forms


def read_article(
    text: str, template: list[Form] | None = None, topic: frozenset[str] = frozenset()
) -> Article:
    """Take an article apart.

    Args:
        text: the file.
        template: its placeholders are no text of the article.
        topic: stems of the words that the topic's sources use.
    """
    clean = plain(text)
    oddities = ["characters that cannot be seen"] if has_hidden(text) else []
    for name, pattern in (("HTML", _COMMENT), ("code", _CODE)):
        if pattern.search(clean):
            oddities.append(name)
            clean = pattern.sub("\n\n", clean)
    head, lines = _front_matter(clean.splitlines())
    unfilled = {form.placeholder for form in template or []}
    sections = [Section("", ())]
    for heading, chunk in _chunks(lines):
        if heading is not None:
            sections.append(Section(heading, ()))
        elif (block := _block(chunk, oddities)).text not in unfilled:
            last = sections[-1]
            sections[-1] = Section(last.heading, (*last.blocks, block))
    return Article(
        _filled(head.get("title", "")),
        _filled(head.get("summary", "")),
        tuple(sections if sections[0].blocks else sections[1:]),
        tuple(dict.fromkeys(oddities)),
        topic,
    )


def has_hidden(text: str) -> bool:
    """Whether there are characters which no reader sees."""
    return any(unicodedata.category(c) in ("Cf", "Co", "Cn") for c in text.lstrip("\ufeff"))


def _front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        return {}, lines
    end = lines.index("---", 1)
    pairs = (line.partition(":") for line in lines[1:end])
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}, lines[end + 1 :]


def _filled(value: str) -> str:
    return "" if value.startswith("(") and value.endswith(")") else value


def _chunks(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Headings, and between them the lines that belong together."""
    chunk: list[str] = []
    for line in [*lines, ""]:
        heading = _HEADING.match(line)
        if heading or not line.strip():
            if chunk:
                yield None, chunk
            chunk = []
        else:
            chunk.append(line)
        if heading:
            # Only `##` is a heading of the template; any other keeps its marks and is foreign.
            yield heading[2] if heading[1] == "##" else line.strip(), []


def _block(lines: list[str], oddities: list[str]) -> Block:
    odd = {name for name, form in _ODD_LINES.items() for line in lines if form.match(line)}
    oddities += sorted(odd)
    items: list[str] = []
    for line in lines:
        if found := _ITEM.match(line):
            items.append(line[found.end() :])
        elif items:
            items[-1] += " " + line
    text = _bare(" ".join(lines))
    if odd:
        return Block("other", text)
    if items and _ITEM.match(lines[0]):
        parts = tuple(_bare(item) for item in items)
        return Block("list", " ".join(parts), parts)
    return Block("paragraph", text)


def _bare(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())
