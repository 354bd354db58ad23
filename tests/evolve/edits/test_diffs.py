"""Unified diffs in a model's reply: placed by their lines, whatever their heads say."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evolve.edits import EditError, read_reply

SOURCE = """\
import os

WIDTH = 32  # units
RATE = 0.1


def step(x):
    y = x + 1
    if y:
        return y
    return x


def other(x):
    y = x + 1
    return y
"""
WIDER = SOURCE.replace("WIDTH = 32  # units", "WIDTH = 64")
HUNK = " import os\n \n-WIDTH = 32  # units\n+WIDTH = 64\n RATE = 0.1\n"
HEAD = "--- a/toy.py\n+++ b/toy.py\n"
LABELS = "IDEA: try it\nWHY: it helps\n\n"


def applied(diff: str, source: str = SOURCE) -> str:
    edit = read_reply(f"{LABELS}{diff}", source, genome="toy.py")
    assert (edit.idea, edit.why) == ("try it", "it helps")
    return edit.source


def refused(diff: str) -> str:
    with pytest.raises(EditError) as caught:
        read_reply(f"{LABELS}{diff}", SOURCE, genome="toy.py")
    return "; ".join(filter(None, (str(caught.value), caught.value.advice)))


def fenced(diff: str) -> str:
    return f"```diff\n{diff}```\n"


# -- what applies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        f"{HEAD}@@ -1,4 +1,4 @@\n",
        f"{HEAD}@@ -1,4 +1,4 @@ import os\n",
        f"diff --git a/toy.py b/toy.py\nindex 83db48f..bf269f4 100644\n{HEAD}@@ -1,4 +1,4 @@\n",
        f"{HEAD}@@\n",
        f"{HEAD}@@ ... @@\n",
        f"{HEAD}@@ -999,44 +7,1 @@\n",
        f"{HEAD}@@ -1 +1 @@\n",
        f"{HEAD}",
        "@@ -1,4 +1,4 @@\n",
        "--- genome 3\n+++ genome 8\n@@ -1,4 +1,4 @@\n",
        "--- original\n+++ updated\n@@ -1,4 +1,4 @@\n",
        "*** Begin Patch\n*** Update File: toy.py\n@@\n",
        "--- a/toy.py\t2024-01-01 00:00:00\n+++ b/toy.py\t2024-01-01 00:00:00\n@@ -1,4 +1,4 @@\n",
    ],
)
@pytest.mark.parametrize("form", ["```diff\n{}```\n", "```\n{}```\n", "~~~patch\n{}~~~\n", "{}"])
def test_heads_and_fences_as_models_write_them(head: str, form: str) -> None:
    assert applied(form.format(head + HUNK)) == WIDER


def test_a_diff_fence_needs_no_head_at_all() -> None:
    assert applied(fenced(HUNK)) == WIDER
    assert applied(fenced("-WIDTH = 32  # units\n+WIDTH = 64\n")) == WIDER


def test_several_hunks_with_wrong_numbers() -> None:
    diff = (
        f"{HEAD}@@ -90,3 +90,3 @@\n{HUNK}@@ -5,9 +2,3 @@ def step(x):\n     if y:\n"
        "-        return y\n+        return -y\n     return x\n"
    )
    expected = WIDER.replace("        return y\n", "        return -y\n")
    assert applied(fenced(diff)) == applied(diff) == expected


def test_what_stays_is_the_files_own() -> None:
    source = SOURCE.replace("RATE = 0.1\n", "RATE = 0.1  \t\n")
    assert applied(fenced(HUNK), source) == source.replace("WIDTH = 32  # units", "WIDTH = 64")


@pytest.mark.parametrize(
    "hunk",
    [
        "def step(x):\n-    y = x + 1\n+    y = x + 2\n    if y:\n",  # no space before what stays
        " def step(x):\n-y = x + 1\n+y = x + 2\n if y:\n",  # no indentation
        "   def step(x):\n-      y = x + 1\n+      y = x + 2\n       if y:\n",  # too much of it
        " def step(x):\n-\ty = x + 1\n+\ty = x + 2\n \tif y:\n",  # tabs
        "\n def step(x):\n\n-    y = x + 1\n+    y = x + 2\n     if y:\n",  # an empty line too many
        " RATE = 0.1\n def step(x):\n-    y = x + 1\n+    y = x + 2\n",  # two too few
    ],
)
def test_whitespace_that_models_get_wrong(hunk: str) -> None:
    expected = SOURCE.replace("    y = x + 1\n    if", "    y = x + 2\n    if")
    assert applied(fenced(f"@@\n{hunk}")) == expected


@pytest.mark.parametrize(
    ("head", "changed"),
    [("@@ -8 +8 @@", 1), ("@@ -15,1 +15,1 @@", 2), ("@@ def other(x):", 2), ("@@ def step(x):", 1)],
)
def test_of_several_places_the_head_tells_which(head: str, changed: int) -> None:
    edited = applied(fenced(f"{head}\n-    y = x + 1\n+    y = 2\n"))
    first, second = re.findall(r"y = .*", edited)
    assert (first, second) == (("y = 2", "y = x + 1") if changed == 1 else ("y = x + 1", "y = 2"))


def test_of_several_places_the_one_below_the_hunk_before_is_meant() -> None:
    hunks = "@@\n-    if y:\n+    if y > 0:\n@@\n-    y = x + 1\n+    y = 2\n"
    assert applied(fenced(hunks)).endswith("def other(x):\n    y = 2\n    return y\n")


def test_prose_after_a_diff_is_no_part_of_it() -> None:
    after = "\n- this widens it\n- and nothing else\n\nIn a table:\n\n+ more\n"
    assert applied(f"{HEAD}@@ -1,4 +1,4 @@\n{HUNK}{after}") == WIDER
    edit = read_reply(f"{HEAD}@@ -1,4 +1,4 @@\n{HUNK}- IDEA: wider\n- WHY: more room\n", SOURCE)
    assert (edit.source, edit.idea, edit.why) == (WIDER, "wider", "more room")


def test_windows_line_ends_of_the_file_stay() -> None:
    source = SOURCE.replace("\n", "\r\n")
    assert applied(fenced(HUNK), source) == WIDER.replace("\n", "\r\n")
    assert applied(fenced(HUNK).replace("\n", "\r\n"), source) == WIDER.replace("\n", "\r\n")


def test_a_mark_for_a_missing_line_end_is_no_line() -> None:
    diff = "@@ -1,2 +1,2 @@\n A = 1\n-B = 2\n\\ No newline at end of file\n+B = 3\n"
    assert applied(fenced(diff), "A = 1\nB = 2") == "A = 1\nB = 3"


# -- what does not --------------------------------------------------------------------------------


def test_a_hunk_without_a_place_is_told_with_the_closest_lines() -> None:
    diff = fenced(f"@@ -1,4 +1,4 @@\n{HUNK}@@ -8,1 +8,1 @@\n-    if z > y:\n+    if z:\n")
    with pytest.raises(EditError) as caught:
        read_reply(LABELS + diff, SOURCE)
    assert str(caught.value).startswith(
        "hunk 2 of the diff is not in the file; it comes closest to"
    )
    assert caught.value.quotation == "    if y:"


def test_a_hunk_with_several_places_is_refused() -> None:
    assert "hunk 1 of the diff stands in 2 places (lines 8, 15)" in refused(
        fenced("@@ -3 +3 @@\n-    y = x + 1\n+    y = 2\n")
    )


@pytest.mark.parametrize("hunk", ["@@ -3,0 +4,1 @@\n+DEPTH = 4\n", "+DEPTH = 4\n"])
def test_new_lines_without_a_line_to_stand_by_are_refused(hunk: str) -> None:
    assert "hunk 1 of the diff is empty; quote" in refused(fenced(hunk))


@pytest.mark.parametrize(
    "head", ["--- a/given.py\n+++ b/given.py\n", "*** Update File: given.py\n"]
)
def test_a_diff_of_another_file_is_refused_as_a_whole(head: str) -> None:
    expected = "the reply changes .*given.py, but only toy.py may be changed"
    assert re.search(expected, refused(fenced(f"{head}@@\n{HUNK}")))
    both = f"{HEAD}@@ -1,4 +1,4 @@\n{HUNK}{head}@@ -1 +1 @@\n-GOAL = 1\n+GOAL = 2\n"
    assert re.search(expected, refused(fenced(both)))
    assert re.search(expected, refused(both))


def test_a_diff_that_prose_interrupts_is_not_applied_in_part() -> None:
    diff = f"@@ -1,4 +1,4 @@\n{HUNK}def step(x):\n-    y = x + 1\n+    y = x + 2\n"
    assert "within the diff" in refused(diff)
    assert applied(fenced(diff)) == WIDER.replace("y = x + 1\n    if", "y = x + 2\n    if")


def test_a_diff_that_changes_nothing_or_is_cut_is_refused() -> None:
    assert "changes nothing" in refused(fenced(" import os\n"))
    assert "changes nothing" in refused(fenced("-import os\n+import os\n"))
    assert "not closed" in refused(f"```diff\n{HUNK}")


# -- whatever comes -------------------------------------------------------------------------------

lines = st.lists(
    st.text("ab =#-+@\\ \t(){}`<>\u2028\x0c", max_size=6)
    | st.sampled_from(["-- a", "++ a", "@@ -1 +1 @@", "```", "```diff", "--- a", "+++ a", ""]),
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(lines, lines, st.sampled_from([1, 2, 3, 99]), st.booleans())
@example(["-- a"], ["++ a"], 1, False)
@example([], ["a"], 3, True)
@example(["", ""], ["", "a", ""], 3, True)
@example(["a", "a", "a"], ["a", "b", "a", "a"], 1, True)
def test_what_difflib_writes_gives_the_new_text(
    old: list[str], new: list[str], context: int, with_fence: bool
) -> None:
    before, after = ("".join(f"{line}\n" for line in text) for text in (old, new))
    assume(before != after)
    head = ("a/toy.py", "b/toy.py")
    diff = "\n".join(difflib.unified_diff(old, new, *head, n=context, lineterm="")) + "\n"
    assert applied(fenced(diff) if with_fence else diff, before) == after


@settings(max_examples=300, deadline=None)
@given(lines, lines, st.integers(0, 14), st.integers(0, 99), st.integers(0, 99))
def test_wrong_numbers_do_not_matter_where_every_line_differs(
    old: list[str], more: list[str], place: int, number: int, count: int
) -> None:
    old = [f"{number} {line}" for number, line in enumerate(old)]
    new = [*old[:place], *more, *old[place + 2 :]]
    before, after = ("".join(f"{line}\n" for line in text) for text in (old, new))
    assume(before != after)
    diff = "\n".join(difflib.unified_diff(old, new, n=1, lineterm="")) + "\n"
    wrong = re.sub(r"^@@ .* @@$", f"@@ -{number},{count} +{number},{count} @@", diff, flags=re.M)
    assert applied(fenced(wrong), before) == after
