"""The colours of source code, by Pygments, as marks beside the lines rather than as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

# A letter for each kind of token that has a colour; the page's style sheet has the colours.
LETTERS = {
    Comment: "c",
    Keyword: "k",
    Name.Builtin: "b",
    Name.Class: "f",
    Name.Decorator: "d",
    Name.Function: "f",
    Number: "n",
    Operator.Word: "k",
    String: "s",
}
PLAIN = "-"
LONGEST = 200_000  # characters of a text that is coloured at all
_BEGINNING = re.compile(r"^(?=[A-Za-z_@])", re.MULTILINE)  # of a statement at the top level


class Highlighter:
    """Marks the tokens of source code, so that a page can colour it.

    Top-level statements are looked at one by one, and remembered: the genomes of a run share most.

    Args:
        filename: File name of the genome, whose ending names the language; a language that
            Pygments does not know has no colours.
    """

    def __init__(self, filename: str) -> None:
        try:
            self._lexer: Lexer | None = get_lexer_for_filename(
                filename, stripnl=False, ensurenl=False
            )
        except ClassNotFound:
            self._lexer = None
        self._mark = lru_cache(maxsize=4096)(self._mark_block)

    def mark(self, source: str) -> list[str]:
        """The marks of each line: kinds of tokens with their lengths, such as "k3-1f5-8".

        A letter is a value of `LETTERS` or "-" for no colour; lengths are in characters, and what
        follows the last one has no colour.
        """
        if self._lexer is None or len(source) > LONGEST:
            return [""] * (source.count("\n") + 1)
        marks = [""]
        for block in _split_blocks(source):
            first, *rest = self._mark(block)
            marks[-1] += first
            marks += rest
        return marks

    def _mark_block(self, block: str) -> tuple[str, ...]:
        assert self._lexer is not None
        lines = [""]
        for kind, text in self._lexer.get_tokens(block):
            letter = _letter(kind)
            for number, part in enumerate(text.split("\n")):
                if number:
                    lines.append("")
                if part:
                    lines[-1] += f"{letter}{len(part)}"
        return tuple(_join_marks(line) for line in lines)


def _letter(kind: _TokenType) -> str:
    """The letter of a kind of token, or of the kind that it is one of."""
    step: _TokenType | None = kind
    while step is not None:
        if step in LETTERS:
            return LETTERS[step]
        step = step.parent
    return PLAIN


def _join_marks(line: str) -> str:
    """Join the marks of neighbours of one kind, and leave out what has no colour at the end."""
    joined: list[tuple[str, int]] = []
    for letter, length in re.findall(r"(\D)(\d+)", line):
        if joined and joined[-1][0] == letter:
            joined[-1] = (letter, joined[-1][1] + int(length))
        else:
            joined.append((letter, int(length)))
    if joined and joined[-1][0] == PLAIN:
        joined.pop()
    return "".join(f"{letter}{length}" for letter, length in joined)


def _split_blocks(source: str) -> Iterator[str]:
    """Split a source before its top-level statements, and never within triple quotes."""
    block = ""
    for part in _BEGINNING.split(source):
        block += part
        if block.count('"""') % 2 == 0 and block.count("'''") % 2 == 0:
            yield block
            block = ""
    yield block
