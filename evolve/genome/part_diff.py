"""How two versions of a genome differ, part by part: each change can be reverted alone.

The parts are those of a merge: constants, definitions, methods and blocks of code in Python,
paragraphs in any other text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from evolve.genome.parts import (
    Part,
    drop_ambiguous_keys,
    lacks_newline,
    paragraphs,
    program,
)

SHOWN = 40  # characters of a line in the description of a change
REMARK = re.compile(r"\s+#.*$")
Numbers = dict[str, int]  # the numbers of changes, by the keys of parts


@dataclass(frozen=True)
class Change:
    """One part that differs between two versions.

    Attributes:
        name: Name of the part, such as "constant RATE", "def GPT.forward", "class Block",
            "import math" or "top-level code near line 7".
        before: Its text in the older version; empty if the part was added.
        after: Its text in the newer version; empty if the part was removed.
    """

    name: str
    before: str
    after: str

    def describe(self) -> str:
        """The change in a few words, such as "0.1 -> 0.3" or "12 lines became 15"."""
        before, after = self.before.splitlines(), self.after.splitlines()
        if before == after:
            return "moved"
        if not before or not after:
            lines, word = (after, "added") if after else (before, "removed")
            return f"{len(lines)} lines {word}" if lines[1:] else f"{word}: {_shorten(lines[0])}"
        if len(before) == len(after) == 1:
            return " -> ".join(map(_shorten, _drop_what_is_equal(before[0], after[0])))
        return f"{len(before)} line{'s' * (len(before) > 1)} became {len(after)}"


def _drop_what_is_equal(before: str, after: str) -> tuple[str, str]:
    """Two lines without the name that both assign to, and without the remark that both end with."""
    name, sign, value = before.partition(" = ")
    other, _, new = after.partition(" = ")
    if sign and name == other:
        before, after = value, new
    first, second = REMARK.search(before), REMARK.search(after)
    if first and second and first[0].strip() == second[0].strip():
        before, after = before[: first.start()], after[: second.start()]
    return before, after


def _shorten(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."


@dataclass(frozen=True)
class _Slot:
    """A place in both versions, with the text of each; `change` is None where nothing changed."""

    before: str
    after: str
    change: int | None


@dataclass(frozen=True)
class PartDiff:
    """The changes from one version of a genome to another.

    Attributes:
        changes: All changes, in the order in which they stand in the texts.
    """

    changes: tuple[Change, ...]
    _slots: tuple[_Slot, ...] = field(repr=False)
    _lacks_newline: bool = field(repr=False)

    def revert(self, numbers: Collection[int]) -> str:
        """The newer version with some of its changes, by their numbers from 0, reverted."""
        text = "".join(
            slot.before if slot.change in numbers else slot.after for slot in self._slots
        )
        return text.removesuffix("\n") if self._lacks_newline else text


def compare_parts(older: str, newer: str, language: str) -> PartDiff:
    """Compare two versions of a genome part by part.

    Parts find each other by their names, as in a merge. Where parts without a name differ in one
    place, they are versions of each other if they are as many, else one change together. Comments
    and empty lines between the parts are those of the newer version.

    Args:
        older: Text of the older version.
        newer: Text of the newer version.
        language: Language of the genome; any but "python" is compared by paragraphs.

    Raises:
        ValueError: The language is Python and one of the texts is not.
    """
    builder = _Builder()
    if language == "python":
        builder.align(program("older version", older), program("newer version", newer))
    else:
        builder.align(paragraphs(older), paragraphs(newer))
    return builder.build(lacks_newline=lacks_newline(newer))


class _Builder:
    """Collects the changes, and the slots in their order, while lists of parts are aligned."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.slots: list[_Slot] = []

    def align(self, before: Sequence[Part], after: Sequence[Part]) -> None:
        """Align the parts of a module, a class or a text."""
        before, after = drop_ambiguous_keys(before, after)
        tokens = [part.token for part in before], [part.token for part in after]
        opcodes = SequenceMatcher(None, *tokens, autojunk=False).get_opcodes()
        differing = [(before[a:b], after[c:d]) for tag, a, b, c, d in opcodes if tag != "equal"]
        moved = self._number_moves(differing)
        for tag, a, b, c, d in opcodes:
            if tag == "equal":
                for one, other in zip(before[a:b], after[c:d], strict=True):
                    self._match(one, other)
            else:
                self._take_region(before[a:b], after[c:d], moved)

    def build(self, *, lacks_newline: bool) -> PartDiff:
        """The difference, its changes numbered in the order in which they stand in the texts."""
        order = dict.fromkeys(slot.change for slot in self.slots if slot.change is not None)
        numbers = {old: new for new, old in enumerate(order)}
        slots = (
            replace(slot, change=None if slot.change is None else numbers[slot.change])
            for slot in self.slots
        )
        return PartDiff(tuple(self.changes[old] for old in order), tuple(slots), lacks_newline)

    def _number_moves(self, regions: Sequence[tuple[Sequence[Part], Sequence[Part]]]) -> Numbers:
        """The changes of parts that stand elsewhere now, by their keys; all pure moves are one."""
        gone = {part.key: part for before, _ in regions for part in before if part.key}
        come = {part.key: part for _, after in regions for part in after if part.key in gone}
        moves = [part for key, part in come.items() if part.core == gone[key].core]
        numbers = {
            key: self._add_change(part.name, gone[key].core, part.core)
            for key, part in come.items()
            if part not in moves
        }
        if moves:
            order = self._add_change(f"order of {', '.join(part.name for part in moves)}", "", "")
            numbers |= {part.key: order for part in moves}
        return numbers

    def _match(self, before: Part, after: Part) -> None:
        """Take two versions of one part, which stand in the same place."""
        if before.core == after.core:
            self._place(after.gap, after.core, after.core)
        elif before.inner and after.inner:
            self._place(after.gap, after.comment, after.comment)
            self.align(before.inner, after.inner)
        else:
            change = self._add_change(after.name, before.core, after.core)
            self._place(after.gap, before.core, after.core, change)

    def _take_region(self, before: Sequence[Part], after: Sequence[Part], moved: Numbers) -> None:
        """Take the parts between two pairs of parts that match each other."""
        loose, others = ([part for part in parts if not part.key] for parts in (before, after))
        versions, joint = iter(loose), None
        if len(loose) != len(others):
            old, new = ("".join(part.core for part in parts) for parts in (loose, others))
            joint = self._add_change((others or loose)[0].name, old, new)

        def find_change(part: Part, old: str, new: str) -> int | None:
            if not part.key:
                return joint
            return moved[part.key] if part.key in moved else self._add_change(part.name, old, new)

        for part in before:
            if part.key or joint is not None:  # else it stands where its newer version does
                self._place(part.gap, part.core, "", find_change(part, part.core, ""))
        for part in after:
            if part.key or joint is not None:
                self._place(part.gap, "", part.core, find_change(part, "", part.core))
            else:
                self._match(next(versions), part)

    def _add_change(self, name: str, before: str, after: str) -> int:
        self.changes.append(Change(name, before, after))
        return len(self.changes) - 1

    def _place(self, gap: str, before: str, after: str, change: int | None = None) -> None:
        """Add a slot; empty lines stand before a text and vanish with it."""
        old, new = (gap + text if text or change is None else "" for text in (before, after))
        self.slots.append(_Slot(old, new, change))
