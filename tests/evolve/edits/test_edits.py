"""Replies of a model: what applies, what does not and why, and that nothing else is ever raised."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evolve.edits import EditError, read_reply

SOURCE = """\
import os

WIDTH = 32
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


def block(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def reply(*blocks: str, idea: str = "IDEA: try it\nWHY: it helps\n") -> str:
    return idea + "\n".join(blocks)


def applied(*blocks: str, source: str = SOURCE) -> str:
    return read_reply(reply(*blocks), source).source


def refused(text: str, source: str = SOURCE) -> str:
    with pytest.raises(EditError) as caught:
        read_reply(text, source)
    return "; ".join(filter(None, (str(caught.value), caught.value.advice)))


# -- what applies ---------------------------------------------------------------------------------


def test_exact_block_with_idea_and_reason() -> None:
    edit = read_reply(reply(block("WIDTH = 32\n", "WIDTH = 64\n")), SOURCE)
    assert edit.source == SOURCE.replace("WIDTH = 32", "WIDTH = 64")
    assert (edit.idea, edit.why) == ("try it", "it helps")


@pytest.mark.parametrize(
    ("idea", "expected"),
    [
        ("**IDEA:** a *bold* one\n", "a *bold* one"),
        ("## Idea: a heading\n", "a heading"),
        ("- IDEA:   spaces   within \n", "spaces within"),
        ("> IDEA: quoted\n", "quoted"),
        ("IDEA: `code`\n", "code"),
        ("IDEA: " + "long " * 100 + "\n", "long " * 31 + "lo..."),
        ("IDEA: red \x1b[31m bell \x07 null \x00 end\n", "red bell null end"),
    ],
)
def test_ideas_as_models_write_them(idea: str, expected: str) -> None:
    edit = read_reply(reply(block("WIDTH = 32\n", "WIDTH = 64\n"), idea=idea), SOURCE)
    assert edit.idea == expected


def test_an_idea_inside_a_block_is_not_the_idea() -> None:
    text = reply(block("WIDTH = 32\n", "# IDEA: not this one\nWIDTH = 64\n"), idea="")
    assert "IDEA" in refused(text)


def test_blocks_apply_in_their_order() -> None:
    first, second = block("WIDTH = 32\n", "WIDTH = 64\n"), block("WIDTH = 64\n", "WIDTH = 65\n")
    assert "WIDTH = 65" in applied(first, second)
    assert "block 1" in refused(reply(second, first))


def test_deletion_and_insertion() -> None:
    assert applied(block("RATE = 0.1\n", "")) == SOURCE.replace("RATE = 0.1\n", "")
    assert applied(block("RATE = 0.1\n", "RATE = 0.1\nDEPTH = 4\n")) == SOURCE.replace(
        "RATE = 0.1\n", "RATE = 0.1\nDEPTH = 4\n"
    )


@pytest.mark.parametrize("fence", ["```python\n{}```\n", "```\n{}```\n", "{}"])
@pytest.mark.parametrize(
    "marks", ["<<<<<<< SEARCH|=======|>>>>>>> REPLACE", "<<<<<SEARCH|=====|>>>>>REPLACE"]
)
def test_blocks_in_fences_and_with_other_marks(fence: str, marks: str) -> None:
    opening, middle, closing = marks.split("|")
    text = f"{opening}\nWIDTH = 32\n{middle}\nWIDTH = 64\n{closing}\n"
    assert "WIDTH = 64" in applied(fence.format(text))


def test_trailing_whitespace_does_not_count() -> None:
    source = SOURCE.replace("WIDTH = 32\n", "WIDTH = 32  \t\n")
    assert "WIDTH = 64\nRATE" in applied(
        block("WIDTH = 32\nRATE = 0.1 \n", "WIDTH = 64\nRATE = 1\n"), source=source
    )


def test_an_exact_match_wins_over_one_without_trailing_whitespace() -> None:
    source = "A = 1 \nB = 2\nA = 1\n"
    assert applied(block("A = 1\n", "A = 3\n"), source=source) == "A = 1 \nB = 2\nA = 3\n"


def test_a_block_without_its_indentation_is_shifted_as_a_whole() -> None:
    quoted = block("if y:\n    return y\nreturn x\n", "if y > 0:\n    return -y\nreturn 0\n")
    expected = SOURCE.replace("if y:", "if y > 0:").replace(
        "        return y\n", "        return -y\n"
    )
    assert applied(quoted) == expected.replace("    return x\n", "    return 0\n")


def test_too_much_indentation_is_shifted_back() -> None:
    assert "\nRATE = 0.2\n" in applied(block("    RATE = 0.1\n", "    RATE = 0.2\n"))


def test_windows_line_ends_in_the_reply() -> None:
    text = reply(block("WIDTH = 32\nRATE = 0.1\n", "WIDTH = 64\nRATE = 0.2\n"))
    edit = read_reply(text.replace("\n", "\r\n"), SOURCE)
    assert edit.source == SOURCE.replace("WIDTH = 32\nRATE = 0.1", "WIDTH = 64\nRATE = 0.2")


def test_windows_line_ends_in_the_genome_stay() -> None:
    source = SOURCE.replace("\n", "\r\n")
    edited = applied(block("WIDTH = 32\n", "WIDTH = 64\nDEPTH = 4\n"), source=source)
    assert edited == source.replace("WIDTH = 32\r\n", "WIDTH = 64\r\nDEPTH = 4\r\n")


def test_the_last_line_needs_no_line_end() -> None:
    assert applied(block("B = 2\n", "B = 3\n"), source="A = 1\nB = 2") == "A = 1\nB = 3"


def test_characters_that_only_look_like_line_ends_are_kept() -> None:
    source = 'A = "x\x0cy\u2028z"\nB = 1\n'
    assert applied(block("B = 1\n", "B = 2\n"), source=source) == source.replace("B = 1", "B = 2")
    edited = applied(block(source.split("\n")[0] + "\n", 'A = "p\x0bq\x85r"\n'), source=source)
    assert edited == 'A = "p\x0bq\x85r"\nB = 1\n'


def test_a_whole_file_in_a_fence() -> None:
    whole = SOURCE.replace("32", "48")
    snippet = "```python\nWIDTH = 48\n```\n"
    edit = read_reply(reply(f"{snippet}and all of it:\n```python\n{whole}```\n"), SOURCE)
    assert edit.source == whole


# -- what does not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("search", "where", "quotation"),
    [
        ("WIDTH = 31\nRATE = 0.1\n", "lines 3 to 4", "WIDTH = 32\nRATE = 0.1"),
        ("y = x + 2\nif y > 0:\n", "lines 8 to 9", "    y = x + 1\n    if y:"),
        ("    retrun y\n", "line 10", "        return y"),
        ("def another(x):\n    y = x + 3\n", "lines 14 to 15", "def other(x):\n    y = x + 1"),
    ],
)
def test_a_missing_text_is_told_with_the_closest_lines(
    search: str, where: str, quotation: str
) -> None:
    with pytest.raises(EditError) as caught:
        read_reply(reply(block(search, "x\n")), SOURCE)
    message = f"the SEARCH part of block 1 is not in the file; it comes closest to {where}"
    assert str(caught.value) == message
    assert caught.value.quotation == quotation


def test_a_text_unlike_any_other_is_told_to_be_quoted() -> None:
    assert "exactly as they stand" in refused(reply(block("nothing like that at all ###\n", "x\n")))
    assert "more lines than the file" in refused(reply(block("x\n" * 99, "y\n")))


def test_an_ambiguous_text_is_told_with_its_places() -> None:
    message = refused(reply(block("    y = x + 1\n", "    y = 2\n")))
    assert "stands in 2 places (lines 8, 15)" in message
    edited = applied(block("def other(x):\n    y = x + 1\n", "def other(x):\n    y = 2\n"))
    assert edited.count("y = x + 1") == 1


@pytest.mark.parametrize("search", ["", "\n", "   \n\n"])
def test_an_empty_search_is_refused(search: str) -> None:
    assert "SEARCH part of block 1 is empty" in refused(reply(block(search, "WIDTH = 64\n")))


@pytest.mark.parametrize(
    "broken",
    [
        "<<<<<<< SEARCH\nWIDTH = 32\n=======\nWIDTH = 64\n",
        "<<<<<<< SEARCH\nWIDTH = 32\n>>>>>>> REPLACE\n",
        "<<<<<<< SEARCH\nWIDTH = 32\n=======\nWIDTH = 64\n" + block("RATE = 0.1\n", "RATE = 1\n"),
    ],
)
def test_an_unclosed_block_is_refused(broken: str) -> None:
    assert "is not closed" in refused(reply(broken))


def test_nothing_is_applied_in_part() -> None:
    good, bad = block("WIDTH = 32\n", "WIDTH = 64\n"), block("nowhere\n", "x\n")
    assert "block 2" in refused(reply(good, bad))


def test_no_edit_no_change_no_idea() -> None:
    assert "neither a SEARCH/REPLACE block nor" in refused("IDEA: I would widen it.")
    assert "too few for a new file" in refused(reply("```python\nWIDTH = 64\n```\n"))
    assert "changes nothing" in refused(reply(block("WIDTH = 32\n", "WIDTH = 32\n")))
    assert "IDEA" in refused(block("WIDTH = 32\n", "WIDTH = 64\n"))
    assert "neither" in refused("")


# -- whatever comes -------------------------------------------------------------------------------

fragments = st.sampled_from(
    [
        *("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "```python\n", "```\n", "\n"),
        *("IDEA: x\n", "WHY: y\n", "WIDTH = 32\n", "    y = x + 1\n", " ", "\t", "\r\n", "\u2028"),
        *(
            "<<<<<<<<< SEARCH>",
            "def step(x):\n",
            "\x00",
            "é",
            "\ud800",
            "\r",
            "<think>",
            "</think>",
        ),
        *("--- a/x.py\n+++ b/x.py\n", "@@ -3,2 +3,2 @@\n", "@@\n", "-WIDTH = 32\n", "+W = 1\n"),
        *("```diff\n", " RATE = 0.1\n", '{"idea": "x", "constants": {', '"WIDTH": ', '"RATE": "'),
        *("64", '"', "}", "}}", "[", "*** Begin Patch\n", "*** Update File: x.py\n", "~~~\n"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(fragments | st.text(max_size=8), max_size=14).map("".join),
    st.sampled_from([SOURCE, "", "\n", "x", "a\r\nb\r\n", "A = 1\rB = 2\n"]) | st.text(max_size=30),
)
def test_a_reply_gives_an_edit_or_an_edit_error(text: str, source: str) -> None:
    edit, reason = None, ""
    try:
        edit = read_reply(text, source, genome="x.py")
    except EditError as error:  # anything else is a failure
        reason = str(error)
    if edit is None:
        assert reason
        assert reason.isprintable()
    else:
        assert edit.source != source
        assert edit.idea == " ".join(edit.idea.split()) != ""


lines = st.lists(
    st.text("ab =#\t(){}\u2028\x0c", max_size=6).filter(lambda line: not line.startswith("=====")),
    min_size=1,
    max_size=14,
)


def diff_blocks(old: list[str], new: list[str], context: int) -> list[str]:
    """The difference as blocks that quote so many lines around each change."""

    def text(part: list[str]) -> str:
        return "".join(f"{line}\n" for line in part)

    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        block(text(old[group[0][1] : group[-1][2]]), text(new[group[0][3] : group[-1][4]]))
        for group in matcher.get_grouped_opcodes(context)
    ]


@settings(max_examples=300, deadline=None)
@given(lines, lines, st.sampled_from([1, 2, 99]))
@example(["a", "b"], ["a"], 1)
@example([" a", "a"], ["a"], 1)
@example(["", ""], ["=", "", ""], 1)
@example(["", ""], ["", "", ""], 1)
def test_a_difference_made_into_blocks_gives_the_new_text(
    old: list[str], new: list[str], context: int
) -> None:
    before, after = "".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new)
    assume(before != after)
    try:
        edited, reason = applied(*diff_blocks(old, new, context), source=before), ""
    except EditError as error:
        edited, reason = after, str(error)
    assert edited == after
    assert not reason or "places" in reason or "is empty" in reason
