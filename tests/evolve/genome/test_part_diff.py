"""Two versions of a genome, part by part: what differs, and each change reverted alone."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.genome.part_diff import PartDiff, compare_parts
from evolve.genome.screening import identify

OLD = """\
import math

# how fast
RATE = 0.1  # per step
WIDTH = 32
BETAS = (0.9, 0.95)


class Model:
    depth = 2

    def forward(self, x):
        return x * WIDTH

    def name(self):
        return "model"


def schedule(step):
    return RATE


for step in range(3):
    print(schedule(step))
"""
NEW = """\
import math

# how fast
RATE = 0.3  # per step
WARMUP = 10
BETAS = (0.9, 0.99)


class Model:
    depth = 2

    def forward(self, x):
        y = x * 2
        return y

    def name(self):
        return "model"

    def size(self):
        return 1


def schedule(step):
    return RATE * min(1, step / WARMUP)


for step in range(3):
    print("step", schedule(step))
"""


def exact(text: str, language: str = "python") -> str:
    return identify(text, language).exact


def words(diff: PartDiff) -> dict[str, str]:
    return {change.name: change.describe() for change in diff.changes}


def test_every_part_that_differs_is_a_change_in_words() -> None:
    assert words(compare_parts(OLD, NEW, "python")) == {
        "constant RATE": "0.1 -> 0.3",
        "constant WIDTH": "removed: WIDTH = 32",
        "constant WARMUP": "added: WARMUP = 10",
        "constant BETAS": "(0.9, 0.95) -> (0.9, 0.99)",
        "def Model.forward": "1 line became 2",
        "def Model.size": "2 lines added",
        "def schedule": "return RATE -> return RATE * min(1, step / WARMUP)",
        "top-level code near line 27": 'print(schedule(step)) -> print("step", schedule(step))',
    }


def test_each_change_is_reverted_alone() -> None:
    diff = compare_parts(OLD, NEW, "python")
    names = [change.name for change in diff.changes]

    def without(*reverted: str) -> str:
        return diff.revert({names.index(name) for name in reverted})

    assert without() == NEW
    assert without("constant RATE") == NEW.replace("RATE = 0.3", "RATE = 0.1")
    assert without("constant WARMUP") == NEW.replace("WARMUP = 10\n", "")
    assert "WIDTH = 32\n" in without("constant WIDTH")
    assert without("def Model.forward") == NEW.replace(
        "        y = x * 2\n        return y\n", "        return x * WIDTH\n"
    )
    assert without("def Model.size") == NEW.replace(
        "\n    def size(self):\n        return 1\n", "", 1
    )
    assert exact(without(*names)) == exact(OLD)


def test_a_comment_or_an_empty_line_alone_is_not_part_of_the_program() -> None:
    diff = compare_parts("A = 1\n", "\n\n# a comment above\n\nA = 1\n\n", "python")
    assert exact(diff.revert(range(len(diff.changes)))) == exact("A = 1\n")
    diff = compare_parts("A = 1\nB = 2\n", "A = 1\n\n\nB = 2\n", "python")
    assert diff.changes == ()


def test_parts_that_only_moved_are_one_change() -> None:
    old, new = "A = 1\nB = 2\nC = 3\nD = 4\n", "C = 3\nD = 4\nA = 1\nB = 2\n"
    diff = compare_parts(old, new, "python")
    (change,) = diff.changes
    assert change.name.startswith("order of constant")
    assert change.describe() == "moved"
    assert diff.revert({0}) == old


def test_a_part_that_moved_and_changed_goes_back_to_its_place_with_its_text() -> None:
    old = "A = 1\n\n\ndef f():\n    return 1\n\n\nB = 2\nC = 3\n"
    new = "A = 1\nB = 2\nC = 3\n\n\ndef f():\n    return 2\n"
    diff = compare_parts(old, new, "python")
    assert [change.name for change in diff.changes] == ["def f"]
    assert exact(diff.revert({0})) == exact(old)


def test_prose_differs_by_paragraphs() -> None:
    old = "One.\n\nTwo.\n\nThree.\n\nFour."
    new = "One!\n\nTwo.\n\nThree.\nAnd a half.\n\nFour.\n\nFive."
    diff = compare_parts(old, new, "prose")
    assert [change.describe() for change in diff.changes] == [
        "One. -> One!",
        "added: And a half.",
        "added: Five.",
    ]
    assert diff.revert({0, 2}) == "One.\n\nTwo.\n\nThree.\nAnd a half.\n\nFour."
    assert diff.revert({1}) == "One!\n\nTwo.\n\nThree.\n\nFour.\n\nFive."


def test_among_more_paragraphs_the_one_with_its_words_is_the_new_version() -> None:
    old = "A.\n\nthe sun is hot today.\n\nC.\n"
    new = "A.\n\nx.\n\nthe sun is cold today.\n\ny.\n\nC.\n"
    diff = compare_parts(old, new, "prose")
    assert [change.describe() for change in diff.changes] == [
        "added: x.",
        "the sun is hot today. -> the sun is cold today.",
        "added: y.",
    ]
    assert diff.revert({0, 2}) == "A.\n\nthe sun is cold today.\n\nC.\n"
    assert diff.revert({0, 1, 2}) == old


def test_paragraphs_in_the_place_of_others_that_have_no_word_of_theirs_are_new() -> None:
    diff = compare_parts("A.\n\nold.\n\nC.\n", "A.\n\nx.\n\ny.\n\nC.\n", "prose")
    assert [change.describe() for change in diff.changes] == [
        "removed: old.",
        "added: x.",
        "added: y.",
    ]
    assert diff.revert({0, 1}) == "A.\n\nold.\n\ny.\n\nC.\n"


def test_another_language_is_compared_by_paragraphs() -> None:
    diff = compare_parts("int a;\n\nint b;\n", "int a;\n\nint c;\n", "c")
    assert diff.revert({0}) == "int a;\n\nint b;\n"


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(ValueError, match="older version"):
        compare_parts("def", "A = 1\n", "python")


# -- any two programs -----------------------------------------------------------------------------

constants = st.builds("{} = {}\n".format, st.sampled_from("ABCDE"), st.integers(0, 2))
functions = st.builds(
    "\n\ndef {}(x):\n    return x + {}\n".format, st.sampled_from("fgh"), st.integers(0, 2)
)
methods = st.lists(
    st.builds(
        "\n    def {}(self):\n        return {}\n".format,
        st.sampled_from("mno"),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
).map("".join)
classes = st.builds("\n\nclass {}:{}".format, st.sampled_from("XY"), methods)
blocks = st.builds("for i in range({}):\n    print(i + {})\n".format, *[st.integers(1, 2)] * 2)
code = st.sampled_from(["print(1)\n", "print(2)\n", "# a remark\n", "\n", "import os\n"])
programs = st.lists(constants | functions | classes | blocks | code, max_size=8).map("".join)


@given(programs, programs)
def test_all_changes_reverted_give_the_older_version_and_none_the_newer(old: str, new: str) -> None:
    diff = compare_parts(old, new, "python")
    assert diff.revert(()) == new
    reverted = diff.revert(range(len(diff.changes)))
    assert ast.dump(ast.parse(reverted)) == ast.dump(ast.parse(old))


@given(programs, programs, st.sets(st.integers(0, 9)))
def test_reversals_do_not_touch_other_parts(old: str, new: str, numbers: set[int]) -> None:
    """Every line of the result is one of the version that it was to be taken from."""
    diff = compare_parts(old, new, "python")
    text = diff.revert(numbers)
    for number, change in enumerate(diff.changes):
        kept = change.before if number in numbers else change.after
        assert all(line in text.splitlines() for line in kept.splitlines())


paragraphs = st.lists(st.sampled_from(["a.", "b.", "c.\nd.", "e."]), max_size=6).map("\n\n".join)


@given(paragraphs, paragraphs, st.booleans())
def test_so_do_those_of_a_text(old: str, new: str, ends: bool) -> None:
    new += "\n" * (ends and new != "")
    diff = compare_parts(old, new, "prose")
    assert diff.revert(()) == new
    assert exact(diff.revert(range(len(diff.changes))), "prose") == exact(old, "prose")
