"""The operators by name, and those of the user's own: what a subclass of `Operator` must say."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.commands import start
from evolve.operators import OPERATORS, Operator, parse_operator
from evolve.settings import OptionError

SHORT = """\
from evolve.operators import Operator, Proposal


class Same(Operator):
    name = "same"

    def propose(self, parents, context):
        return Proposal(parents[0].source, "nothing new")


class Bare(Operator):
    def propose(self, parents, context):
        return Proposal("", "")


class Lazy(Operator):
    name = "lazy"


class Crowd(Same):
    arity = 3


class Alone:
    name = "alone"
    arity = 1

    def propose(self, parents, context):
        return Proposal("", "")


another = Same()
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(SHORT)
    return path


@pytest.mark.parametrize("name", ["Same", "another"])
def test_an_operator_says_its_name_and_what_differs_from_the_defaults(own: Path, name: str) -> None:
    operator, weight = parse_operator(f"{own}:{name}:0.5")
    assert isinstance(operator, Operator)
    assert (operator.name, operator.arity, weight) == ("same", 1, 0.5)
    flags = (operator.needs_model, operator.mends, operator.aims, operator.learns, operator.maps)
    assert flags == (False,) * 5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Bare", "cannot be loaded: AttributeError: .*name"),
        ("Lazy", "cannot be loaded: TypeError: .*abstract.*propose"),
        ("Crowd", "should be a subclass of evolve.operators.Operator with a name and an arity of"),
        ("Alone", "should be a subclass of evolve.operators.Operator"),
        ("SHORT", "cannot be loaded: AttributeError"),
    ],
)
def test_what_is_no_operator_is_refused_with_what_is_missing(
    own: Path, name: str, words: str
) -> None:
    with pytest.raises(OptionError, match=f"the operator {name} of .*own.py {words}"):
        parse_operator(f"{own}:{name}")


def test_the_help_of_the_command_line_lists_every_operator_with_what_it_does() -> None:
    text = " ".join(start.arguments().format_help().split())
    for operator in OPERATORS.values():
        assert operator.summary
        assert f"{operator.name} ({operator.summary})" in text
