"""How examples/code_optimizer measures how readable a program is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "examples" / "code_optimizer"
GOOD = '''\
"""A module."""


def report(items):
    """The positive items, doubled."""
    doubled = []
    for item in items:
        if item > 0:
            doubled.append(2 * item)
    return doubled
'''


@pytest.fixture(scope="module")
def measure(load: Callable[..., ModuleType]) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return load(FOLDER / "readability.py", "code_optimizer_readability")


def test_plain_code_has_full_marks(measure: ModuleType) -> None:
    measured = measure.readability(GOOD)
    assert measured.value == pytest.approx(1.0)
    assert (measured.findings, measured.lines, measured.hides) == ([], 6, False)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("    doubled = doubled + [1]", "findings"),
        ("    if len(doubled) == 0: pass", "findings"),
        ("    if doubled == None: pass", "findings"),
        ("    if doubled in [1, 2]: pass", "findings"),
        ("    sum([item for item in doubled])", "findings"),
        ("    x = 1; doubled.append(x)", "findings"),
        ("    list = 1", "findings"),
        ("    unread = 1", "findings"),
        ("    import json", "findings"),
        ("    for q in range(len(doubled)): doubled[q] = 0", "findings"),
        ("    double = lambda item: 2 * item", "findings"),
        ("    try:\n        doubled.pop()\n    except:\n        pass", "findings"),
        (f"    doubled.append({' + '.join(['1'] * 40)})", "findings"),
        ("    if 1:\n        if 2:\n            while 3:\n                doubled = []", "nesting"),
        ("    doubled = " + "1 if doubled else " * 12 + "[]", "branches"),
        ("    doubled.append(1)\n" * 40, "length"),
    ],
)
def test_what_reads_worse_costs(measure: ModuleType, line: str, part: str) -> None:
    source = GOOD.replace("    return doubled", f"{line}\n    return doubled")
    measured = measure.readability(source)
    assert measured.parts[part] < 1
    assert measured.value < 1


def test_long_functions_should_say_what_they_are_for(measure: ModuleType) -> None:
    longer = GOOD.replace("    return", "    doubled.sort()\n    doubled.reverse()\n    return")
    assert measure.readability(longer).parts["documented"] == 1
    silent = longer.replace('    """The positive items, doubled."""\n', "")
    assert measure.readability(silent).parts["documented"] == 0


@pytest.mark.parametrize(
    "line",
    [
        "exec('report = 1')",
        "import os",
        "import timeit",
        "import driver",
        "from . import driver",
        "from importlib import import_module",
        "import builtins as harmless",
        "from enum import bltns",
        "from dataclasses import _create_fn",
        "import collections\ncollections._sys",
        "from operator import attrgetter",
        "import string\nstring.Formatter()",
        "(item for item in []).gi_frame",
        "match report:\n    case object(__globals__=harmless):\n        harmless()",
        "report.__globals__",
        "getattr(report, 'x')",
        "open('x')",
    ],
)
def test_what_may_hide_its_doings_has_no_marks(measure: ModuleType, line: str) -> None:
    measured = measure.readability(f"{GOOD}\n\n{line}\n")
    assert measured.hides
    assert measured.value == 0


@pytest.mark.parametrize(
    "line",
    [
        "from collections import defaultdict",
        "import heapq, itertools",
        "class Heap(list):\n    def __init__(self):\n        super().__init__(self._items)",
        "report([])._replace(trips=1)",
        "if __name__ == '__main__':\n    print(report.__doc__)",
    ],
)
def test_what_honest_programs_use_hides_nothing(measure: ModuleType, line: str) -> None:
    assert not measure.readability(f"{GOOD}\n\n{line}\n").hides


@given(st.text(alphabet="# ab\n", max_size=60).map(lambda text: text.replace("\n", "\n# ")))
def test_remarks_are_no_lines_of_code(measure: ModuleType, remark: str) -> None:
    measured = measure.readability(f"# {remark}\n\n{GOOD}")
    assert measured.lines == 6
    assert measured.value == pytest.approx(1.0)


def test_statements_on_one_line_gain_nothing(measure: ModuleType) -> None:
    spread = "".join(f"value_{i} = {i}\nprint(value_{i})\n" for i in range(20))
    packed = "".join(f"value_{i} = {i}; print(value_{i})\n" for i in range(20))
    assert measure.readability(packed).value < measure.readability(spread).value


def test_an_elif_is_no_deeper_than_its_if(measure: ModuleType) -> None:
    chain = "if a:\n    b()\n" + "elif a:\n    b()\n" * 4
    nested = "if a:\n    b()\n" + "".join(
        f"{'    ' * i}else:\n{'    ' * (i + 1)}if a:\n{'    ' * (i + 2)}b()\n" for i in range(4)
    )
    assert measure.readability(chain).parts["nesting"] == 1
    assert measure.readability(nested).value == measure.readability(chain).value
