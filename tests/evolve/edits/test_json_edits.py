"""Replies that are JSON: new values of constants by their names, or texts to replace."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.edits import EditError, read_reply

SOURCE = """\
import os

WIDTH = 32  # é units
RATE: float = 0.1
PATTERN = "SSSL"  # attention
BETAS = (  # of the optimizer
    0.8,
    0.95,
)
FUSED = True; DEPTH = 4
BATCH = 2**18
WARMUP = None
"""
NAMES = "WIDTH, RATE, PATTERN, BETAS, FUSED, DEPTH, BATCH, WARMUP"


def asked(values: object, **more: object) -> dict[str, object]:
    return {"idea": "try it", "why": "it helps", "constants": values} | more


def applied(answer: object, source: str = SOURCE) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    edit = read_reply(text, source)
    assert (edit.idea, edit.why) == ("try it", "it helps")
    return edit.source


def refused(answer: object, source: str = SOURCE) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    with pytest.raises(EditError) as caught:
        read_reply(text, source)
    assert str(caught.value).isprintable()
    return str(caught.value)


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("WIDTH", 64, "WIDTH = 32  # é", "WIDTH = 64  # é"),
        ("WIDTH", "64", "WIDTH = 32  # é", "WIDTH = 64  # é"),
        ("WIDTH", -1.5, "WIDTH = 32  # é", "WIDTH = -1.5  # é"),
        ("WIDTH", "64  # wide", "WIDTH = 32  # é", "WIDTH = 64  # é"),
        ("RATE", "1e-3", "float = 0.1", "float = 1e-3"),
        ("RATE", "0.1 * (1 + 1)", "float = 0.1", "float = 0.1 * (1 + 1)"),
        ("PATTERN", "SL", '"SSSL"', '"SL"'),
        ("PATTERN", "'SL'", '"SSSL"', "'SL'"),
        ("PATTERN", '"SL" * 2', '"SSSL"', '"SL" * 2'),
        ("PATTERN", 'a "b" \n', '"SSSL"', '"a \\"b\\" \\n"'),
        ("PATTERN", 3, '"SSSL"', "3"),
        ("BETAS", "(0.9, 0.99)", "(  # of the optimizer\n    0.8,\n    0.95,\n)", "(0.9, 0.99)"),
        ("BETAS", [0.9, 0.99], "(  # of the optimizer\n    0.8,\n    0.95,\n)", "[0.9, 0.99]"),
        ("BETAS", {"a": [None]}, "(  # of the optimizer\n    0.8,\n    0.95,\n)", '{"a": [None]}'),
        ("FUSED", False, "FUSED = True; DEPTH", "FUSED = False; DEPTH"),
        ("DEPTH", 5, "DEPTH = 4", "DEPTH = 5"),
        ("BATCH", "2**19", "2**18", "2**19"),
        ("BATCH", "(\n    2 # a\n    **19)", "2**18", "(\n    2 # a\n    **19)"),
        ("WARMUP", 10, "None", "10"),
        ("WIDTH", None, "WIDTH = 32", "WIDTH = None"),
        ("WIDTH", float("-inf"), "WIDTH = 32", 'WIDTH = float("-Infinity")'),
    ],
)
def test_a_value_takes_the_place_of_the_old_one(
    name: str, value: object, old: str, new: str
) -> None:
    assert SOURCE.count(old) == 1
    assert applied(asked({name: value})) == SOURCE.replace(old, new)
    assert applied(asked([{"name": name, "value": value}])) == SOURCE.replace(old, new)


def test_a_number_keeps_its_spelling() -> None:
    text = '{"idea": "try it", "why": "it helps", "constants": {"RATE": 1.50e-03}}'
    assert applied(text) == SOURCE.replace("0.1", "1.50e-03")


def test_several_values_at_once() -> None:
    edited = applied(asked({"DEPTH": 8, "WIDTH": 16}))
    assert edited == SOURCE.replace("DEPTH = 4", "DEPTH = 8").replace("= 32", "= 16")


def test_windows_line_ends_stay() -> None:
    source = SOURCE.replace("\n", "\r\n")
    assert applied(asked({"WIDTH": 64}), source) == source.replace("= 32", "= 64")


def test_names_that_are_not_there_are_refused_with_those_that_are() -> None:
    message = refused(asked({"WIDTH": 64, "HEIGHT\x1b": 3}))
    assert message == f"the file has no constant 'HEIGHT\\x1b'; its constants are {NAMES}"
    assert "no Python" in refused(asked({"WIDTH": 64}), "Once upon a time\n")


@pytest.mark.parametrize(
    "value",
    ["", "64 64", "(", "64\nimport os", "64; import os", "x = 3", "(x := 3)", "yield", "\0", "*"],
)
def test_what_is_no_expression_is_refused(value: str) -> None:
    assert "the value of WIDTH is no Python expression" in refused(asked({"WIDTH": value}))


@pytest.mark.parametrize("values", [3, "WIDTH", [3], [{"name": "WIDTH"}]])
def test_values_without_names_are_refused(values: object) -> None:
    assert '"constants" should be an object' in refused(asked(values))


def test_no_value_and_the_old_value_change_nothing() -> None:
    assert "changes nothing" in refused(asked({}))
    assert "changes nothing" in refused(asked({"WIDTH": 32}))


def test_values_without_an_idea_are_one() -> None:
    edit = read_reply('{"constants": [{"name": "WIDTH", "value": 64}]}', SOURCE)
    assert edit.idea == "WIDTH 32 -> 64"
    with_one_as_it_was = '{"constants": {"RATE": 0.1, "WIDTH": 64}}'
    assert read_reply(with_one_as_it_was, SOURCE).idea == "WIDTH 32 -> 64"
    two = json.dumps({"constants": {"BETAS": [0.8, 0.9], "PATTERN": "L" * 99}})
    assert read_reply(two, SOURCE).idea == (
        f'BETAS ( # of the optimizer 0.8, 0.95, ) -> [0.8, 0.9], PATTERN "SSSL" -> {"L" * 40}'
    )


# -- a function's new body ------------------------------------------------------------------------

FUNCTIONS = "RATE = 0.1\n\n\ndef rate(step):\n    return RATE\n"


def rewrite(**more: object) -> dict[str, object]:
    lines = ["if step < 9:", "    return 0.0", "return RATE"]
    return {"idea": "try it", "why": "it helps", "definition": "rate", "lines": lines} | more


def test_a_body_is_rewritten() -> None:
    child = applied(rewrite(), FUNCTIONS)
    assert child.endswith(
        "def rate(step):\n    if step < 9:\n        return 0.0\n    return RATE\n"
    )
    assert applied(rewrite(lines="if step < 9:\n    return 0.0\nreturn RATE"), FUNCTIONS) == child


def test_a_body_without_an_idea_has_the_name_of_its_function() -> None:
    edit = read_reply(json.dumps({"definition": "rate", "lines": ["return 1"]}), FUNCTIONS)
    assert edit.idea == "another body of rate"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (rewrite(definition="pace"), "no function 'pace'; its functions are rate"),
        (rewrite(lines=[None]), '"lines" should be a list'),
        (rewrite(lines=["return RATE"]), "changes nothing"),
    ],
)
def test_a_body_that_cannot_be_rewritten_is_refused(answer: dict[str, object], reason: str) -> None:
    with pytest.raises(EditError, match=re.escape(reason)):
        read_reply(json.dumps(answer), FUNCTIONS)


def test_what_is_no_python_has_no_functions() -> None:
    with pytest.raises(EditError, match="no functions"):
        read_reply(json.dumps(rewrite()), "def rate(:\n")


# -- where it stands ------------------------------------------------------------------------------

EDIT = asked({"WIDTH": 64})
CALL = {"name": "edit", "arguments": EDIT}
WIDER = SOURCE.replace("32", "64")


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(EDIT),
        json.dumps(EDIT, indent=2),
        json.dumps(EDIT, indent=2).replace("\n", "\r\n"),
        json.dumps([EDIT]),
        f"Here it is: {json.dumps(EDIT)} I hope it helps.",
        f"```json\n{json.dumps(EDIT, indent=2)}\n```",
        f"As a tool call:\n```\n{json.dumps(CALL)}\n```\n",
        f"<think>\n{json.dumps(asked({'WIDTH': 1}))}\n</think>\n{json.dumps(EDIT)}",
        f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>",
        json.dumps({"name": "edit", "arguments": json.dumps(EDIT)}),
        json.dumps({"tool_calls": [{"type": "function", "function": CALL}]}),
        json.dumps({"name": "edit", "parameters": EDIT}),
        json.dumps(EDIT) + "\n" + json.dumps(EDIT),
        'IDEA: try it\nWHY: it helps\n{"constants": {"WIDTH": 64}}',
        '{"idea": "try\tit", "why": "it\nhelps", "constants": {"WIDTH": 64}}',
    ],
)
def test_an_object_is_found_wherever_models_put_it(reply: str) -> None:
    assert applied(reply) == WIDER


@pytest.mark.parametrize(
    "one",
    [
        {"search": "WIDTH = 32  # é units\n", "replace": "WIDTH = 64  # é units\n"},
        {"old_string": "WIDTH = 32  # é units", "new_string": "WIDTH = 64  # é units"},
    ],
)
def test_texts_to_replace_are_blocks(one: dict[str, str]) -> None:
    assert applied({"idea": "try it", "why": "it helps", "edits": [one]}) == WIDER
    assert applied({"idea": "try it", "why": "it helps"} | one) == WIDER
    assert applied(asked({"DEPTH": 5}, edits=[one])) == WIDER.replace("DEPTH = 4", "DEPTH = 5")
    missing: dict[str, Any] = {"search": "nowhere at all", "replace": ""}
    assert "SEARCH part of block 2" in refused(asked({"DEPTH": 5}, edits=[one, missing]))
    assert 'edit 1 should have the texts "search" and "replace"' in refused(asked({}, edits=[3]))


def test_two_objects_that_differ_are_refused() -> None:
    both = [EDIT, asked({"WIDTH": 65})]
    assert "more than one JSON edit" in refused("\n".join(map(json.dumps, both)))
    assert "more than one JSON edit" in refused(both)


@pytest.mark.parametrize("length", [15, 30, 45, len(json.dumps(EDIT)) - 1])
def test_an_object_that_was_cut_is_refused(length: int) -> None:
    assert "was it cut?" in refused(json.dumps(EDIT)[:length])
    assert "was it cut?" in refused(f"```json\n{json.dumps(EDIT)[:length]}\n```\n")


# -- whatever comes -------------------------------------------------------------------------------

literals = (
    st.none() | st.booleans() | st.integers() | st.floats(-1e300, 1e300) | st.text(max_size=9)
)
values = st.recursive(
    literals,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


@settings(max_examples=300, deadline=None)
@given(values.filter(lambda value: not isinstance(value, str) and value != 32), st.booleans())
def test_any_value_is_what_the_constant_then_has(value: object, as_ascii: bool) -> None:
    edited = applied(json.dumps(asked({"WIDTH": value}), ensure_ascii=as_ascii))
    assert edited.startswith("import os\n\nWIDTH = ")
    assert edited.endswith(SOURCE[SOURCE.index("  # é units") :])
    expected = json.loads(json.dumps(value).encode(errors="replace"))
    found = ast.parse(edited).body[1]
    assert isinstance(found, ast.Assign)
    assert ast.literal_eval(found.value) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_what_a_text_then_has(text: str) -> None:
    try:
        edited, reason = applied(asked({"PATTERN": text})), ""
    except EditError as error:
        edited, reason = "", str(error)
    assert reason in ("", "the edit changes nothing")
    if not reason:
        found = ast.parse(edited).body[3]
        assert isinstance(found, ast.Assign)
        value = ast.literal_eval(found.value)
        assert value in (text, _literal(text))


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        return None
