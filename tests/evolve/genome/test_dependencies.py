"""A definition that moves to another program takes along what it uses."""

from __future__ import annotations

import ast
import builtins
import itertools
from pathlib import Path

import pytest

from evolve.genome import find_definitions, replace_spans
from evolve.genome.dependencies import fit_definitions
from evolve.genome.names import list_bound_names, list_read_names

ROOT = Path(__file__).parents[3]
SEEDS = {path.stem: path.read_text() for path in (ROOT / "examples/seeds").glob("*.py")}
FIRST = '''"""A program."""

import math

RATE = 0.1  # a step
REACH = 8  # tokens


def far(x):
    return x * REACH


class Mixer:
    def run(self, x):
        return far(x)


print(Mixer().run(RATE), math.pi)
'''
SECOND = """import math

RATE = 0.2
TAPS = 4  # of a filter


def weigh(x):
    return x * TAPS * HALF


class Mixer:
    def run(self, x):
        return weigh(x)


HALF = 0.5
print(Mixer().run(RATE), math.pi)
"""


def exchange(first: str, second: str) -> str:
    """The first program with each definition that the second has, too, as the second has it."""
    ours, theirs = find_definitions(first), find_definitions(second)
    edits = [(span, theirs[name].text) for name, span in ours.items() if name in theirs]
    return fit_definitions(replace_spans(first, edits), first, second)


def test_a_definition_brings_what_it_uses_and_leaves_nothing_behind() -> None:
    child = exchange(FIRST, SECOND)
    assert child == (
        FIRST.replace("REACH = 8  # tokens", "TAPS = 4  # of a filter\nHALF = 0.5")
        .replace("def far(x):\n    return x * REACH", "def weigh(x):\n    return x * TAPS * HALF")
        .replace("far(x)", "weigh(x)")
        .replace("TAPS = 4  # of a filter\nHALF", "TAPS = 4  # of a filter\n\n\nHALF")
    )


def test_what_fits_already_is_left_as_it_is() -> None:
    unused = FIRST.replace("REACH", "UNUSED = 1\nREACH", 1)
    assert fit_definitions(unused, unused, SECOND) == unused


def test_names_that_are_no_definitions_are_not_invented() -> None:
    first, second = "def f():\n    return 1\n", "import os\n\ndef f():\n    return os.sep\n"
    assert exchange(first, second) == "def f():\n    return os.sep\n"


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(sorted(SEEDS), 2)))
def test_seeds_of_all_kinds_exchange_their_definitions(one: str, other: str) -> None:
    child = exchange(SEEDS[one], SEEDS[other])
    ast.parse(child)
    missing = list_read_names(child) - list_bound_names(child) - set(dir(builtins))
    assert not missing & (list_bound_names(SEEDS[one]) | list_bound_names(SEEDS[other]))
    unread = list_bound_names(child) - list_read_names(child)
    assert not {name for name in unread if name.isupper()}
