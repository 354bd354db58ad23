"""The bodies of functions and methods, found and rewritten one at a time."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.genome.bodies import find_bodies, rewrite_body

SOURCE = '''\
import math

RATE = 0.1


@cached
def schedule(step, total):
    # the cosine
    """Of the rate."""
    return RATE * math.cos(step / total)  # é


class Model:
    WIDTH = 3

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)

        return x

    def short(self): return 1


async def last():
    pass'''


def test_functions_and_methods_are_found_but_those_in_one_line() -> None:
    bodies = find_bodies(SOURCE)
    assert list(bodies) == ["schedule", "Model.forward", "last"]
    assert bodies["Model.forward"].text == (
        "        for layer in self.layers:\n            x = layer(x)\n\n        return x\n"
    )
    assert bodies["last"].text == "    pass"


@pytest.mark.parametrize(
    "lines",
    [
        ["if step < 9:", "    return 0.0", "", "return RATE"],
        ["    if step < 9:", "        return 0.0", "", "    return RATE"],
        ["", "if step < 9:\n    return 0.0\n\nreturn RATE", ""],
        ["def schedule(step, total):", "  if step < 9:", "      return 0.0", "", "  return RATE"],
    ],
    ids=["without indentation", "with it", "in one line", "with its head"],
)
def test_a_body_is_rewritten_whatever_its_lines_begin_with(lines: list[str]) -> None:
    new = rewrite_body(SOURCE, "schedule", lines)
    body = "    if step < 9:\n        return 0.0\n\n    return RATE\n"
    assert new == SOURCE.replace(find_bodies(SOURCE)["schedule"].text, body)


def test_a_method_keeps_its_indentation_and_the_last_line_its_end() -> None:
    new = rewrite_body(SOURCE, "Model.forward", ["return self.layers[0](x)"])
    assert "    def forward(self, x):\n        return self.layers[0](x)\n\n    def short" in new
    assert rewrite_body(SOURCE, "last", ["return 2"]).endswith("async def last():\n    return 2")


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(KeyError):
        rewrite_body(SOURCE, "nowhere", ["pass"])
    with pytest.raises(SyntaxError):
        find_bodies("def f(:\n")


statements = st.sampled_from(["x = 1", "if x:\n    y = 2", "for i in x:\n    pass", "return x"])


@given(st.lists(statements, min_size=1, max_size=5), st.sampled_from(list(find_bodies(SOURCE))))
def test_a_body_that_was_written_is_the_one_that_is_found(parts: list[str], name: str) -> None:
    text = "\n".join(parts)
    found = find_bodies(rewrite_body(SOURCE, name, text.split("\n")))[name].text
    before, after = (
        ast.dump(ast.parse(f"def f():\n{textwrap.indent(textwrap.dedent(one), ' ')}"))
        for one in (text, found)
    )
    assert before == after
