"""An article as its readers see it: headings, paragraphs and sentences of a Markdown file.

What no reader sees (comments, raw HTML, the titles of links, invisible characters) is removed, and
named in `Article.hidden`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from article_score.characters import keep_english

WORD = re.compile(r"[^\W_]+(?:[.,'’/-][^\W_]+)*")
# Both kinds of markup go on over empty lines, unlike what Markdown makes of them.
COMMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![A-Za-z].*?(?:>|\Z)",
    re.DOTALL,
)
ELEMENT = re.compile(
    r"<(?!(?:br|hr|img|input|link|meta|wbr)\b)([A-Za-z][\w-]*)\b[^>]{0,2000}>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
TAG = re.compile(r"</?[A-Za-z][^>\n]*>?|<[!?][^>\n]*>?")
FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
FRONT = re.compile(r"\A(---|\+\+\+)\n.*?\n\1\n", re.DOTALL)
# A link's definition, with the lines below it, in which its title may stand.
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]*\]:.*(?:\n(?![ \t]*$).+)*", re.MULTILINE)
PLAIN_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:\s*<?https?://\S+$")
ADDRESS = re.compile(r"<https?://[^>\s]*>")
IMAGE = re.compile(r"!\[[^\]]{0,2000}\](?:\([^)]{0,2000}\)|\[[^\]]{0,200}\])?")
LINK = re.compile(r"\[([^\]]{0,500})\](?:\(([^)]{0,2000})\)|\[[^\]]{0,200}\])")
UNUSUAL_LINK = re.compile(r"!\[|\]\(|\]\[")  # what is left of a link or picture of another form
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,3}[.)])[ \t]+(.*)$")
RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*)$")
EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|`+|~~")
STOP = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]*[A-Z0-9])""")
ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|vs|etc|e\.g|i\.e|approx)|\b[A-Z])\.$")
READ = ("paragraph", "item", "quote")  # kinds of blocks that readers read as sentences


@dataclass(frozen=True)
class Heading:
    """A heading of the article.

    Attributes:
        level: Number of its `#` signs, from 1 to 6.
        text: The heading without Markdown.
    """

    level: int
    text: str


@dataclass(frozen=True)
class Block:
    """A paragraph, or another stretch of text below a heading.

    Attributes:
        kind: One of "paragraph", "item" (of a list), "quote", "table" and "code".
        text: The text without Markdown.
        section: Number of headings above it.
    """

    kind: str
    text: str
    section: int

    @cached_property
    def sentences(self) -> list[str]:
        return split_sentences(self.text)


@dataclass(frozen=True)
class Article:
    """What readers see, and the names of what was removed because they would not see it.

    Attributes:
        title: Text of the first heading of level 1; empty if there is none.
        headings: All headings in their order, the title among them.
        blocks: All blocks in their order.
        hidden: Descriptions of what was removed, one for each place.
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
        return [word for one in self.sentences for word in find_words(one)]

    @property
    def visible(self) -> str:
        """Headings and blocks as plain text, a paragraph a line."""
        return "\n".join([*(h.text for h in self.headings), *(b.text for b in self.blocks)])

    def sections(self) -> list[tuple[Heading, list[Block]]]:
        """The headings below the title, each with its blocks."""
        return [
            (heading, [block for block in self.blocks if block.section == number])
            for number, heading in enumerate(self.headings, 1)
            if heading.level > 1
        ]


def read_article(source: str) -> Article:
    """Parse a Markdown file."""
    hidden: list[str] = []
    text = _remove_hidden(source, hidden)
    headings: list[Heading] = []
    blocks: list[Block] = []
    for kind, lines in _split_blocks(text):
        if kind == "heading":
            found = HEADING.match(lines[0])
            assert found
            headings.append(Heading(len(found[1]), _strip_marks(found[2])))
            continue
        joined = _strip_marks(" ".join(line.strip() for line in lines))
        if kind != "code" and (TAG.search(joined) or UNUSUAL_LINK.search(joined)):
            hidden.append("raw HTML or half a link")
        elif joined:
            blocks.append(Block(kind, joined, len(headings)))
    title = next((heading.text for heading in headings if heading.level == 1), "")
    return Article(title, headings, blocks, hidden)


def _remove_hidden(source: str, hidden: list[str]) -> str:
    text = html.unescape(source).replace("\r\n", "\n").replace("\r", "\n")
    text, removed = keep_english(text)
    hidden += removed
    text = ADDRESS.sub("", text)
    for name, pattern in (("a head of data", FRONT), ("a comment", COMMENT), ("raw HTML", ELEMENT)):
        hidden += [name] * len(pattern.findall(text))
        text = pattern.sub("\n", text)
    text = FENCED.sub("\n", text)  # code is no prose, but readers see it
    for found in DEFINITION.finditer(text):
        if not all(PLAIN_DEFINITION.match(line.rstrip()) for line in found[0].split("\n")):
            hidden.append("a link's definition with more than the address")
    text = IMAGE.sub(" ", DEFINITION.sub("", text))
    for found in LINK.finditer(text):
        if not found[1].strip() or " " in (found[2] or "").strip():
            hidden.append("a link without text or with a title of its own")
    return LINK.sub(r"\1", text)


def _split_blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Kind and lines of every block; an empty line, a heading or a rule ends one."""
    kind, lines = "paragraph", list[str]()
    for line in [*text.split("\n"), ""]:
        new = _find_kind(line, kind if lines else "")
        if new in ("", "heading", "item") or (lines and new != kind):
            if lines:
                yield kind, lines
            lines = []
        if new == "heading":
            yield new, [line]
        elif new:
            kind = new
            lines.append(re.sub(r"^ {0,3}(?:>[ \t]?)+", "", line) if new == "quote" else line)


def _find_kind(line: str, current: str) -> str:
    """The kind of a line, below lines of the kind `current`; empty for an empty line or a rule."""
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


def _strip_marks(text: str) -> str:
    item = ITEM.match(text)
    text = EMPHASIS.sub("", item[1] if item else text)
    return " ".join(text.split())


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    found: list[str] = []
    for piece in STOP.split(text):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += f" {piece}"
        elif piece.strip():
            found.append(piece.strip())
    return found


def find_words(text: str) -> list[str]:
    """The words of a text; 1.4 and TAT-8 are one each."""
    return WORD.findall(text)
