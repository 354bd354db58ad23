"""What surrounds an edit in a model's reply: reasoning, fences, file names, odd whitespace."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
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
"""
WIDER = SOURCE.replace("WIDTH = 32  # units", "WIDTH = 64  # units")
LABELS = "IDEA: try it\nWHY: it helps\n\n"


def block(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


WIDEN = block("WIDTH = 32  # units\n", "WIDTH = 64  # units\n")
OTHER = block("WIDTH = 32  # units\n", "WIDTH = 1\n")


def applied(reply: str, source: str = SOURCE, genome: str = "toy.py") -> str:
    edit = read_reply(reply, source, genome=genome)
    assert (edit.idea, edit.why) == ("try it", "it helps")
    return edit.source


def refused(reply: str, source: str = SOURCE, genome: str = "toy.py") -> str:
    with pytest.raises(EditError) as caught:
        read_reply(reply, source, genome=genome)
    return str(caught.value)


# -- reasoning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "thought",
    [
        "<think>\n{}</think>\n",
        "<think>{}</think>",
        "  <thinking>{}  </thinking>\n",
        "<REASONING>\n{}\n</REASONING>\n\n",
        "[THINK]\n{}[/THINK]",
        "◁think▷\n{}◁/think▷\n",
        "{}</think>\n",
        "I should widen it.\n{}So be it.</think>\n",
        "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    ],
)
@pytest.mark.parametrize(
    "content", [f"IDEA: not this\n{OTHER}", f"```python\n{SOURCE * 2}\n```\n", "<<<<<<< SEARCH\n"]
)
def test_reasoning_does_not_count(thought: str, content: str) -> None:
    assert applied(thought.format(content) + LABELS + WIDEN) == WIDER


def test_reasoning_between_and_after_does_not_count_either() -> None:
    thought = f"<think>\n{OTHER}</think>\n"
    assert applied(f"{thought}{LABELS}{thought}{WIDEN}{thought}") == WIDER


def test_marks_of_reasoning_within_code_are_code() -> None:
    marks = 'STOP = "</think>"\n<think>\n'
    edited = applied(LABELS + block("RATE = 0.1\n", marks))
    assert edited == SOURCE.replace("RATE = 0.1\n", marks)
    source = f'{SOURCE}END = "</think>"\n'
    assert applied(LABELS + block('END = "</think>"\n', 'END = ""\n'), source).endswith(
        'END = ""\n'
    )


def test_a_reply_that_ends_within_its_reasoning_is_refused() -> None:
    assert "ends within its reasoning" in refused(f"<think>\n{LABELS}{WIDEN}")
    assert "ends within its reasoning" in refused(f"{LABELS}{WIDEN}<think>\nBut then")


# -- fences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "{labels}```python\n{block}```\n",
        "```\n{labels}{block}```\n",
        "```\n{labels}```\n```diff\n{block}```\n",
        "{labels}~~~~ python\n{block}~~~~\n",
        "{labels}1. Widen it:\n\n   ```python\n{indented}   ```\n",
        "{labels}- so:\n{indented}\nDone.\n",
        "{labels}<answer>\n{block}</answer>\n",
        "\ufeff{labels}{block}\n```\n",
        "{labels}In short:\n```python\nWIDTH = 64\n```\n{block}",
    ],
)
def test_blocks_within_fences_and_lists(form: str) -> None:
    indented = re.sub("^", "   ", WIDEN, flags=re.MULTILINE).rstrip(" ")
    assert applied(form.format(labels=LABELS, block=WIDEN, indented=indented)) == WIDER


def test_fences_within_a_block() -> None:
    search, replace = (
        "```python\nWIDTH = 32  # units\n```\n",
        "```python\nWIDTH = 64  # units\n```\n",
    )
    assert applied(LABELS + block(search, replace)) == WIDER
    source = f"Words.\n\n{search}"
    assert applied(LABELS + block(search, replace), source) == f"Words.\n\n{replace}"


def test_a_line_like_the_middle_of_a_block_may_be_in_it() -> None:
    source = "Title\n=====\n\nWords.\n\nOther\n=======\n"
    edited = applied(LABELS + block("Title\n=====\n", "Heading\n=======\n"), source)
    assert edited == source.replace("Title\n=====", "Heading\n=======")
    edited = applied(LABELS + block("Other\n=======\n", "Third\n=======\n"), source)
    assert edited == source.replace("Other", "Third")


def test_a_whole_file_may_have_fences_in_it() -> None:
    article = "# Title\n\nWords.\n\n```python\nx = 1\n```\n\nMore words.\n"
    other = article.replace("Words", "Better words")
    assert applied(f"{LABELS}```markdown\n{other}```\n", article) == other
    assert applied(f"{LABELS}````\n{other.replace('python', '')}````\n", article) == other.replace(
        "python", ""
    )


def test_a_whole_file_has_the_line_ends_of_the_old_one() -> None:
    source, wider = SOURCE.replace("\n", "\r\n"), WIDER.replace("\n", "\r\n")
    assert applied(f"{LABELS}```python\n{WIDER}```\n", source) == wider
    assert applied(f"{LABELS}```python\n{WIDER}```\n".replace("\n", "\r\n"), source) == wider
    assert applied(f"{LABELS}```python\n{WIDER}```\n", SOURCE.rstrip("\n")) == WIDER.rstrip("\n")


def test_of_two_whole_files_the_new_one_is_taken_and_two_new_ones_are_refused() -> None:
    before, after = f"```python\n{SOURCE}```\n", f"```python\n{WIDER}```\n"
    assert applied(f"{LABELS}Before:\n{before}After:\n{after}") == WIDER
    assert applied(f"{LABELS}{after}Once more:\n{after}") == WIDER
    third = f"```python\n{SOURCE.replace('32', '16')}```\n"
    assert "more than one whole file" in refused(f"{LABELS}{after}or\n{third}")


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code unchanged ...",
        "    # ... existing code ...",
        "# … (the remaining functions stay as before)",
        "// ... same as before",
    ],
)
def test_text_that_was_left_out_is_refused(line: str) -> None:
    whole = WIDER.replace("    y = x + 1\n", f"{line}\n")
    assert "line 8 of the new file stands for text that was left out" in refused(
        f"{LABELS}```python\n{whole}```\n"
    )
    assert "line 8 of the new file" in refused(LABELS + block("    y = x + 1\n", f"{line}\n"))
    source = f"{line}\n{SOURCE}"
    assert applied(LABELS + WIDEN, source) == f"{line}\n{WIDER}", "it was there before"


ARTICLE = "# Bees\n\nThey dance.\n\nThey sleep.\n"


def rewritten(line: str) -> str:
    """The article with a line in the place of its last one."""
    reply = LABELS + block("They sleep.\n", f"{line}\n")
    return read_reply(reply, ARTICLE, language="prose").source


@pytest.mark.parametrize(
    "line",
    [
        "<!-- ... the rest of the article unchanged ... -->",
        "<!-- existing text -->",
        "[rest of the article unchanged]",
        "**[The remaining sections stay as before.]**",
        "[... rest omitted ...]",
        "... (rest unchanged) ...",
        "…the rest as before…",
        "...",
        "[…]",
        ". . .",
        "% ... rest of the chapter unchanged",
    ],
)
def test_a_remark_in_place_of_prose_is_refused(line: str) -> None:
    with pytest.raises(EditError, match="line 5 of the new file stands for text that was left out"):
        rewritten(line)
    known = ARTICLE.replace("They dance.", line)
    edit = read_reply(LABELS + block("They sleep.\n", "They hum.\n"), known, language="prose")
    assert line in edit.source, "it was there before"


@pytest.mark.parametrize(
    "line",
    [
        "# The rest of the story ... and its end",
        "## What remains: hope …",
        "-- It is the same as ever ... -- she said.",
        "...and the rest of them remained where they were.",
        "[The rest of the story ...](story.md)",
        "The rest of the hive sleeps ... unchanged.",
        "* * *",
        "<!-- a picture of bees -->",
        "[1]",
    ],
)
def test_a_heading_or_a_pause_in_prose_is_none(line: str) -> None:
    assert line in rewritten(line)


@pytest.mark.parametrize("depth", [3000, 100_000])
def test_a_fence_with_code_that_nests_too_deep_is_no_file(depth: int) -> None:
    deep = f"{LABELS}```python\nx = {'-' * depth}1\n```\n"
    assert "too few for a new file" in refused(deep, SOURCE + "# more\n" * depth)


# -- file names -----------------------------------------------------------------------------------

NAMED = [
    "{name}\n{block}",
    "**{name}**\n\n{block}",
    "### `{name}`\n```python\n{block}```\n",
    "File: {name}\n```python\n{block}```\n",
    "```python\n{name}\n{block}```\n",
    "```python {name}\n{block}```\n",
    "```python:{name}\n{block}```\n",
    '```python title="{name}"\n{block}```\n',
    "<<<<<<< SEARCH {name}\n{rest}",
    "{name}\n```python\n{whole}```\n",
    "```python\n# {name}\n{whole}```\n",
]


@pytest.mark.parametrize("form", NAMED)
@pytest.mark.parametrize("name", ["given.py", "b/given.py", "notes.md", "nottoy.py"])
def test_an_edit_of_another_file_is_refused(form: str, name: str) -> None:
    rest = WIDEN.partition("\n")[2]
    reply = LABELS + form.format(name=name, block=WIDEN, rest=rest, whole=WIDER)
    expected = f"the reply changes {name}, but only toy.py may be changed"
    assert refused(reply) == expected


@pytest.mark.parametrize("form", NAMED)
@pytest.mark.parametrize("name", ["toy.py", "./toy.py", "a/toy.py", "/home/me/toy.py"])
def test_an_edit_may_name_the_genome(form: str, name: str) -> None:
    rest = WIDEN.partition("\n")[2]
    edited = applied(LABELS + form.format(name=name, block=WIDEN, rest=rest, whole=WIDER))
    assert edited.removeprefix(f"# {name}\n") == WIDER


def test_a_genome_in_a_folder_goes_by_its_name_too() -> None:
    for name in ("toy.py", "sub/toy.py", "x/sub/toy.py"):
        assert applied(f"{LABELS}{name}\n{WIDEN}", genome="sub/toy.py") == WIDER
    assert "only sub/toy.py" in refused(f"{LABELS}other/toy.py\n{WIDEN}", genome="sub/toy.py")


def test_names_in_sentences_are_no_names() -> None:
    told = f"{LABELS}It needs no change of given.py\n{WIDEN}torch.compile\n{WIDEN}"
    assert "SEARCH part of block 2" in refused(told)
    assert applied(f"{LABELS}I leave given.py as it is:\n{WIDEN}") == WIDER
    assert applied(f"{LABELS}given.py\n\n\nhas no part in it\n{WIDEN}") == WIDER


# -- the idea -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        "**IDEA**: try it\n**WHY**: it helps\n",
        "## Idea\n\ntry it\n\n## Why\n\nit helps\n",
        "1. IDEA: try it\n2. WHY: it helps\n",
        "IDEA：try it\nWHY：it helps\n",
        "IDEA:\n  try it\nWHY:\n  it helps\n",
        "* __Idea:__ try it\n* __Why:__ it helps\n",
    ],
)
def test_labels_as_models_write_them(labels: str) -> None:
    assert applied(labels + WIDEN) == WIDER
    assert applied(WIDEN + labels) == WIDER


def test_a_label_without_a_text_is_none() -> None:
    assert "`IDEA:" in refused(f"IDEA:\nWHY: it helps\n{WIDEN}")
    assert "`IDEA:" in refused(f"IDEAS: many\n{WIDEN}")
    assert read_reply(f"IDEA: try it\nWHY:\n{WIDEN}", SOURCE).why == ""


# -- whitespace -----------------------------------------------------------------------------------

TABS = SOURCE.replace("    ", "\t")


@pytest.mark.parametrize(
    ("search", "replace", "old", "new"),
    [
        ("if y:\n        return y\n", "if y > 0:\n        return -y\n", "if y:", "if y > 0:"),
        ("y=x+1\n", "y = x + 2\n", "y = x + 1", "y = x + 2"),
        ("y = x + 1\n\nif y:\n", "y = x + 1\n\nif not y:\n", "if y:", "\n    if not y:"),
        ("\nRATE = 0.1\n\n", "\nRATE = 0.2\n\n", "RATE = 0.1", "RATE = 0.2"),
        ("WIDTH = 32\n", "WIDTH = 64\n", "WIDTH = 32  # units", "WIDTH = 64"),
        ("WIDTH\u00a0= 32 # units\n", "WIDTH = 64\n", "WIDTH = 32  # units", "WIDTH = 64"),
    ],
)
def test_whitespace_and_comments_that_models_get_wrong(
    search: str, replace: str, old: str, new: str
) -> None:
    expected = SOURCE.replace(old, new).replace(
        "return y", "return -y" if "-y" in replace else "return y"
    )
    edited = applied(LABELS + block(search, replace))
    assert _words(edited) == _words(expected)
    compile(edited, "toy.py", "exec")


@pytest.mark.parametrize(("source", "indent"), [(TABS, "    "), (SOURCE, "\t"), (TABS, "  ")])
def test_a_file_with_tabs_keeps_them_and_one_without_gets_none(source: str, indent: str) -> None:
    search = f"def step(x):\n{indent}y = x + 1\n{indent}if y:\n{indent * 2}return y\n"
    replace = search.replace("return y", f"for z in y:\n{indent * 3}return z")
    own = "\t" if source is TABS else "    "
    expected = source.replace(f"{own * 2}return y", f"{own * 2}for z in y:\n{own * 3}return z")
    assert applied(LABELS + block(search, replace), source) == expected


def _words(text: str) -> list[str]:
    return text.split()


# -- whatever comes -------------------------------------------------------------------------------

HUGE = 200_000
PIECES = [
    *(
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "```\n",
        "```x\n",
        "\n",
        " ",
        "\t",
        "#",
    ),
    *("IDEA:", "IDEA:\n", "{", '{"', '{"a":', "[", '[{"a":[', "<think>", "<think>\n", "</think> "),
    *("@@\n", "@ ", "--- a\n", "--- a\n+++ b\n", "+\n", "-a\n+b\n", "a/", "a.", "a.py", "`` ", "="),
    *("@@ -1 +1 @@\n-a\n+b\n", "<", ">", "x", "# ... \n", "*", "\r", "\ud800", block("a\n", "b\n")),
    *("WIDTH = 32  # units\n", "*** Update File: x.py\n", "\u2028", "<<<<<<< SEARCH\n=======\n"),
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize(
    "form",
    ["{}", "```python\n{}\n```\n", "```diff\n{}\n```\n", f"{block('{}', 'x')}", "-{}\n+{}\n"],
)
def test_a_huge_reply_is_read_in_time_that_grows_with_its_length(piece: str, form: str) -> None:
    """A search that is quadratic in the length would take hours for these."""
    text = form.replace("{}", piece * (HUGE // len(piece)))
    result: object = None
    try:
        result = read_reply(f"{LABELS}{text}", SOURCE * 20)
    except EditError as error:
        result = str(error)
    assert result


@settings(max_examples=300, deadline=None)
@given(
    st.text("ab \t\n", max_size=12),
    st.text("ab \t\n", max_size=12),
    st.sampled_from(["", " ", "\t", "    "]),
    st.booleans(),
)
def test_lines_quoted_with_another_indentation_keep_their_own(
    before: str, after: str, indent: str, shifted: bool
) -> None:
    old = f"{before}\nFIRST = 1\n    SECOND = 2\n{after}\n"
    quoted = f"{indent}FIRST = 1\n{indent if shifted else ''}    SECOND = 2\n"
    edited = applied(LABELS + block(quoted, quoted.replace("2", "3")), old)
    assert edited == old.replace("SECOND = 2", "SECOND = 3")
