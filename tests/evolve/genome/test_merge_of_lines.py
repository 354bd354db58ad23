"""Merges of what has no parts: prose, and the lines within a part, which git merges."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome.merge import merge


def changed(*edits: tuple[str, str], of: str) -> str:
    for old, new in edits:
        assert of.count(old) == 1, old
        of = of.replace(old, new)
    return of


def test_prose_is_merged_by_paragraphs() -> None:
    base = "# Title\n\nThe first paragraph.\n\nThe second one has\ntwo lines.\n\nThe third.\n"
    first = changed(
        ("The first p", "A first p"), ("The third.\n", "The third.\n\nA fourth"), of=base
    )
    second = changed(("two lines", "more than\ntwo lines"), ("# Title", "# A title"), of=base)
    result = merge(base, first, second, "prose")
    assert result.conflicts == ()
    assert result.source == (
        "# A title\n\nA first paragraph.\n\nThe second one has\nmore than\ntwo lines.\n\n"
        "The third.\n\nA fourth"
    )
    assert result.from_second == ("text near line 1", "text near line 5")

    rival = changed(("The first p", "Another p"), ("The third.", "The last."), of=base)
    result = merge(base, first, rival, "prose")
    assert [conflict.name for conflict in result.conflicts] == ["text near line 3"]
    assert "A first p" in result.source


def test_a_text_with_characters_of_binary_files_is_merged_as_any_other() -> None:
    base = "a\0\nb\nc\nd\n"
    first, second = base.replace("a", "x"), base.replace("c", "y\ud800")
    result = merge(base, first, second, "prose")
    assert (result.source, result.conflicts) == ("x\0\nb\ny\ud800\nd\n", ())


# -- the merge of lines is git's ------------------------------------------------------------------


def merge_by_git(folder: Path, base: str, first: str, second: str) -> tuple[str, bool]:
    """What `git merge-file` makes of three texts, and whether nothing conflicts."""
    for name, text in (("base", base), ("first", first), ("second", second)):
        (folder / name).write_bytes(text.encode())
    command = ["git", "merge-file", "-p", "--ours", "first", "base", "second"]
    merged = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    command[3] = "--diff3"
    clean = subprocess.run(command, cwd=folder, capture_output=True).returncode == 0
    return merged.decode(), clean


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 8),
    st.integers(0, 8),
    st.sampled_from(["", "n\n", "n\nm\n"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_lines_of_a_part_are_merged_as_git_merges_them(
    tmp_path_factory: pytest.TempPathFactory,
    ours: int,
    theirs: int,
    new: str,
    end: str,
    ends: bool,
) -> None:
    """Each side replaces a line of nine, maybe the same one or its neighbour."""
    lines = [f"line {number}\n" for number in range(9)]
    versions = [lines, [*lines], [*lines]]
    versions[1][ours], versions[2][theirs] = "ours\n", new
    base, first, second = (
        ("".join(version) if ends else "".join(version).removesuffix("\n")).replace("\n", end)
        for version in versions
    )
    result = merge(base, first, second, "prose")
    text, clean = merge_by_git(tmp_path_factory.mktemp("git"), base, first, second)
    assert (result.source, not result.conflicts) == (text, clean)
