"""An article taken apart: its title, its sections, and the running text that a reader sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from content_scoring.characters import clean_characters
from content_scoring.english import count_breaks
from content_scoring.tokens import FUNCTION, find_stems, find_words, split_sentences

PROSE = 0.25, 0.8  # share of function words that a paragraph of English has
BREAKS = 0.012  # share of a paragraph's words behind which no English sentence goes on as it does
ON_TOPIC = 0.3  # share of a paragraph's meaningful words which the topic's sources know
UNSEEN = "text that its readers do not see"

# What a reader does not see, or what is no running text. Found anywhere, it is removed; a comment
# or an element goes on over empty lines, unlike what Markdown makes of it.
_COMMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![A-Za-z].*?(?:>|\Z)",
    re.DOTALL,
)
_ELEMENT = re.compile(
    r"<(?!(?:br|hr|img|input|link|meta|wbr)\b)([A-Za-z][\w-]*)\b[^>]{0,2000}>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
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
    """A paragraph, or the items of a list.

    Attributes:
        kind: "paragraph", "list", or "other" for what is no running text.
        text: The text without marks of layout.
        items: The items of a list, each as text.
    """

    kind: str
    text: str
    items: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        return [s for part in (self.items or (self.text,)) for s in split_sentences(part)]


@dataclass(frozen=True)
class Section:
    """A heading of level 2, and the blocks below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Form:
    """What the template asks of a section.

    Attributes:
        heading: The section's heading.
        words: Fewest and most words, or None if its words are not counted.
        placeholder: The text in brackets that is to be replaced.
    """

    heading: str
    words: tuple[int, int] | None
    placeholder: str


@dataclass(frozen=True)
class Article:
    """An article as its readers see it.

    Attributes:
        title: Title in the front matter.
        summary: Summary in the front matter.
        sections: All sections in their order; what stands before the first heading has the
            heading "".
        oddities: What the style guide does not allow in an article, such as "a table".
        hides: Whether there was text that readers do not see.
        topic: Stems of the words that the topic's sources use.
    """

    title: str
    summary: str
    sections: tuple[Section, ...]
    oddities: tuple[str, ...] = ()
    hides: bool = False
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

    @property
    def left_out(self) -> list[Block]:
        """The blocks that look like running text and do not count as such."""
        return [
            block
            for section in self.sections
            if section.heading not in ("", "Sources")
            for block in section.blocks
            if block.kind != "other" and not self.counts(block)
        ]

    @cached_property
    def sentences(self) -> list[str]:
        return [sentence for _, block in self.prose for sentence in block.sentences]

    def length(self, heading: str | None = None) -> int:
        """Words of running text in a section, or in all of them."""
        return sum(len(find_words(b.text)) for h, b in self.prose if heading in (None, h))

    def counts(self, block: Block) -> bool:
        """Whether a block is prose, no heap of words, and about the topic."""
        found = find_words(block.text)
        if block.kind == "other" or not found:
            return False
        low, high = PROSE
        if not low <= sum(word in FUNCTION for word in found) / len(found) <= high:
            return False
        if sum(map(count_breaks, block.sentences)) > BREAKS * len(found):
            return False
        meaning = find_stems(block.text)
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
    """Parse the sections that the template asks for."""
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
    """Parse an article.

    Args:
        text: Text of the file.
        template: Sections of the template, whose placeholders are no text of the article.
        topic: Stems of the words that the topic's sources use.
    """
    clean, hides = clean_characters(text)
    oddities = [UNSEEN] if hides else []
    for name, pattern in ((UNSEEN, _COMMENT), (UNSEEN, _ELEMENT), ("code", _CODE)):
        if pattern.search(clean):
            oddities.append(name)
            clean = pattern.sub("\n\n", clean)
    head, lines = _split_front_matter(clean.splitlines())
    unfilled = {form.placeholder for form in template or []}
    sections = [Section("", ())]
    for heading, chunk in _split_chunks(lines):
        if heading is not None:
            sections.append(Section(heading, ()))
        elif (block := _parse_block(chunk, oddities)).text not in unfilled:
            last = sections[-1]
            sections[-1] = Section(last.heading, (*last.blocks, block))
    return Article(
        _drop_placeholder(head.get("title", "")),
        _drop_placeholder(head.get("summary", "")),
        tuple(sections if sections[0].blocks else sections[1:]),
        tuple(dict.fromkeys(oddities)),
        UNSEEN in oddities,
        topic,
    )


def _split_front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        return {}, lines
    end = lines.index("---", 1)
    pairs = (line.partition(":") for line in lines[1:end])
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}, lines[end + 1 :]


def _drop_placeholder(value: str) -> str:
    return "" if value.startswith("(") and value.endswith(")") else value


def _split_chunks(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
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


def _parse_block(lines: list[str], oddities: list[str]) -> Block:
    odd = {name for name, form in _ODD_LINES.items() for line in lines if form.match(line)}
    oddities += sorted(odd)
    items: list[str] = []
    for line in lines:
        if found := _ITEM.match(line):
            items.append(line[found.end() :])
        elif items:
            items[-1] += " " + line
    text = _strip_marks(" ".join(lines))
    if odd:
        return Block("other", text)
    if items and _ITEM.match(lines[0]):
        parts = tuple(_strip_marks(item) for item in items)
        return Block("list", " ".join(parts), parts)
    return Block("paragraph", text)


def _strip_marks(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())
