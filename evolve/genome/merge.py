"""A three-way merge of two genomes against their common ancestor, part by part.

git merges lines, so that it conflicts where two sides change two lines that touch, as constants
do. Here the parts of a program (constants, definitions, imports, blocks of code) find each other by
their names, and git merges lines only within a part that both sides changed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from evolve.genome.parsing import INVALID, parse
from evolve.genome.parts import (
    CODE,
    LINE,
    TEXT,
    Part,
    drop_ambiguous_keys,
    lacks_newline,
    near,
    paragraphs,
    program,
)

WHOLE = "the whole file"


@dataclass(frozen=True)
class Conflict:
    """A part that both sides changed, and not in the same way.

    Attributes:
        name: such as "constant RATE", "def GPT.forward", "class Block", "import math" or
            "top-level code near line 7", counted in the first side.
        base: its text in the common ancestor; empty if it is not there, as in the other two.
        first: its text in the first side.
        second: its text in the second side.
    """

    name: str
    base: str
    first: str
    second: str


@dataclass(frozen=True)
class Merge:
    """What came of a merge.

    Attributes:
        source: the merged text. Where lines conflict it has the first side's; what else the second
            changed in such a part is in it too.
        conflicts: the parts that could not be merged; none means that the merge is clean.
        from_first: names of the parts that the first side alone changed, added, moved or deleted.
        from_second: the same of the second side.
    """

    source: str
    conflicts: tuple[Conflict, ...]
    from_first: tuple[str, ...]
    from_second: tuple[str, ...]


def merge(base: str, first: str, second: str, language: str) -> Merge:
    """Bring the changes that two texts made to their common ancestor into one text.

    A part that one side changed is taken from it. What both changed is merged method by method in
    a class, else line by line by git. Of a comment that stands directly above a statement, and of
    the empty lines before it, each side's change is taken too. Parts added by both in one place
    follow each other, the first side's first. A Python merge that is no Python, though each part
    merged, is the first side with one conflict over the whole file.

    Args:
        base: the common ancestor.
        first: one descendant.
        second: the other.
        language: "python" or "prose"; prose is merged paragraph by paragraph.

    Raises:
        ValueError: the language is Python and one of the texts is not.
        OSError: git cannot be run.
    """
    python = language == "python"
    roles = {"common ancestor": base, "first side": first, "second side": second}
    before, ours, theirs = (
        program(role, text) if python else paragraphs(text) for role, text in roles.items()
    )
    report = _Report()
    source = _merged(before, ours, theirs, CODE if python else TEXT, report)
    if _pick(*map(lacks_newline, (base, first, second))):
        source = source.removesuffix("\n")
    if python and not _is_python(source):
        whole = Conflict(WHOLE, base, first, second)
        return Merge(first, (whole,), tuple(report.from_first), ())
    return Merge(
        source, tuple(report.conflicts), tuple(report.from_first), tuple(report.from_second)
    )


@dataclass
class _Report:
    """Names in the order in which they were met, each once."""

    conflicts: list[Conflict] = field(default_factory=list)
    from_first: dict[str, None] = field(default_factory=dict)
    from_second: dict[str, None] = field(default_factory=dict)


# --- merging parts ---


def _is_python(source: str) -> bool:
    try:
        parse(source)
    except INVALID:
        return False
    return True


def _merged(
    base: Sequence[Part],
    first: Sequence[Part],
    second: Sequence[Part],
    place: str,
    report: _Report,
) -> str:
    """The merged text of three lists of parts; a part without a key is known by its text."""
    base, first, second = drop_ambiguous_keys(base, first, second)
    old, ours, theirs = ({p.key: p for p in parts if p.key} for parts in (base, first, second))
    settled: dict[str, Part | None] = {}
    for key in dict.fromkeys([*ours, *theirs, *old]):
        settled[key] = _settled(old.get(key), ours.get(key), theirs.get(key), report)

    # A part that moved goes where it was moved to, by the first side if by both: for the order it
    # counts as added there. So does one that the first side keeps and the second wants deleted.
    ours_moved, theirs_moved = _moved(old, ours), _moved(old, theirs)
    kept = {key for key in old.keys() & ours.keys() - theirs.keys() if settled[key]}
    for key in old:
        if key in ours_moved - theirs_moved:
            report.from_first[ours[key].name] = None
        elif key in theirs_moved - ours_moved:
            report.from_second[theirs[key].name] = None
    base = _without(base, ours_moved | theirs_moved | kept)
    second = _without(second, ours_moved | (ours.keys() & theirs.keys() - old.keys()))
    first = _without(first, theirs_moved - ours_moved)

    in_first, in_second = _matches(base, first), _matches(base, second)
    result: list[str] = []
    i = j = k = 0
    for index, part in enumerate(base):
        if index not in in_first or index not in in_second:
            continue
        one, other = first[in_first[index]], second[in_second[index]]
        region = base[i:index], first[j : in_first[index]], second[k : in_second[index]]
        result.append(_region(*region, settled, (place, one.line, other.line), report))
        final = settled[part.key] if part.key else _settled(part, one, other, report)
        result.append(_text([final] if final else [], {}))
        i, j, k = index + 1, in_first[index] + 1, in_second[index] + 1
    return "".join(result)


def _settled(
    base: Part | None, first: Part | None, second: Part | None, report: _Report
) -> Part | None:
    """One part of all that know it by its key, or None if it goes."""
    known = first or second or base
    assert known is not None
    before, ours, theirs = (part.core if part else None for part in (base, first, second))
    part = first
    if ours != theirs and before == theirs:
        report.from_first[(first or known).name] = None
    elif ours != theirs and before == ours:
        report.from_second[(second or known).name] = None
        part = second
    elif ours != theirs and base and first and second:
        part = _both_changed(base, first, second, report)
    elif ours != theirs:
        report.conflicts.append(Conflict(known.name, before or "", ours or "", theirs or ""))
    if part and base and first and second:
        return replace(part, gap=_pick(base.gap, first.gap, second.gap))
    return part


def _both_changed(base: Part, first: Part, second: Part, report: _Report) -> Part:
    """The part of that key, merged: a class by its parts, all else by lines."""
    comment, clean = _lines_merged(base.comment, first.comment, second.comment)
    inner = base.inner, first.inner, second.inner
    if base.body not in (first.body, second.body) and all(inner):
        body = _merged(*inner, f"code of {first.name}", report)
    else:
        body, is_clean = _lines_merged(base.body, first.body, second.body)
        clean &= is_clean
    if not clean:
        report.conflicts.append(Conflict(first.name, base.core, first.core, second.core))
    return replace(first, comment=comment, body=body)


def _moved(old: dict[str, Part], new: dict[str, Part]) -> set[str]:
    """The keys that stand in another order; keys that stay keep their order among each other."""
    before, after = [k for k in old if k in new], [k for k in new if k in old]
    if before == after:
        return set()
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return set(before).difference(*(before[b.a : b.a + b.size] for b in blocks))


def _without(parts: Iterable[Part], keys: set[str]) -> list[Part]:
    return [part for part in parts if part.key not in keys]


def _matches(one: Sequence[Part], other: Sequence[Part]) -> dict[int, int]:
    """Where each part of one stands in the other: known keys first, then texts between them.

    Texts that differ are taken for versions of each other where as many came as went.
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


def _region(
    base: Sequence[Part],
    first: Sequence[Part],
    second: Sequence[Part],
    settled: dict[str, Part | None],
    where: tuple[str, int, int],
    report: _Report,
) -> str:
    """The merged text between two parts that all three have.

    Args:
        base: the ancestor's parts there.
        first: the first side's.
        second: the second side's.
        settled: what became of the parts that have a key.
        where: what this is a region of, and the lines at which it ends in the two sides.
        report: takes what is found.
    """
    place, *ends = where
    starts = [parts[0].line if parts else n for parts, n in zip((first, second), ends, strict=True)]
    before, ours, theirs = (
        [part.core for part in parts if not part.key] for parts in (base, first, second)
    )
    if ours == theirs:
        return _text(_joined(first, second, base), settled)
    if before == theirs:
        report.from_first[near(place, starts[0])] = None
        return _text(_joined(first, second, base), settled)
    if before == ours:
        report.from_second[near(place, starts[1])] = None
        return _text(_joined(second, first, base), settled)
    versions = [_text(parts, settled) for parts in (base, first, second)]
    text, clean = _lines_merged(*versions)
    if not clean:
        report.conflicts.append(Conflict(near(place, starts[0]), *versions))
    return text


def _joined(carrier: Sequence[Part], other: Sequence[Part], base: Sequence[Part]) -> Sequence[Part]:
    """The carrier's parts, with those that only the other added put after their predecessors."""
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
            # behind what the carrier added here, or put in the place of what stood before the part
            while at < len(result) and tokens[at] not in old and (result[at].key or replaced):
                at += 1
            result.insert(at, part)
            at += 1
        elif not part.key:
            replaced = True
    return result


def _text(parts: Iterable[Part], settled: dict[str, Part | None]) -> str:
    final = (settled.get(part.key, part) for part in parts)
    return "".join(part.gap + part.core for part in final if part)


def _lines_merged(base: str, first: str, second: str) -> tuple[str, bool]:
    """Three texts merged by lines, and whether they could be: what conflicts is the first's."""
    if first in (base, second):
        return second, True
    if second == base:
        return first, True
    texts = base, first, second
    if "\0" in base + first + second or all(len(LINE.findall(text)) < 2 for text in texts):
        return first, False  # git takes a NUL for no text, and one line cannot be divided
    with TemporaryDirectory(prefix="merge-") as folder:
        for name, text in zip(("base", "first", "second"), texts, strict=True):
            (Path(folder) / name).write_bytes(text.encode(errors="surrogatepass"))
        merged, clean = _git_merge_file(folder, "--diff3")
        return (merged, True) if clean else (_git_merge_file(folder, "--ours")[0], False)


def _git_merge_file(folder: str, style: str) -> tuple[str, bool]:
    """What git makes of the three files, and whether nothing conflicts.

    Raises:
        OSError: git is missing or failed.
    """
    command = ["git", "merge-file", "-p", style, "first", "base", "second"]
    done = subprocess.run(command, cwd=folder, capture_output=True, start_new_session=True)
    if not 0 <= done.returncode < 128:  # else the number of conflicts
        raise OSError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="surrogatepass"), done.returncode == 0


T = TypeVar("T")


def _pick(base: T, first: T, second: T) -> T:
    """The change of either side, the first's if both changed it."""
    return second if first == base else first
