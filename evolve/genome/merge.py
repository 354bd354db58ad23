"""A three-way merge of two genomes against their common ancestor, part by part.

A merge by lines conflicts where two sides change two lines that touch, as constants do. Here the
parts of a program (constants, definitions, imports, blocks of code) are matched by their names, and
lines are merged only within a part that both sides changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TypeVar

from merge3 import Merge3

from evolve.genome.parsing import INVALID, parse
from evolve.genome.parts import (
    CODE,
    LINE,
    TEXT,
    Part,
    drop_ambiguous_keys,
    lacks_newline,
    name_place,
    split_paragraphs,
    split_program,
)

WHOLE = "the whole file"
T = TypeVar("T")


@dataclass(frozen=True)
class Conflict:
    """A part that both sides changed in different ways.

    Attributes:
        name: Name of the part, such as "constant RATE", "def GPT.forward", "class Block",
            "import math" or "top-level code near line 7", where lines are those of the first side.
        base: Text of the part in the common ancestor; empty if the part is not there.
        first: Text of the part in the first side; empty if the part is not there.
        second: Text of the part in the second side; empty if the part is not there.
    """

    name: str
    base: str
    first: str
    second: str


@dataclass(frozen=True)
class MergeResult:
    """The result of a merge.

    Attributes:
        source: Merged text. Where lines conflict it has those of the first side, and beside them
            all other changes of the second side.
        conflicts: Parts that could not be merged; empty if the merge is clean.
        from_first: Names of the parts that only the first side changed, added, moved or deleted.
        from_second: Names of the parts that only the second side changed, added, moved or deleted.
    """

    source: str
    conflicts: tuple[Conflict, ...]
    from_first: tuple[str, ...]
    from_second: tuple[str, ...]


def merge(base: str, first: str, second: str, language: str) -> MergeResult:
    """Merge the changes that two texts made to their common ancestor.

    A part that one side changed is taken from that side. A part that both changed is merged method
    by method if it is a class, else line by line. For the comment directly above a statement and
    the empty lines before it, each side's change is taken too. Parts that both added in one place
    follow each other, those of the first side first. Where the parts of a Python program merged but
    the whole is no valid Python, the result is the first side with one conflict over all of it.

    Args:
        base: Text of the common ancestor.
        first: Text of one descendant.
        second: Text of the other descendant.
        language: "python" or "prose"; prose is merged paragraph by paragraph.

    Raises:
        ValueError: The language is Python, and one of the texts is no valid Python.
    """
    python = language == "python"
    roles = {"common ancestor": base, "first side": first, "second side": second}
    before, ours, theirs = (
        split_program(role, text) if python else split_paragraphs(text)
        for role, text in roles.items()
    )
    log = _MergeLog()
    source = _merge_parts(before, ours, theirs, CODE if python else TEXT, log)
    if _pick(*map(lacks_newline, (base, first, second))):
        source = source.removesuffix("\n")
    if python and not _is_python(source):
        whole = Conflict(WHOLE, base, first, second)
        return MergeResult(first, (whole,), tuple(log.from_first), ())
    return MergeResult(source, tuple(log.conflicts), tuple(log.from_first), tuple(log.from_second))


@dataclass
class _MergeLog:
    """What a merge has found so far; names stand in the order in which they came, each once."""

    conflicts: list[Conflict] = field(default_factory=list)
    from_first: dict[str, None] = field(default_factory=dict)
    from_second: dict[str, None] = field(default_factory=dict)


def _is_python(source: str) -> bool:
    try:
        parse(source)
    except INVALID:
        return False
    return True


# -- merging parts --------------------------------------------------------------------------------


def _merge_parts(
    base: Sequence[Part],
    first: Sequence[Part],
    second: Sequence[Part],
    place: str,
    log: _MergeLog,
) -> str:
    """Merge three lists of parts; a part without a key is matched by its text."""
    base, first, second = drop_ambiguous_keys(base, first, second)
    old, ours, theirs = ({p.key: p for p in parts if p.key} for parts in (base, first, second))
    merged: dict[str, Part | None] = {}
    for key in dict.fromkeys([*ours, *theirs, *old]):
        merged[key] = _merge_part(old.get(key), ours.get(key), theirs.get(key), log)

    # A part that moved goes where it was moved to, by the first side if both moved it: in the order
    # it counts as added there. So does a part that the first side keeps and the second one deletes.
    ours_moved, theirs_moved = _find_moved_keys(old, ours), _find_moved_keys(old, theirs)
    kept = {key for key in old.keys() & ours.keys() - theirs.keys() if merged[key]}
    for key in old:
        if key in ours_moved - theirs_moved:
            log.from_first[ours[key].name] = None
        elif key in theirs_moved - ours_moved:
            log.from_second[theirs[key].name] = None
    base = _drop_parts(base, ours_moved | theirs_moved | kept)
    second = _drop_parts(second, ours_moved | (ours.keys() & theirs.keys() - old.keys()))
    first = _drop_parts(first, theirs_moved - ours_moved)

    in_first, in_second = _match_parts(base, first), _match_parts(base, second)
    texts: list[str] = []
    i = j = k = 0
    for index, part in enumerate(base):
        if index not in in_first or index not in in_second:
            continue
        one, other = first[in_first[index]], second[in_second[index]]
        region = base[i:index], first[j : in_first[index]], second[k : in_second[index]]
        texts.append(_merge_region(*region, merged, (place, one.line, other.line), log))
        final = merged[part.key] if part.key else _merge_part(part, one, other, log)
        texts.append(_join_text([final] if final else [], {}))
        i, j, k = index + 1, in_first[index] + 1, in_second[index] + 1
    return "".join(texts)


def _merge_part(
    base: Part | None, first: Part | None, second: Part | None, log: _MergeLog
) -> Part | None:
    """Merge the versions of one part, of which one at least is there; None deletes the part."""
    known = first or second or base
    assert known is not None
    before, ours, theirs = (part.core if part else None for part in (base, first, second))
    part = first
    if ours != theirs and before == theirs:
        log.from_first[(first or known).name] = None
    elif ours != theirs and before == ours:
        log.from_second[(second or known).name] = None
        part = second
    elif ours != theirs and base and first and second:
        part = _merge_changes(base, first, second, log)
    elif ours != theirs:
        log.conflicts.append(Conflict(known.name, before or "", ours or "", theirs or ""))
    if part and base and first and second:
        return replace(part, gap=_pick(base.gap, first.gap, second.gap))
    return part


def _merge_changes(base: Part, first: Part, second: Part, log: _MergeLog) -> Part:
    """Merge a part that both sides changed: a class by its parts, all else by lines."""
    comment, clean = merge_lines(base.comment, first.comment, second.comment)
    inner = base.inner, first.inner, second.inner
    if base.body not in (first.body, second.body) and all(inner):
        body = _merge_parts(*inner, f"code of {first.name}", log)
    else:
        body, is_clean = merge_lines(base.body, first.body, second.body)
        clean &= is_clean
    if not clean:
        log.conflicts.append(Conflict(first.name, base.core, first.core, second.core))
    return replace(first, comment=comment, body=body)


def _find_moved_keys(old: dict[str, Part], new: dict[str, Part]) -> set[str]:
    """The keys that stand in another order; the other keys keep their order among each other."""
    before, after = [k for k in old if k in new], [k for k in new if k in old]
    if before == after:
        return set()
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return set(before).difference(*(before[b.a : b.a + b.size] for b in blocks))


def _drop_parts(parts: Iterable[Part], keys: set[str]) -> list[Part]:
    return [part for part in parts if part.key not in keys]


def _match_parts(one: Sequence[Part], other: Sequence[Part]) -> dict[int, int]:
    """Map the index of each part of one version to its index in the other one.

    Parts are matched by keys first, then by the texts between those. Texts that differ count as
    versions of each other where as many appeared as disappeared.
    """
    where = {part.key: index for index, part in enumerate(other) if part.key}
    found: dict[int, int] = {}
    i = j = 0
    for index, part in enumerate(one):
        if part.key not in where:
            continue
        there = where[part.key]
        found[index] = there
        before = [n for n in range(i, index) if not one[n].key]
        after = [n for n in range(j, there) if not other[n].key]
        i, j = index + 1, there + 1
        if before and after:
            texts = [one[n].core for n in before], [other[n].core for n in after]
            for _, a, b, c, d in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
                if b - a == d - c:
                    found |= zip(before[a:b], after[c:d], strict=True)
    return found


# -- merging what stands between parts ------------------------------------------------------------


def _merge_region(
    base: Sequence[Part],
    first: Sequence[Part],
    second: Sequence[Part],
    merged: dict[str, Part | None],
    where: tuple[str, int, int],
    log: _MergeLog,
) -> str:
    """Merge the text between two parts that all three versions have.

    Args:
        base: Parts of the ancestor there.
        first: Parts of the first side there.
        second: Parts of the second side there.
        merged: Final parts by their keys.
        where: Name of what the region belongs to, and the lines at which it ends in the two sides.
        log: Log to which conflicts and changes are added.
    """
    place, *ends = where
    starts = [parts[0].line if parts else n for parts, n in zip((first, second), ends, strict=True)]
    before, ours, theirs = (
        [part.core for part in parts if not part.key] for parts in (base, first, second)
    )
    if ours == theirs:
        return _join_text(_insert_added_parts(first, second, base), merged)
    if before == theirs:
        log.from_first[name_place(place, starts[0])] = None
        return _join_text(_insert_added_parts(first, second, base), merged)
    if before == ours:
        log.from_second[name_place(place, starts[1])] = None
        return _join_text(_insert_added_parts(second, first, base), merged)
    versions = [_join_text(parts, merged) for parts in (base, first, second)]
    text, clean = merge_lines(*versions)
    if not clean:
        log.conflicts.append(Conflict(name_place(place, starts[0]), *versions))
    return text


def _insert_added_parts(
    carrier: Sequence[Part], other: Sequence[Part], base: Sequence[Part]
) -> Sequence[Part]:
    """Insert the parts that only the other side added behind their predecessors in the carrier."""
    old = [part.token for part in base]
    if [part.token for part in carrier] == old:
        return other
    result = list(carrier)
    at, replaced = 0, False
    for part in other:
        tokens = [p.token for p in result]
        if part.token in tokens[at:]:  # a text may stand here several times
            at, replaced = tokens.index(part.token, at) + 1, False
        elif part.key and part.token not in old:
            # behind what the carrier added here, or in the place of what stood before the part
            while at < len(result) and tokens[at] not in old and (result[at].key or replaced):
                at += 1
            result.insert(at, part)
            at += 1
        elif not part.key:
            replaced = True
    return result


def _join_text(parts: Iterable[Part], merged: dict[str, Part | None]) -> str:
    final = (merged.get(part.key, part) for part in parts)
    return "".join(part.gap + part.core for part in final if part)


# -- merging lines --------------------------------------------------------------------------------


def merge_lines(base: str, first: str, second: str) -> tuple[str, bool]:
    """Merge three texts by lines, with the first side's lines where they conflict.

    Returns:
        The merged text, and whether nothing conflicts.
    """
    if first in (base, second):
        return second, True
    if second == base:
        return first, True
    before, ours, theirs = (LINE.findall(text) for text in (base, first, second))
    lines: list[str] = []
    clean = True
    for kind, *versions in Merge3(before, ours, theirs).merge_groups():
        clean &= kind != "conflict"
        lines += versions[1] if kind == "conflict" else versions[0]
    return "".join(lines), clean


def _pick(base: T, first: T, second: T) -> T:
    """The value that a side changed, the first side's if both changed it."""
    return second if first == base else first
