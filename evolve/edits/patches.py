"""Changes to a text, placed by the lines that they quote, and applied all or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evolve.edits.mismatch import EditError, make_mismatch_error

MAX_CHANGES = 200  # changes of one reply; whoever changes more places gives the whole file
MAX_PLACES = 20  # places that are considered when a quotation stands in several

# sign and text of a line: " " before one that stays, "-" before an old one, "+" before a new one
Line = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """A change of some quoted lines of a file.

    Attributes:
        label: Name of the quotation in messages, such as "the SEARCH part of block 2".
        readings: Possible meanings of the change's lines, the likeliest first.
        start: Line at which the change claims to stand, from 0; None if it claims nothing.
        heading: Line that stands somewhere above the change; may be empty.
        ordered: Whether the change stands below the one before it.
    """

    label: str
    readings: tuple[tuple[Line, ...], ...]
    start: int | None = None
    heading: str = ""
    ordered: bool = False


def make_block(number: int, parts: Sequence[tuple[list[str], list[str]]]) -> Change:
    """Make the change that a SEARCH/REPLACE block asks for.

    Args:
        number: Number of the block in its reply, from 1.
        parts: Lines to search for and lines to replace them with, for each possible reading.
    """
    readings = (
        (*(("-", line) for line in search), *(("+", line) for line in replace))
        for search, replace in parts
    )
    return Change(f"the SEARCH part of block {number}", tuple(readings))


def apply_changes(source: str, changes: Sequence[Change]) -> str:
    """Apply changes one after the other.

    Raises:
        EditError: One of the changes fits in no place of the text, or in several.
    """
    if len(changes) > MAX_CHANGES:
        raise EditError(
            f"{len(changes)} changes are more than {MAX_CHANGES}",
            advice="give the whole file instead",
        )
    ended = source.endswith("\n") or not source
    lines = source.removesuffix("\n").split("\n") if source else []
    floor = offset = 0
    for change in changes:
        claimed = None if change.start is None else change.start + offset
        reading, at = _place_change(lines, change, claimed, floor if change.ordered else 0)
        found = [number for number in at if number is not None]
        start, stop = (found[0], found[-1] + 1) if found else (0, len(lines))
        new = _rewrite_lines(lines, reading, at)
        lines[start:stop] = new
        floor = start + len(new)
        if change.start is not None:  # wrong line numbers are mostly wrong by the same amount
            offset = start - change.start + len(new) - (stop - start)
    return "\n".join(lines) + ("\n" if lines and ended else "")


# -- where a change belongs -----------------------------------------------------------------------


def _strip_comment(line: str) -> str:
    code = line.partition(" #")[0].strip()
    return code or line.strip()


# How lines are compared, from the strictest way to the most lenient, and whether empty lines count.
KEYS: tuple[tuple[Callable[[str], str], bool], ...] = (
    (str, True),
    (str.rstrip, True),
    (str.strip, True),
    (lambda line: "".join(line.split()), True),
    (lambda line: "".join(line.split()), False),
    (lambda line: "".join(_strip_comment(line).split()), False),
)


def _place_change(
    lines: list[str], change: Change, claimed: int | None, floor: int
) -> tuple[tuple[Line, ...], list[int | None]]:
    """Find the reading that fits, and where each of its quoted lines stands in the file.

    Returns:
        The reading, and for each quoted line the index of the file's line, or None for an empty
        line that the file does not have.
    """
    quotations = [
        (reading, [text for sign, text in reading if sign != "+"]) for reading in change.readings
    ]
    placeable = [(r, q) for r, q in quotations if _has_text(q) or (q and claimed is not None)]
    for key, with_empty in KEYS:
        keys = [key(line) for line in lines]
        numbers = [i for i, k in enumerate(keys) if k or with_empty]
        kept = [keys[i] for i in numbers]
        for reading, quoted in placeable:
            if with_empty and len(quoted) > len(lines):
                continue
            wanted = [key(line) for line in quoted]
            sought = [k for k in wanted if k or with_empty]
            place = _find_place(kept, sought, numbers, change, claimed, floor)
            if place is not None:
                found = iter(numbers[place : place + len(sought)])
                return reading, [next(found) if k or with_empty else None for k in wanted]
    for reading, quoted in quotations:
        if not _has_text([*lines, *quoted]) and not (lines and quoted):  # an empty file: one place
            return reading, []
    if not placeable:
        raise EditError(f"{change.label} is empty", advice="quote the lines to replace")
    shortest = min((quoted for _, quoted in placeable), key=len)
    raise make_mismatch_error(lines, shortest, change.label)


def _has_text(quoted: list[str]) -> bool:
    """Whether lines can identify a place, which empty ones alone cannot."""
    return any(line.strip() for line in quoted)


def _find_place(
    keys: list[str],
    wanted: list[str],
    numbers: list[int],
    change: Change,
    claimed: int | None,
    floor: int,
) -> int | None:
    """The index into `keys` at which the wanted ones stand; None if they stand nowhere."""
    if not wanted:
        return None
    if claimed is not None and numbers[claimed : claimed + 1] == [claimed]:
        there = keys[claimed : claimed + len(wanted)]
        if there == wanted:
            return claimed
    if not _has_text(wanted):
        return None
    places = _find_all(keys, wanted)
    if len(places) > 1:
        heads = [i for i, k in zip(numbers, keys, strict=True) if _is_heading(change.heading, k)]
        below = [p for p in places if heads and numbers[p] > heads[0]]
        later = [p for p in places if numbers[p] >= floor]
        if len(heads) == 1 and below:
            return below[0]
        if floor and len(later) == 1 and len(places) <= MAX_PLACES:
            return later[0]
        many = len(places) if len(places) <= MAX_PLACES else f"more than {MAX_PLACES}"
        shown = ", ".join(str(numbers[p] + 1) for p in places[:5])
        raise EditError(
            f"{change.label} stands in {many} places (lines {shown})",
            advice="quote more lines around it",
        )
    return places[0] if places else None


def _is_heading(heading: str, key: str) -> bool:
    return bool(heading) and "".join(heading.split()) == "".join(key.split())


def _find_all(keys: list[str], wanted: list[str]) -> list[int]:
    """The indices into `keys` at which the wanted ones stand, a few more than are considered."""
    # one search in a string, which is fast even where lines repeat themselves
    text, pattern = "\n".join(["", *keys, ""]), "\n".join(["", *wanted, ""])
    places, at, number = list[int](), 0, 0
    while len(places) <= MAX_PLACES and (found := text.find(pattern, at)) >= 0:
        number += text.count("\n", at, found)
        places.append(number)
        at, number = found + 1, number + 1
    return places


# -- what becomes of the lines --------------------------------------------------------------------


def _rewrite_lines(lines: list[str], reading: tuple[Line, ...], at: list[int | None]) -> list[str]:
    """Change the lines from the first quoted one to the last; kept lines are the file's own."""
    quoted = [text for sign, text in reading if sign != "+"]
    pairs = [(q, lines[i]) for q, i in zip(quoted, at, strict=False) if i is not None]
    indent = _make_indenter(pairs)
    end = "\r" if pairs and pairs[0][1].endswith("\r") else ""
    numbers, position = iter(at), next((i for i in at if i is not None), 0)
    new: list[str] = []
    stays = False
    for sign, text in reading:
        if sign == "+":
            new.append(indent(text) + end)
        elif (number := next(numbers, None)) is not None:
            if stays or sign == " ":  # keep the empty lines between that the quotation left out
                new += lines[position:number]
            stays = sign == " "
            new += lines[number : number + stays]
            position = number + 1
    return new


def _make_indenter(pairs: list[tuple[str, str]]) -> Callable[[str], str]:
    """Make a function that indents new lines, from quoted lines and how they stand in the file."""
    indents = [(_indentation(q), _indentation(a)) for q, a in pairs if q.strip() and a.strip()]
    if all(quoted == actual for quoted, actual in indents):
        return str
    # The first line often lacks the indentation of the others, so it counts for itself alone.
    others = dict(reversed(indents[1:] or indents))
    known = dict(indents[:1]) | others
    same = {q: _indentation(a) for q, a in reversed(pairs) if q.strip() and a.strip()}
    scale = next(((q, a) for q, a in indents if q and a and not set(q) & set(a)), None)

    def indent(text: str) -> str:
        quoted = _indentation(text)
        if not text.strip():
            return text
        return (same[text] if text in same else translate(quoted)) + text[len(quoted) :]

    def translate(quoted: str) -> str:
        if quoted in known:
            return known[quoted]
        if scale is not None:  # tabs for spaces, or the other way round
            return scale[1][0] * round(len(quoted) * len(scale[1]) / len(scale[0]))
        within = max((q for q in others if quoted.startswith(q)), key=len, default=None)
        if within is not None:
            return others[within] + quoted[len(within) :]
        least = min(others, key=len)
        lacking = least.removeprefix(quoted)
        return others[least].removesuffix(lacking) if least.startswith(quoted) else quoted

    return indent


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
