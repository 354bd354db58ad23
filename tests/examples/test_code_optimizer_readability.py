"""How examples/code_optimizer measures how readable a program is."""

from __future__ import annotations

import textwrap
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
    measured = measure.measure_readability(GOOD)
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
    measured = measure.measure_readability(source)
    assert measured.parts[part] < 1
    assert measured.value < 1


def test_long_functions_should_say_what_they_are_for(measure: ModuleType) -> None:
    more = "    doubled.append(items[0] + 1)\n" * 9
    longer = GOOD.replace("    return", f"{more}    return")
    assert measure.measure_readability(longer).parts["documented"] == 1
    silent = longer.replace('    """The positive items, doubled."""\n', "")
    assert measure.measure_readability(silent).parts["documented"] < 1


PADDING = "".join(
    f'\n\ndef step_{i}(value):\n    """Step {i}."""\n    return step_{(i + 1) % 99}(value)\n'
    for i in range(99)
)


def test_functions_that_were_added_as_padding_gain_nothing(measure: ModuleType) -> None:
    start = (FOLDER / "src" / "main.py").read_text()
    first, padded = (measure.measure_readability(text) for text in (start, start + PADDING))
    assert padded.lines == first.lines + 2 * 99
    assert padded.value <= first.value
    assert all(padded.parts[name] <= part for name, part in first.parts.items())


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        ("match doubled:\n" + "".join(f"    case [{i}]: pass\n" for i in range(14)), "branches"),
        ("print([n for n in items if n if n > 1 if n > 2 if n > 3 if n > 4 if n > 5])", "branches"),
        ("match 1:\n    case 1:\n        while 2:\n            doubled = []", "nesting"),
        ("try:\n    if 1:\n        while 2:\n            pass\nexcept* OSError: raise", "nesting"),
        ("print([[[[m for m in n] for n in o] for o in p] for p in items])", "nesting"),
    ],
    ids=["match", "filters", "match-depth", "try-star", "comprehensions"],
)
def test_every_way_to_branch_and_to_nest_counts(measure: ModuleType, lines: str, part: str) -> None:
    body = textwrap.indent(lines, "    ")
    source = GOOD.replace("    return doubled", f"{body}\n    return doubled")
    assert measure.measure_readability(source).parts[part] < 1


def test_lines_that_hold_more_are_longer(measure: ModuleType) -> None:
    """A function is as long as its syntax tree, however many line ends there are in it."""
    wide = "    doubled.append(sum(items) + max(items) * min(items) - len(items) + abs(items[0]))\n"
    packed = GOOD.replace("    return doubled", f"{wide * 19}    return doubled")
    spread = packed.replace("(sum(", "(\n        sum(").replace(" + ", "\n        + ")
    parts = [measure.measure_readability(source).parts["length"] for source in (packed, spread)]
    assert parts[0] == parts[1] < 1


def test_a_text_beside_a_statement_hides_no_line(measure: ModuleType) -> None:
    beside = GOOD.replace("    doubled = []", '    "nothing"; doubled = []')
    assert measure.measure_readability(beside).lines == 6


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
        "from functools import singledispatch",  # evaluates an annotation that is a text
        "import functools\n@functools.singledispatch\ndef f(a): pass",
        "from functools import singledispatchmethod",
        "from functools import wraps",
        "from typing import get_type_hints",
        "from typing import ForwardRef",
        "from dataclasses import make_dataclass",
        "from enum import Enum",
        "from abc import ABC",
        "maker = type(type(1))",
        "type('X', (), {'__match_args__': ('__globals__',)})",
        "class X:\n    match ('gi_frame',):\n        case __match_args__: pass",
        "class X:\n    from math import pi as __match_args__",
        "class X:\n    def __instancecheck__(self, other): return True",
        "class X(list, metaclass=report): pass",
        "import collections.abc\ncollections.abc.Callable.register(report)",
        "from collections.abc import Callable\nCallable.register(report)",
        "import math\n[math][0]._x",
        "import math\nmath.sin = math.cos",
        "import operator\noperator.attrgetter('x')",
        "𝐞𝐱𝐞𝐜('report = 1')",
        "help('modules')",
        "vars(report)",
        "input()",
        "import gc as math",
        "match report:\n    case object(gi_frame=harmless):\n        harmless()",
        "report.__globals__",
        "getattr(report, 'x')",
        "open('x')",
    ],
)
def test_what_may_hide_its_doings_has_no_marks(measure: ModuleType, line: str) -> None:
    measured = measure.measure_readability(f"{GOOD}\n\n{line}\n")
    assert measured.hides
    assert measured.value == 0


@pytest.mark.parametrize(
    "line",
    [
        "from collections import defaultdict",
        "import heapq, itertools",
        "import datetime\ndatetime.datetime.fromisoformat('2031-05-04').timestamp()",
        "import re\nre.compile('a').match('a')",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Trip:\n    bike: str",
        "from typing import NamedTuple\nclass Trip(NamedTuple):\n    bike: str",
        "try:\n    int('x')\nexcept ValueError as error:\n    raise TypeError from error",
        "class Kept(dict):\n    def __missing__(self, key):\n        return key",
        "class Heap(list):\n    def __init__(self):\n        super().__init__(self._items)",
        "report([])._replace(trips=1)",
        "if __name__ == '__main__':\n    print(report.__doc__)",
    ],
)
def test_what_honest_programs_use_hides_nothing(measure: ModuleType, line: str) -> None:
    assert not measure.measure_readability(f"{GOOD}\n\n{line}\n").hides


@given(st.text(alphabet="# ab\n", max_size=60).map(lambda text: text.replace("\n", "\n# ")))
def test_remarks_are_no_lines_of_code(measure: ModuleType, remark: str) -> None:
    measured = measure.measure_readability(f"# {remark}\n\n{GOOD}")
    assert measured.lines == 6
    assert measured.value == pytest.approx(1.0)


def test_statements_on_one_line_gain_nothing(measure: ModuleType) -> None:
    spread = "".join(f"value_{i} = {i}\nprint(value_{i})\n" for i in range(20))
    packed = "".join(f"value_{i} = {i}; print(value_{i})\n" for i in range(20))
    assert measure.measure_readability(packed).value < measure.measure_readability(spread).value


def test_an_elif_is_no_deeper_than_its_if(measure: ModuleType) -> None:
    chain = "if a:\n    b()\n" + "elif a:\n    b()\n" * 4
    nested = "if a:\n    b()\n" + "".join(
        f"{'    ' * i}else:\n{'    ' * (i + 1)}if a:\n{'    ' * (i + 2)}b()\n" for i in range(4)
    )
    assert measure.measure_readability(chain).parts["nesting"] == 1
    assert measure.measure_readability(nested).value == measure.measure_readability(chain).value
