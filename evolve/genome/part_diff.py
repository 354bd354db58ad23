"""How two versions of a genome differ, part by part: each change can be reverted alone.

The parts are those of a merge: constants, definitions, methods and blocks of code in Python,
paragraphs in any other text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import takewhile

from evolve.genome.parts import (
    Part,
    drop_ambiguous_keys,
    lacks_newline,
    split_paragraphs,
    split_program,
)

ALIKE = 0.5  # share of words that two versions of a part without a name have in common, at least
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
        """The change in a few words, such as "0.1 -> 0.3", or "3 lines became 5"."""
        before, after = self.before.splitlines(), self.after.splitlines()
        if before == after:
            return "moved"
        before, after = _drop_equal_ends(before, after)
        if len(before) == len(after) == 1:
            return " -> ".join(map(_shorten, _drop_equal_words(before[0], after[0])))
        if not before or not after:
            lines, word = (after, "added") if after else (before, "removed")
            return f"{len(lines)} lines {word}" if lines[1:] else f"{word}: {_shorten(lines[0])}"
        return f"{len(before)} line{'s' * (len(before) > 1)} became {len(after)}"


def _drop_equal_ends(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The lines or words of two texts without those with which both begin and end."""
    for step in (1, -1):
        same = takewhile(
            lambda pair: pair[0] == pair[1], zip(before[::step], after[::step], strict=False)
        )
        count = sum(1 for _ in same)
        before, after = before[::step][count:][::step], after[::step][count:][::step]
    return before, after


def _drop_equal_words(before: str, after: str) -> tuple[str, str]:
    """Two lines without the name that both assign to and the remark that both end with.

    Of long lines only what lies between their equal ends is left.
    """
    name, sign, value = before.partition(" = ")
    other, _, new = after.partition(" = ")
    if sign and name == other:
        before, after = value, new
    first, second = REMARK.search(before), REMARK.search(after)
    if first and second and first[0].strip() == second[0].strip():
        before, after = before[: first.start()], after[: second.start()]
    if max(len(before), len(after)) > SHOWN:
        ends = _drop_equal_ends(before.split(), after.split())
        before, after = (" ".join(["...", *words]) for words in ends)
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
    _by_paragraphs: bool = field(repr=False)
    _lacks_newline: bool = field(repr=False)

    def revert(self, numbers: Collection[int]) -> str:
        """The newer version with some of its changes, by their numbers from 0, reverted."""
        text = ""
        for slot in self._slots:
            part = slot.before if slot.change in numbers else slot.after
            if self._by_paragraphs and part.strip() and _touch(text, part):
                text += "\n"
            text += part
        return text.removesuffix("\n") if self._lacks_newline else text


def _touch(text: str, part: str) -> bool:
    """Whether no empty line is between two paragraphs."""
    return bool(text and text.splitlines()[-1].strip() and part.splitlines()[0].strip())


def compare_parts(older: str, newer: str, language: str) -> PartDiff:
    """Compare two versions of a genome part by part.

    Parts find each other by their names, as in a merge; those without a name by their place or
    their words. Empty lines are those of the newer version.

    Args:
        older: Text of the older version.
        newer: Text of the newer version.
        language: Language of the genome; any but "python" is compared by paragraphs.

    Raises:
        ValueError: The language is Python and one of the texts is not.
    """
    builder = _Builder()
    if language == "python":
        builder.align(split_program("older version", older), split_program("newer version", newer))
    else:
        builder.align(split_paragraphs(older), split_paragraphs(newer))
    changes, slots = builder.number_changes()
    return PartDiff(changes, slots, language != "python", lacks_newline(newer))


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

    def number_changes(self) -> tuple[tuple[Change, ...], tuple[_Slot, ...]]:
        """The changes in the order in which they stand in the texts, and the slots."""
        order = dict.fromkeys(slot.change for slot in self.slots if slot.change is not None)
        numbers = {old: new for new, old in enumerate(order)}
        slots = (
            replace(slot, change=None if slot.change is None else numbers[slot.change])
            for slot in self.slots
        )
        return tuple(self.changes[old] for old in order), tuple(slots)

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
        versions = _pair_versions(before, after)
        gone = deque(before)

        def find_change(part: Part, old: str, new: str) -> int:
            if part.key in moved:
                return moved[part.key]
            where = "" if part.key or new else " of the older version"  # where its line is counted
            return self._add_change(part.name + where, old, new)

        def take_gone(end: Part | None) -> None:
            while gone and gone[0] is not end:
                part = gone.popleft()
                self._place(part.gap, part.core, "", find_change(part, part.core, ""))

        take_gone(versions[min(versions)] if versions else None)
        for place, part in enumerate(after):
            if place in versions:
                take_gone(versions[place])
                self._match(gone.popleft(), part)
            else:
                self._place(part.gap, "", part.core, find_change(part, "", part.core))
        take_gone(None)

    def _add_change(self, name: str, before: str, after: str) -> int:
        self.changes.append(Change(name, before, after))
        return len(self.changes) - 1

    def _place(self, gap: str, before: str, after: str, change: int | None = None) -> None:
        """Add a slot; empty lines stand before a text and vanish with it."""
        old, new = (gap + text if text or change is None else "" for text in (before, after))
        self.slots.append(_Slot(old, new, change))


def _pair_versions(before: Sequence[Part], after: Sequence[Part]) -> dict[int, Part]:
    """The older versions of parts that have no key, by the places of the newer ones.

    As many as came for as many that went are versions of each other, in their order. Else those
    are whose words are alike, so that they are most alike in all and keep their order.
    """
    old = [part for part in before if not part.key]
    new = [(place, part) for place, part in enumerate(after) if not part.key]
    if len(old) == len(new):
        return {place: part for (place, _), part in zip(new, old, strict=True)}
    likeness = [[_measure_likeness(one, other) for _, other in new] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]  # of all from there on
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], likeness[i][j] + best[i + 1][j + 1])
    pairs: dict[int, Part] = {}
    i = j = 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs[new[j][0]] = old[i]
            i, j = i + 1, j + 1
    return pairs


def _measure_likeness(one: Part, other: Part) -> float:
    """How much of the words of two parts is the same, 0 to 1; too little is 0."""
    words = one.core.split(), other.core.split()
    ratio = SequenceMatcher(None, *words, autojunk=False).ratio()
    return ratio if ratio >= ALIKE else 0.0
