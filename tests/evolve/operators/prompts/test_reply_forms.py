"""The forms of replies: their schemas allow what can be read, and what a model reads fits them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.edits import EditError, read_reply
from evolve.edits.forms import CONSTANTS, DEFINITION, FORMS, FREE, parse_forms
from evolve.operators.prompts.reply_forms import EDIT_TOKENS, choose_reply_form
from evolve.settings import OptionError

SOURCE = """\
WIDTH = 32
RATE = 0.1
FUSED = True
BATCH = 2**18
NAME = "a"


def rate(step):
    return RATE


class Model:
    def forward(self, x):
        return x
"""


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Values that follow a schema, of the kinds that are used here."""
    if "anyOf" in schema:
        return st.one_of(*map(values_of, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds: dict[str, Any] = {
        "boolean": st.booleans(),
        "integer": st.integers(schema.get("minimum", -9), schema.get("maximum", 9999)),
        "number": st.floats(-1e6, 1e6) | st.integers(0, 9),
        "string": st.sampled_from(["2**12", "b", "return RATE / 2", "x = 1", ""]),
    }
    if schema["type"] == "array":
        least, most = schema["minItems"], schema.get("maxItems", 4)
        return st.lists(values_of(schema["items"]), min_size=least, max_size=most)
    if schema["type"] == "object":
        assert schema["required"] == list(schema["properties"])
        assert schema["additionalProperties"] is False
        return st.fixed_dictionaries({k: values_of(v) for k, v in schema["properties"].items()})
    return kinds[schema["type"]]


def schema_of(name: str) -> Any:
    form = choose_reply_form(name, SOURCE)
    assert form.name == name
    assert form.schema is not None
    return form.schema


@pytest.mark.parametrize("name", [CONSTANTS, DEFINITION])
@given(data=st.data())
def test_what_follows_a_schema_is_an_edit_with_an_idea(name: str, data: st.DataObject) -> None:
    reply = data.draw(values_of(schema_of(name)))
    reason, edit = "", None
    try:
        edit = read_reply(json.dumps(reply), SOURCE)
    except EditError as error:
        reason = str(error)
    if edit is None:
        assert re.search("changes nothing|no Python expression", reason)
    else:
        assert edit.source != SOURCE
        assert edit.idea


def test_constants_are_named_by_the_kind_of_their_values() -> None:
    kinds = {
        choice["properties"]["value"]["type"]: choice["properties"]["name"]["enum"]
        for choice in schema_of(CONSTANTS)["properties"]["constants"]["items"]["anyOf"]
    }
    assert kinds == {
        "integer": ["WIDTH"],
        "number": ["RATE"],
        "boolean": ["FUSED"],
        "string": ["BATCH", "NAME"],
    }


def test_integers_keep_to_some_factor_and_those_of_one_value_are_named_together() -> None:
    form = choose_reply_form(CONSTANTS, "WIDTH = 32\nDEPTH = 4\nHEADS = 4\nSHIFT = -1\n")
    assert form.schema is not None
    choices = form.schema["properties"]["constants"]["items"]["anyOf"]
    allowed = {
        tuple(choice["properties"]["name"]["enum"]): choice["properties"]["value"]
        for choice in choices
    }
    assert allowed == {
        ("WIDTH",): {"type": "integer", "minimum": 2, "maximum": 512},
        ("DEPTH", "HEADS"): {"type": "integer", "minimum": 1, "maximum": 64},
        ("SHIFT",): {"type": "integer"},
    }


def test_a_body_is_that_of_a_function_or_method_of_the_file() -> None:
    names = schema_of(DEFINITION)["properties"]["definition"]["enum"]
    assert names == ["rate", "Model.forward"]


def test_a_reply_is_limited_by_what_its_form_needs() -> None:
    long = SOURCE + "# a comment\n" * 4000
    limits = {name: choose_reply_form(name, long).tokens for name in FORMS}
    assert limits[FREE] > EDIT_TOKENS + len(long) // 4
    assert limits[CONSTANTS] < 500
    assert limits[CONSTANTS] < limits[DEFINITION] < EDIT_TOKENS
    body = "\n".join(f"    x = {number}" for number in range(900))
    longer = choose_reply_form(DEFINITION, f"def f():\n{body}\n")
    assert longer.tokens > len(body) // 3, "there is room for the longest body"


@pytest.mark.parametrize("source", ["A story.\n", "import os\n", "def f(:\n", ""])
def test_where_there_is_nothing_to_name_the_reply_is_free(source: str) -> None:
    for name in FORMS:
        form = choose_reply_form(name, source)
        assert (form.name, form.schema) == (FREE, None)


def test_forms_are_given_for_a_model_or_for_all() -> None:
    assert parse_forms(["constants", "openai/a=b=free"]) == {"": "constants", "openai/a=b": "free"}
    with pytest.raises(OptionError, match="no reply form fre; there are free"):
        parse_forms(["openai/a=fre"])
