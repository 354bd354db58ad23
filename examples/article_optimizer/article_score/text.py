"""An article as a reader sees it: headings, paragraphs and sentences of a Markdown file.

What a reader does not see (comments, raw HTML, code, invisible characters) is no part of it, and is
told apart.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

WORD = re.compile(r"[^\W_]+(?:[.,'’/-][^\W_]+)*")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
FRONT = re.compile(r"\A(---|\+\+\+)\n.*?\n\1\n", re.DOTALL)
ELEMENT = re.compile(  # up to its end, over empty lines too: a box may hide all that is in it
    r"<(?!(?:br|hr|img|input|link|meta|wbr)\b)([A-Za-z][\w-]*)\b[^>]{0,2000}>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
TAG = re.compile(r"</?[A-Za-z][^>\n]*>?|<[!?][^>\n]*>?")
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]*\]:.*$", re.MULTILINE)
ADDRESS = re.compile(r"<https?://[^>\s]*>")
IMAGE = re.compile(r"!\[[^\]]{0,2000}\](?:\([^)]{0,2000}\)|\[[^\]]{0,200}\])?")
LINK = re.compile(r"\[([^\]]{0,500})\](?:\(([^)]{0,2000})\)|\[[^\]]{0,200}\])")
LEFT = re.compile(r"!\[|\]\(|\]\[")  # of a link or picture that is none of the usual form
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,3}[.)])[ \t]+(.*)$")
RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*)$")
EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|`+|~~")
STOP = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]*[A-Z0-9])""")
ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|vs|etc|e\.g|i\.e|approx)|\b[A-Z])\.$")


@dataclass(frozen=True)
class Heading:
    """A heading of the article; `level` counts its # signs."""

    level: int
    text: str


@dataclass(frozen=True)
class Block:
    """A paragraph or another stretch of text below one heading.

    Attributes:
        kind: "paragraph", "item" (of a list), "quote", "table" or "code".
        text: without Markdown.
        section: the number of headings above it.
    """

    kind: str
    text: str
    section: int

    @cached_property
    def sentences(self) -> list[str]:
        return sentences(self.text)


@dataclass(frozen=True)
class Article:
    """What a reader sees, and what was taken out because no reader would.

    Attributes:
        title: the first heading of level 1; empty if there is none.
        headings: all, the title too, in their order.
        blocks: in their order.
        hidden: what was taken out, in words for a person.
    """

    title: str
    headings: Sequence[Heading]
    blocks: Sequence[Block]
    hidden: Sequence[str]

    @cached_property
    def sentences(self) -> list[str]:
        return [one for block in self.blocks if block.kind != "code" for one in block.sentences]

    @cached_property
    def words(self) -> list[str]:
        return [word for one in self.sentences for word in words(one)]

    @property
    def visible(self) -> str:
        """All of it as plain text, a paragraph a line."""
        return "\n".join([*(h.text for h in self.headings), *(b.text for b in self.blocks)])

    def sections(self) -> list[tuple[Heading, list[Block]]]:
        """The headings below the title, each with its blocks."""
        return [
            (heading, [block for block in self.blocks if block.section == number])
            for number, heading in enumerate(self.headings, 1)
            if heading.level > 1
        ]


def read(source: str) -> Article:
    """Take a Markdown file apart."""
    hidden: list[str] = []
    text = _without_hidden(source, hidden)
    headings: list[Heading] = []
    blocks: list[Block] = []
    for kind, lines in _stretches(text):
        if kind == "heading":
            found = HEADING.match(lines[0])
            assert found
            headings.append(Heading(len(found[1]), _plain(found[2])))
            continue
        joined = _plain(" ".join(line.strip() for line in lines))
        if kind != "code" and (TAG.search(joined) or LEFT.search(joined)):
            hidden.append("raw HTML or half a link")
        elif joined:
            blocks.append(Block(kind, joined, len(headings)))
    title = next((heading.text for heading in headings if heading.level == 1), "")
    return Article(title, headings, blocks, hidden)


def _without_hidden(source: str, hidden: list[str]) -> str:
    text = unicodedata.normalize("NFKC", html.unescape(source))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Cc"))
    if shown != text:
        hidden.append("characters that nobody sees")
    shown = ADDRESS.sub("", shown)
    removed = (("a head of data", FRONT), ("an HTML comment", COMMENT), ("raw HTML", ELEMENT))
    for name, pattern in removed:
        hidden += [name] * len(pattern.findall(shown))
        shown = pattern.sub("\n", shown)
    shown = FENCED.sub("\n", shown)  # code is no prose, but a reader sees it
    for found in DEFINITION.finditer(shown):
        if not re.match(r" {0,3}\[[^\]]+\]:\s*<?https?://\S+$", found[0].rstrip()):
            hidden.append("a link's definition that says something else than where it leads")
    shown = DEFINITION.sub("", shown)
    shown = IMAGE.sub(" ", shown)
    for found in LINK.finditer(shown):
        if not found[1].strip() or " " in (found[2] or "").strip():
            hidden.append("a link without text or with a title of its own")
    return LINK.sub(r"\1", shown)


def _stretches(text: str) -> Iterator[tuple[str, list[str]]]:
    """Kind and lines of everything between empty lines, headings and rules."""
    kind, lines = "paragraph", list[str]()
    for line in [*text.split("\n"), ""]:
        new = _kind(line, kind if lines else "")
        if new in ("", "heading", "item") or (lines and new != kind):
            if lines:
                yield kind, lines
            lines = []
        if new == "heading":
            yield new, [line]
        elif new:
            kind = new
            lines.append(re.sub(r"^ {0,3}(?:>[ \t]?)+", "", line) if new == "quote" else line)


def _kind(line: str, current: str) -> str:
    """What a line is, below lines of the kind `current`; empty if it is empty or a rule."""
    if not line.strip() or RULE.match(line):
        return ""
    if HEADING.match(line):
        return "heading"
    if line.startswith(("    ", "\t")) and current in ("", "code"):
        return "code"
    if ITEM.match(line):
        return "item"
    if line.lstrip().startswith(">"):
        return "quote"
    if line.lstrip().startswith("|"):
        return "table"
    return current or "paragraph"


def _plain(text: str) -> str:
    item = ITEM.match(text)
    text = EMPHASIS.sub("", item[1] if item else text)
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    found: list[str] = []
    for piece in STOP.split(text):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += f" {piece}"
        elif piece.strip():
            found.append(piece.strip())
    return found


def words(text: str) -> list[str]:
    """The words of a text; 1.4 and TAT-8 are one each."""
    return WORD.findall(text)
