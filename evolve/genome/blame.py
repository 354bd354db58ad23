"""The ancestors whose changes still stand in a genome, and those whose were undone on the way.

It is `git blame` for genomes, of which some have two parents, and for lines that were removed, too.
A change is undone if a later genome replaced it or took it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

Line = tuple[int, int]  # the id of the genome that wrote a line, and its place there
Opcode = tuple[str, int, int, int, int]  # as difflib's


@dataclass(frozen=True)
class Version:
    """A genome of a family.

    Attributes:
        parents: Ids of its parents; empty for a seed.
        text: Text of the genome.
    """

    parents: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Standing:
    """The changes of one ancestor that still stand in a genome.

    Attributes:
        lines: Lines that it wrote.
        written: Number of lines that it wrote, gone ones included.
        removed: Number of the seed's lines that it removed without others in their place.
    """

    lines: tuple[str, ...]
    written: int
    removed: int


@dataclass(frozen=True)
class _Origins:
    """Where a genome's lines are from, and who removed those of the seed that it lacks."""

    lines: tuple[Line, ...]
    removed: Mapping[Line, int]


def find_standing(versions: Mapping[int, Version], seed: int, number: int) -> dict[int, Standing]:
    """The ancestors of a genome, itself included, whose changes of the seed still stand in it.

    Args:
        versions: The genome and all its ancestors by id, parents before their children.
        seed: Id of the seed that the genome is compared with.
        number: Id of the genome.

    Returns:
        What stands of each, by id in ascending order. Lines of another seed are that one's.
    """
    texts = {one: version.text.splitlines() for one, version in versions.items()}
    origins: dict[int, _Origins] = {}
    for one, version in versions.items():
        parents = [(texts[parent], origins[parent]) for parent in version.parents]
        origins[one] = _trace(one, texts[one], parents, seed)
    lines: dict[int, list[str]] = {}
    removed: dict[int, int] = {}
    old, new, own = texts[seed], texts[number], origins[number]
    for tag, a, b, c, d in _compare(old, new):
        if tag == "equal":
            continue
        for place in range(c, d):
            writer, _ = own.lines[place]
            if writer != seed and new[place].strip():
                lines.setdefault(writer, []).append(new[place])
        for place in range(a, b):
            remover = own.removed.get((seed, place))
            if remover is not None and old[place].strip():
                removed[remover] = removed.get(remover, 0) + 1
    return {
        one: Standing(
            tuple(lines.get(one, ())),
            _count_written(one, texts[one], origins[one].lines),
            removed.get(one, 0),
        )
        for one in sorted(lines.keys() | removed.keys())
    }


def _count_written(number: int, text: Sequence[str], lines: Sequence[Line]) -> int:
    """The number of lines that a genome wrote itself, without empty ones."""
    return sum(writer == number and bool(text[place].strip()) for writer, place in lines)


def _trace(
    number: int,
    text: Sequence[str],
    parents: Sequence[tuple[Sequence[str], _Origins]],
    seed: int,
) -> _Origins:
    """The origins of a genome's lines. What both parents have it has from the first one."""
    lines: list[Line] = [(number, place) for place in range(len(text))]
    removed: dict[Line, int] = {}
    for other, origins in reversed(parents):
        removed |= origins.removed
        for tag, a, b, c, d in _compare(other, text):
            if tag == "equal":
                lines[c:d] = origins.lines[a:b]
            elif tag == "delete":
                gone = (line for line in origins.lines[a:b] if line[0] == seed)
                removed |= {line: number for line in gone if line not in removed}
    there = set(lines)
    return _Origins(tuple(lines), {line: by for line, by in removed.items() if line not in there})


def _compare(before: Sequence[str], after: Sequence[str]) -> Iterator[Opcode]:
    """The opcodes of difflib; what both begin and end with is not searched for."""
    head = _count_equal(before, after)
    tail = _count_equal(before[head:][::-1], after[head:][::-1])
    first, second = len(before) - tail, len(after) - tail
    yield "equal", 0, head, 0, head
    matcher = SequenceMatcher(None, before[head:first], after[head:second], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield tag, head + a, head + b, head + c, head + d
    yield "equal", first, len(before), second, len(after)


def _count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """The number of lines with which two texts begin alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
