"""Unified diffs as models write them: with or without heads, often with wrong line counts."""

from __future__ import annotations

import re

from evolve.edits.mismatch import EditError
from evolve.edits.patches import MAX_CHANGES, Change, Line

HUNK = re.compile(
    r"@@+ *(?:-(?P<old>\d{1,9})(?:,(?P<old_count>\d{1,9}))? *"
    r"\+(?P<new>\d{1,9})(?:,(?P<new_count>\d{1,9}))? *)?(?P<rest>.*)"
)
PATCH_MARK = re.compile(r"\*\*\* (?:Begin|End|Update|Add|Delete|Move)\b")
PATCHED = re.compile(r"\*\*\* (?:Update|Add|Delete) File: *(?P<path>.*)")
FILE = re.compile(r"(?!/dev/null)\S*[^\s./]\.\w+")
HEADS = ("@@ ", "diff --git ", "*** Begin Patch", "*** Update File: ")
GIT_LINE = re.compile(r"diff --git |index [0-9a-f]{4,}\.\.|(?:new|deleted) file mode |Index: ")


def is_diff(lines: list[str]) -> bool:
    """Whether lines begin a diff."""
    lines = [line for line in lines if line.strip()][:2]
    first = lines[0] if lines else ""
    headed = len(lines) > 1 and first.startswith("--- ") and lines[1].startswith("+++ ")
    return headed or first == "@@" or first.startswith(HEADS)


def is_mark(line: str) -> bool:
    """Whether a line stands between the hunks of a diff and belongs to none."""
    return bool(PATCH_MARK.match(line) or GIT_LINE.match(line))


def read_diff(lines: list[str], first: int = 1) -> tuple[list[Change], list[str]]:
    """Read the hunks of a diff, and the files that it names; "original" and the like name none.

    Args:
        lines: Lines of the diff, from its head or its first hunk on.
        first: Number of its first hunk in messages.

    Raises:
        EditError: The diff has too many hunks.
    """
    diff = _Diff(first)
    head = 0  # lines of a file's head that are yet to come
    for number, line in enumerate(lines):
        if not diff.expects and line.startswith("--- "):
            head = 2 * (number + 1 < len(lines) and lines[number + 1].startswith("+++ "))
        if head:
            head -= 1
            diff.end()
            diff.names.append(_read_path(line))
        elif line.startswith("@@"):
            diff.end()
            diff.begin(line)
        elif not diff.expects and is_mark(line):
            diff.end()
            if patched := PATCHED.match(line):
                diff.names.append(patched["path"].strip())
        elif not line.startswith("\\"):
            diff.add(line)
    diff.end()
    return diff.changes, [name for name in diff.names if FILE.fullmatch(name)]


def _read_path(line: str) -> str:
    return line[4:].split("\t")[0].strip().strip('"')


class _Diff:
    """Collects the lines of one hunk after the other.

    Args:
        first: Number of the first hunk in messages.

    Attributes:
        changes: Changes of the hunks that have ended.
        names: Files that the diff names.
    """

    def __init__(self, first: int) -> None:
        self.changes: list[Change] = []
        self.names: list[str] = []
        self._first = first
        self._heads = 0
        self._clear()

    def _clear(self) -> None:
        self._lines: list[str] = []
        self._empty = 0  # empty lines at the end, which may belong to the hunk or stand below it
        self._start: int | None = None
        self._old = self._new = 0  # lines that the hunk's head promises and that are yet to come
        self._heading = ""

    @property
    def expects(self) -> bool:
        """Whether the hunk's head promises more lines, so that a line like a head is none."""
        return self._old > 0 or self._new > 0

    def begin(self, head: str) -> None:
        """Begin a hunk with its head."""
        self._heads += 1
        if self._heads > MAX_CHANGES:
            raise EditError(
                f"the diff has more than {MAX_CHANGES} hunks", advice="give the whole file"
            )
        found = HUNK.match(head)
        assert found
        if found["old"] is not None:
            self._old, self._new = int(found["old_count"] or 1), int(found["new_count"] or 1)
            self._start = max(int(found["old"]) - 1, 0)
        self._heading = found["rest"].replace("@@", "").strip()

    def add(self, line: str) -> None:
        """Add a line to the hunk."""
        if not line and not self.expects:
            self._empty += 1
            return
        self._lines += [""] * self._empty + [line]
        self._empty = 0
        self._old -= not line.startswith("+")
        self._new -= not line.startswith("-")

    def end(self) -> None:
        """End the hunk, and make a change of it if it changes anything."""
        while self._lines[-1:] == [""]:
            self._lines.pop()
        if any(line.startswith(("+", "-")) for line in self._lines):
            number = self._first + len(self.changes)
            readings = (
                tuple(_split_sign(line, strict) for line in self._lines) for strict in (True, False)
            )
            self.changes.append(
                Change(
                    f"hunk {number} of the diff",
                    tuple(dict.fromkeys(readings)),
                    self._start,
                    self._heading,
                    ordered=True,
                )
            )
        self._clear()


def _split_sign(line: str, strict: bool) -> Line:
    """Split a line of a hunk into sign and text.

    Args:
        line: Line of the hunk.
        strict: Whether a space at its beginning is a sign; models forget it before kept lines.
    """
    if line.startswith(("+", "-")):
        return line[0], line[1:]
    return " ", line[1:] if strict and line.startswith(" ") else line
