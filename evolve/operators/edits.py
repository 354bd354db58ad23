"""Replies of a language model, turned into a child's source text, or into a reason why not."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

BLOCK = re.compile(
    r"^<{5,9} ?SEARCH[^\n]*\n(?P<search>.*?)^={5,9}[ \t]*\n(?P<replace>.*?)^>{5,9} ?REPLACE[^\n]*$",
    re.MULTILINE | re.DOTALL,
)
OPENING = re.compile(r"^<{5,9} ?SEARCH", re.MULTILINE)
FENCED = re.compile(r"^```[^\n]*\n(?P<text>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
IDEA = re.compile(r"^[ \t*#>-]*IDEA[*]*:[* \t]*(?P<text>.+)$", re.MULTILINE | re.IGNORECASE)
WHY = re.compile(r"^[ \t*#>-]*WHY[*]*:[* \t]*(?P<text>.+)$", re.MULTILINE | re.IGNORECASE)
MAX_IDEA = 160
WHOLE_FILE_SHARE = 0.3  # a fenced text much shorter than the parent is a snippet, not a file


class EditError(Exception):
    """The reply is no edit that applies; the message tells the model what to mend."""


@dataclass(frozen=True)
class Edit:
    """What a reply asks for: the new text, the idea in one line, and why it should help."""

    source: str
    idea: str
    why: str


def read_reply(reply: str, source: str) -> Edit:
    """Apply a reply to the parent's source.

    A reply is SEARCH/REPLACE blocks, applied in their order and all or none, or the whole new file
    in one fence.

    Args:
        reply: the model's text.
        source: the genome that it was asked to change.

    Raises:
        EditError: there is no edit in it, a block does not match, or nothing changed.
    """
    reply = reply.replace("\r\n", "\n")
    blocks = list(BLOCK.finditer(reply))
    if len(OPENING.findall(reply)) > len(blocks):
        raise EditError("a SEARCH block is not closed by ======= and >>>>>>> REPLACE")
    if blocks:
        edited = source
        for number, block in enumerate(blocks, 1):
            edited = _apply(edited, block["search"], block["replace"], number)
    else:
        edited = _whole_file(reply, source)
    if edited == source:
        raise EditError("the edit changes nothing")
    outside = BLOCK.sub("", reply)
    idea, why = IDEA.search(outside), WHY.search(outside)
    if idea is None:
        raise EditError("the line `IDEA: what the change is, in one line` is missing")
    return Edit(edited, _line(idea["text"]), _line(why["text"]) if why else "")


def _line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(printable.split()).strip("*` ")
    return text if len(text) <= MAX_IDEA else text[: MAX_IDEA - 1] + "…"


def _apply(source: str, search: str, replace: str, number: int) -> str:
    if not search.strip():
        raise EditError(f"the SEARCH part of block {number} is empty; quote the lines to replace")
    lines, wanted = _lines(source), _lines(search)
    for same in (_without_end, str.rstrip, str.strip):
        places = _places([same(line) for line in lines], [same(line) for line in wanted])
        if len(places) > 1:
            raise EditError(
                f"the SEARCH part of block {number} stands in {len(places)} places "
                f"(lines {', '.join(str(p + 1) for p in places[:5])}); quote more lines around it"
            )
        if places:
            (start,) = places
            old = lines[start : start + len(wanted)]
            new = _indented(replace, wanted, old)
            return "".join([*lines[:start], *new, *lines[start + len(wanted) :]])
    raise EditError(
        f"the SEARCH part of block {number} is not in the file{_closest(lines, wanted)}"
    )


def _lines(text: str) -> list[str]:
    """The lines with their ends. Unlike for `str.splitlines`, only a line feed ends a line."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _without_end(line: str) -> str:
    return line.rstrip("\r\n")


def _places(lines: list[str], wanted: list[str]) -> list[int]:
    return [i for i in range(len(lines) - len(wanted) + 1) if lines[i : i + len(wanted)] == wanted]


def _indented(replace: str, wanted: list[str], old: list[str]) -> list[str]:
    """The replacement's lines, shifted as the quoted lines are against the file's own."""

    def indent(line: str) -> str:
        return line[: len(line) - len(line.lstrip())]

    first = next(i for i, line in enumerate(wanted) if line.strip())
    have, need = indent(wanted[first]), indent(old[first])
    end = "\r\n" if old[0].endswith("\r\n") else "\n"
    new = []
    for line in map(_without_end, _lines(replace)):
        if line.strip() and have != need and line.startswith(have):
            line = need + line[len(have) :]
        new.append(line + end)
    if new and not old[-1].endswith("\n"):
        new[-1] = new[-1].removesuffix(end)
    return new


def _closest(lines: list[str], wanted: list[str]) -> str:
    """Where the file comes closest to the quoted lines, for the model to quote again."""
    if len(wanted) > len(lines):
        return ": it has more lines than the file"
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2("\n".join(line.strip() for line in wanted))

    def likeness(start: int) -> float:
        window = "\n".join(line.strip() for line in lines[start : start + len(wanted)])
        matcher.set_seq1(window)
        return matcher.quick_ratio()

    start = max(range(len(lines) - len(wanted) + 1), key=likeness)
    if likeness(start) < 0.5:
        return "; quote lines exactly as they stand there"
    close = "".join(lines[start : start + len(wanted)])
    return f". The closest lines, from line {start + 1}, are:\n{close}"


def _whole_file(reply: str, source: str) -> str:
    fenced = [match["text"] for match in FENCED.finditer(reply)]
    longest = max(fenced, key=len, default="")
    if len(longest) < WHOLE_FILE_SHARE * len(source) or not longest.strip():
        raise EditError(
            "the reply has neither a SEARCH/REPLACE block nor the whole file in one ``` fence"
        )
    return longest
