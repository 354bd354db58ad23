"""Changes to a text that are placed by the lines that they quote, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evolve.edits.mismatch import EditError, missing

MAX_CHANGES = 200  # of one reply; what changes more places is given as a whole file
MAX_PLACES = 20  # that are looked at when a quotation stands in several

Line = tuple[str, str]  # " " for a line that stays, "-" for one that goes, "+" for a new one; text


@dataclass(frozen=True)
class Change:
    """Lines of the file, and what becomes of them.

    Attributes:
        label: what messages call its quotation, as "the SEARCH part of block 2".
        readings: what its lines may mean, the likeliest first.
        start: the line at which it claims to stand, from 0; None if it claims nothing.
        heading: a line that stands somewhere above it, or empty.
        ordered: whether it stands below the change before it.
    """

    label: str
    readings: tuple[tuple[Line, ...], ...]
    start: int | None = None
    heading: str = ""
    ordered: bool = False


def block(number: int, parts: Sequence[tuple[list[str], list[str]]]) -> Change:
    """A SEARCH/REPLACE block.

    Args:
        number: counts the reply's blocks from 1.
        parts: its lines to search for and those to replace them with, as they may be read.
    """
    readings = (
        (*(("-", line) for line in search), *(("+", line) for line in replace))
        for search, replace in parts
    )
    return Change(f"the SEARCH part of block {number}", tuple(readings))


def apply(source: str, changes: Sequence[Change]) -> str:
    """Apply changes one after the other.

    Raises:
        EditError: one of them has no place in the text, or several.
    """
    if len(changes) > MAX_CHANGES:
        raise EditError(
            f"{len(changes)} changes are more than {MAX_CHANGES}; give the whole file instead"
        )
    ended = source.endswith("\n") or not source
    lines = source.removesuffix("\n").split("\n") if source else []
    floor = offset = 0
    for change in changes:
        claimed = None if change.start is None else change.start + offset
        reading, at = _placed(lines, change, claimed, floor if change.ordered else 0)
        found = [number for number in at if number is not None]
        start, stop = (found[0], found[-1] + 1) if found else (0, len(lines))
        new = _changed(lines, reading, at)
        lines[start:stop] = new
        floor = start + len(new)
        if change.start is not None:  # numbers that are off are mostly off by the same
            offset = start - change.start + len(new) - (stop - start)
    return "\n".join(lines) + ("\n" if lines and ended else "")


# -- where a change belongs -----------------------------------------------------------------------


def _without_comment(line: str) -> str:
    code = line.partition(" #")[0].strip()
    return code or line.strip()


# What of a line counts, from the strictest to the most lenient, and whether empty lines do.
KEYS: tuple[tuple[Callable[[str], str], bool], ...] = (
    (str, True),
    (str.rstrip, True),
    (str.strip, True),
    (lambda line: "".join(line.split()), True),
    (lambda line: "".join(line.split()), False),
    (lambda line: "".join(_without_comment(line).split()), False),
)


def _placed(
    lines: list[str], change: Change, claimed: int | None, floor: int
) -> tuple[tuple[Line, ...], list[int | None]]:
    """The reading that fits, and for every line that it quotes the number of the file's line.

    An empty line of the quotation that the file does not have is None.
    """
    quotations = [
        (reading, [text for sign, text in reading if sign != "+"]) for reading in change.readings
    ]
    telling = [(r, q) for r, q in quotations if _tells(q) or (q and claimed is not None)]
    for key, empty_ones in KEYS:
        keys = [key(line) for line in lines]
        numbers = [i for i, k in enumerate(keys) if k or empty_ones]
        kept = [keys[i] for i in numbers]
        for reading, quoted in telling:
            if empty_ones and len(quoted) > len(lines):
                continue
            wanted = [key(line) for line in quoted]
            sought = [k for k in wanted if k or empty_ones]
            place = _place(kept, sought, numbers, change, claimed, floor)
            if place is not None:
                found = iter(numbers[place : place + len(sought)])
                return reading, [next(found) if k or empty_ones else None for k in wanted]
    for reading, quoted in quotations:
        if not _tells([*lines, *quoted]) and not (lines and quoted):  # an empty file has one place
            return reading, []
    if not telling:
        raise EditError(f"{change.label} is empty; quote the lines to replace")
    raise missing(lines, min((quoted for _, quoted in telling), key=len), change.label)


def _tells(quoted: list[str]) -> bool:
    """Whether the lines can tell a place: empty ones alone cannot."""
    return any(line.strip() for line in quoted)


def _place(
    keys: list[str],
    wanted: list[str],
    numbers: list[int],
    change: Change,
    claimed: int | None,
    floor: int,
) -> int | None:
    """The index into `keys` at which the wanted ones stand, None if they do not."""
    if not wanted:
        return None
    if claimed is not None and numbers[claimed : claimed + 1] == [claimed]:
        there = keys[claimed : claimed + len(wanted)]
        if there == wanted:
            return claimed
    if not _tells(wanted):
        return None
    places = _places(keys, wanted)
    if len(places) > 1:
        heads = [i for i, k in zip(numbers, keys, strict=True) if _is(change.heading, k)]
        below = [p for p in places if heads and numbers[p] > heads[0]]
        later = [p for p in places if numbers[p] >= floor]
        if len(heads) == 1 and below:
            return below[0]
        if floor and len(later) == 1 and len(places) <= MAX_PLACES:
            return later[0]
        many = len(places) if len(places) <= MAX_PLACES else f"more than {MAX_PLACES}"
        shown = ", ".join(str(numbers[p] + 1) for p in places[:5])
        raise EditError(
            f"{change.label} stands in {many} places (lines {shown}); quote more lines around it"
        )
    return places[0] if places else None


def _is(heading: str, key: str) -> bool:
    return bool(heading) and "".join(heading.split()) == "".join(key.split())


def _places(keys: list[str], wanted: list[str]) -> list[int]:
    # As one search in a string, which is fast even where lines repeat themselves.
    text, pattern = "\n".join(["", *keys, ""]), "\n".join(["", *wanted, ""])
    places, at, number = list[int](), 0, 0
    while len(places) <= MAX_PLACES and (found := text.find(pattern, at)) >= 0:
        number += text.count("\n", at, found)
        places.append(number)
        at, number = found + 1, number + 1
    return places


# -- what it becomes ------------------------------------------------------------------------------


def _changed(lines: list[str], reading: tuple[Line, ...], at: list[int | None]) -> list[str]:
    """The lines from the first quoted one to the last, changed. What stays is the file's own."""
    quoted = [text for sign, text in reading if sign != "+"]
    pairs = [(q, lines[i]) for q, i in zip(quoted, at, strict=False) if i is not None]
    indented = _indenter(pairs)
    end = "\r" if pairs and pairs[0][1].endswith("\r") else ""
    numbers, position = iter(at), next((i for i in at if i is not None), 0)
    new: list[str] = []
    stays = False
    for sign, text in reading:
        if sign == "+":
            new.append(indented(text) + end)
        elif (number := next(numbers, None)) is not None:
            if stays or sign == " ":  # so do empty lines between that the quotation left out
                new += lines[position:number]
            stays = sign == " "
            new += lines[number : number + stays]
            position = number + 1
    return new


def _indenter(pairs: list[tuple[str, str]]) -> Callable[[str], str]:
    """How new lines are indented, given quoted lines and how they stand in the file."""
    indents = [(_indent(q), _indent(a)) for q, a in pairs if q.strip() and a.strip()]
    if all(quoted == actual for quoted, actual in indents):
        return str
    # The first line often lacks the indentation that the others have, so it speaks for itself only.
    others = dict(reversed(indents[1:] or indents))
    known = dict(indents[:1]) | others
    same = {q: _indent(a) for q, a in reversed(pairs) if q.strip() and a.strip()}
    scale = next(((q, a) for q, a in indents if q and a and not set(q) & set(a)), None)

    def indented(text: str) -> str:
        indent = _indent(text)
        if not text.strip():
            return text
        return (same[text] if text in same else actual(indent)) + text[len(indent) :]

    def actual(indent: str) -> str:
        if indent in known:
            return known[indent]
        if scale is not None:  # tabs for spaces, or the other way round
            return scale[1][0] * round(len(indent) * len(scale[1]) / len(scale[0]))
        within = max((q for q in others if indent.startswith(q)), key=len, default=None)
        if within is not None:
            return others[within] + indent[len(within) :]
        least = min(others, key=len)
        missing = least.removeprefix(indent)
        return others[least].removesuffix(missing) if least.startswith(indent) else indent

    return indented


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
