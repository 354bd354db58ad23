"""Three-way merges: what each side changed arrives, and what both changed is told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome.merge import Conflict, MergeResult, merge

BASE = '''\
"""A genome."""

import math
import os

# Model
DEPTH = 9  # blocks
WIDTH = 640
SIZES = (
    1,
    2,
    3,
)

print("setup")


def norm(x):
    return x


class Net:
    """A net."""

    WIDTH = 3

    # builds it
    def __init__(self):
        self.a = 1

    def forward(self, x):
        y = x + 1
        z = y * 2
        return z


for step in range(10):
    norm(step)
    a = step
    b = a
    print(step)

print("done")
'''
FORWARD = "    def forward(self, x):\n        y = x + 1\n        z = y * 2\n        return z\n"


def changed(*edits: tuple[str, str], of: str = BASE) -> str:
    for old, new in edits:
        assert of.count(old) == 1, old
        of = of.replace(old, new)
    return of


def merged(first: str, second: str, base: str = BASE) -> MergeResult:
    return merge(base, first, second, "python")


def clean(first: str, second: str, base: str = BASE) -> str:
    """The merged text, after a look at the merge with the sides exchanged."""
    result, other = merged(first, second, base), merged(second, first, base)
    assert result.conflicts == other.conflicts == ()
    assert sorted(result.from_first) == sorted(other.from_second)
    assert sorted(result.from_second) == sorted(other.from_first)
    return result.source


def test_neighbouring_constants_do_not_conflict() -> None:
    first = changed(("DEPTH = 9", "DEPTH = 10"))
    second = changed(("WIDTH = 640\n", "WIDTH = 768\n"))
    assert clean(first, second) == changed(("9  #", "10  #"), ("WIDTH = 640\n", "WIDTH = 768\n"))
    result = merged(first, second)
    assert (result.from_first, result.from_second) == (("constant DEPTH",), ("constant WIDTH",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("    return x\n\n", "    return -x\n\n"), ('"""A net."""', '"""The net."""')),
        (("    WIDTH = 3", "    WIDTH = 4"), ("# builds it", "# makes it")),
        (("self.a = 1", "self.a = 2"), ("y = x + 1", "y = x + 2")),
        (("class Net:", "@wrapped\nclass Net(Base):"), ("WIDTH = 3", "HEIGHT = 3")),
        (("# builds it", "# makes it"), ("def __init__(self):", "def __init__(self, n=1):")),
        (("    1,\n", "    4,\n"), ("    3,\n", "    5,\n")),
        (("    norm(step)\n", "    norm(0)\n"), ("    b = a\n", "    b = 1\n")),
        (("in range(10)", "in range(99)"), ("    print(step)\n", "    print(a, b)\n")),
        (('"""A genome."""', '"""The genome."""'), ("import math", "import math as m")),
        (("import os\n", ""), ("import math\n", "from math import pi\n")),
        (('print("setup")', 'print("ready")'), ("    3,\n", "    3,\n    4,\n")),
        (('print("setup")\n', ""), ("def norm(x):", "def norm(x, y=0):")),
        (("# Model\n", ""), ("DEPTH = 9", "DEPTH = 10")),
        (("\n# Model\n", "\n\n\n# Model\n"), ("DEPTH = 9", "DEPTH = 10")),
    ],
)
def test_changes_in_different_parts_or_lines_are_both_there(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert clean(changed(one), changed(other)) == changed(one, other)


def test_added_parts_follow_what_they_followed() -> None:
    one = changed(
        ("WIDTH = 640\n", "WIDTH = 640\nONE = 1  # new\n"),
        ("import math\n", "import functools\nimport math\n"),
        ("    return x\n", "    return x\n\n\n# the one\ndef one():\n    return ONE\n"),
        ("    WIDTH = 3\n", "    WIDTH = 3\n    ONE = 1\n"),
    )
    two = changed(
        ("WIDTH = 640\n", "WIDTH = 320\nTWO = 2\n"),
        ("import os\n", "import os\nimport sys\n"),
        ("    return x\n", "    return -x\n\n\n@old\ndef two():\n    return TWO\n"),
        ("        return z\n", "        return z\n\n    def two(self):\n        return 2\n"),
    )
    assert merged(one, two).source == changed(
        ("WIDTH = 640\n", "WIDTH = 320\nONE = 1  # new\nTWO = 2\n"),
        ("import math\nimport os\n", "import functools\nimport math\nimport os\nimport sys\n"),
        (
            "    return x\n",
            "    return -x\n\n\n# the one\ndef one():\n    return ONE\n"
            "\n\n@old\ndef two():\n    return TWO\n",
        ),
        ("    WIDTH = 3\n", "    WIDTH = 3\n    ONE = 1\n"),
        ("        return z\n", "        return z\n\n    def two(self):\n        return 2\n"),
    )
    assert merged(one, two).conflicts == ()


@pytest.mark.parametrize("new", ["NEW = 1\n{}", "{}NEW = 1\n"])
def test_a_part_added_beside_replaced_code_keeps_its_side_of_it(new: str) -> None:
    old, other = "    2,\n    3,\n)\nrun(1)\n", "    2,\n    3,\n)\nrun(2)\nrun(3)\n"
    base = changed(('    2,\n    3,\n)\n\nprint("setup")\n', old))
    added = old[:-7] + new.format("run(1)\n")
    new_added = old[:-7] + new.format("run(2)\nrun(3)\n")
    first, second = changed((old, added), of=base), changed((old, other), of=base)
    assert clean(first, second, base) == changed((old, new_added), of=base)


def test_a_part_deleted_by_one_side_goes_with_its_comment() -> None:
    init = "    # builds it\n    def __init__(self):\n        self.a = 1\n\n"
    first, second = changed((init, ""), ("WIDTH = 640\n", "")), changed(("return z", "return -z"))
    assert clean(first, second) == changed((init, ""), ("WIDTH = 640\n", ""), ("n z", "n -z"))


def test_a_part_that_moved_takes_the_other_sides_change_along() -> None:
    sizes = "SIZES = (\n    1,\n    2,\n    3,\n)\n"
    moved = changed((sizes, ""), ("\n\nfor step", "\n\n" + sizes + "\n\nfor step"))
    assert clean(moved, changed(("    2,\n", ""))) == changed(("    2,\n", ""), of=moved)
    assert merged(moved, BASE).from_first == ("constant SIZES",)
    assert merged(moved, changed((sizes, ""))).from_second == ("constant SIZES",)


def test_the_same_change_on_both_sides_is_made_once() -> None:
    both = (("DEPTH = 9", "DEPTH = 10"), ("import os\n", "import os\nimport sys\n"))
    first, second = changed(*both, ("z = y", "z = -y")), changed(*both, ("    2,\n", "    7,\n"))
    assert clean(first, second) == changed(*both, ("z = y", "z = -y"), ("    2,\n", "    7,\n"))
    assert merged(first, second).from_first == ("class Net",)


@pytest.mark.parametrize(
    ("name", "part", "old", "new", "newer"),
    [
        ("constant DEPTH", "# Model\nDEPTH = 9  # blocks\n", "9  #", "8  #", "7  #"),
        ("def Net.forward", FORWARD, "y * 2", "y * 3", "y * 4"),
        ("class Net", "class Net:\n", "class Net:", "class Net(A):", "class Net(B):"),
        ("top-level code near line 15", 'print("setup")\n', 'print("setup")', "a()", "b()"),
    ],
)
def test_what_both_changed_is_a_conflict_and_stays_as_in_the_first(
    name: str, part: str, old: str, new: str, newer: str
) -> None:
    apart = 'print("done")', 'print("the end")'
    result = merged(changed((old, new)), changed((old, newer), apart))
    conflict = Conflict(name, part, part.replace(old, new), part.replace(old, newer))
    assert result.conflicts == (conflict,)
    assert result.source == changed((old, new), apart)
    assert result.from_first == ()
    assert [part[:24] for part in result.from_second] == ["top-level code near line"]


@pytest.mark.parametrize(
    ("name", "after", "text"),
    [
        ("constant A", "import os\n", "A = {}\n"),
        ("code of class Net near line 26", "    WIDTH = 3\n", "    run({})\n"),
    ],
)
def test_what_both_added_is_a_conflict(name: str, after: str, text: str) -> None:
    one, two = text.format(1), text.format(2)
    first = changed((after, after + one))
    expected = MergeResult(first, (Conflict(name, "", one, two),), (), ())
    assert merged(first, changed((after, after + two))) == expected


def test_the_same_part_added_in_two_places_is_there_once() -> None:
    one, other = BASE + "NEW = 1\n", changed(("WIDTH = 640\n", "WIDTH = 640\nNEW = 1\n"))
    assert merged(one, other) == MergeResult(one, (), (), ())
    assert merged(other, one) == MergeResult(other, (), (), ())


def test_what_cannot_be_taken_apart_is_one_part() -> None:
    base = "class A: B = 2\ndef f():\n    return 1\n    # end\n\n\n# f is over\nC = 3\n"
    first, second = base.replace("2", "4"), base.replace("2", "5")
    (conflict,) = merged(first, second, base).conflicts
    assert (conflict.name, conflict.second) == ("class A", "class A: B = 5\n")
    assert merged(base.replace("# end", "# the end"), base, base).from_first == ("def f",)


def test_what_one_side_deletes_and_the_other_changes_is_a_conflict() -> None:
    less, more = changed(("\n" + FORWARD, "")), changed(("y = x + 1", "y = x + 2"))
    new = FORWARD.replace("+ 1", "+ 2")
    for first, second, texts in ((less, more, ("", new)), (more, less, (new, ""))):
        conflict = Conflict("def Net.forward", FORWARD, *texts)
        assert merged(first, second) == MergeResult(first, (conflict,), (), ())


def test_of_a_part_in_conflict_the_second_sides_other_lines_are_taken() -> None:
    first = changed(("    norm(step)\n", "    norm(1)\n"))
    second = changed(("    norm(step)\n", "    norm(2)\n"), ("print(step)", "print(a)"))
    result = merged(first, second)
    assert result.source == changed(("    norm(step)\n", "    norm(1)\n"), ("t(step)", "t(a)"))
    assert [conflict.name for conflict in result.conflicts] == ["top-level code near line 37"]


def test_a_merge_that_is_no_python_is_one_conflict() -> None:
    base = "class A:\n    x = 1\n    y = 2\n"
    first, second = base.replace("    x = 1\n", ""), base.replace("    y = 2\n", "")
    result = merged(first, second, base)
    whole = Conflict("the whole file", base, first, second)
    assert result == MergeResult(first, (whole,), ("name A.x",), ())


@pytest.mark.parametrize("broken", ["A = (", "A = '\0'", "(" * 5000, "A = '\ud800'"])
def test_what_is_no_python_is_told(broken: str) -> None:
    for texts in ((broken, "", ""), ("", broken, ""), ("", "", broken)):
        with pytest.raises(ValueError, match=r"the .* cannot be merged, for it is no Python"):
            merge(*texts, "python")


@pytest.mark.parametrize(
    "base",
    [
        "A = 1; B = 2\nC = 3\n",
        "A = 1; \\\nB = 2\nC = 3\n",
        "A = 1\nA = 2\nC = 3\nprint()\nprint()\n",
        "@one\n# odd\n@(\n  two\n)\ndef A(): return 2\nC = 3\n",
        "class A: B = 2\nC = 3\n",
        "class A:\n\tB = 2\n\n\tdef f(self): pass\n\t# end\n# C\nC = 3\n",
        "def A():\n    return 2\n    # end\n\n# apart\n\n# C\nC = 3",
        "A = 2\r\n\r\n# C\r\nC = 3\r\n",
        "A = 2\r# C\rC = 3",
        'A = """\n\n# 2\n"""\n\x0c\nC = 3\n   ',
        "\\\nA = 2  # \u2028 \x1c no line\nC = 3  # Ü\n",
    ],
)
def test_odd_layouts_survive(base: str) -> None:
    first, second = base.replace("2", "77"), changed(("C = 3", "C = 88"), of=base)
    assert clean(first, second, base) == second.replace("2", "77")


PIECES = st.sampled_from(
    [
        *(f"{name} = {value}" for name in "ABx" for value in (1, 2)),
        *('"""Text."""', "import os", "from a import (\n    b,\n)", "A = 1; C = 2", "a, b = 1, 2"),
        *("print()", "print(1)", "x += 1", "# note", "# head\n# more", "\n", "\n\n# apart\n\n"),
        *("def f(): pass", "@deco\ndef g():\n    # c\n    return 1\n    # end", "class K: A = 1"),
        "class K(\n    X,\n):\n    # top\n\n    a = 1\n\n    def m(self):\n        pass\n    # end",
        "class K:\n    def n(self): pass\n    def n(self): pass\n\n    class In:\n        a = 1",
        *(
            "if A:\n    x = 3\nelse:\n    x = 4",
            "for i in x:\n    f()\n\n    # tail",
            "Z = 1 + \\\n 2",
        ),
    ]
)
PROGRAMS = st.builds(
    lambda pieces, end, line: ("\n".join(pieces) + end).replace("\n", line),
    st.lists(PIECES, max_size=12),
    st.sampled_from(["", "\n", "\n\n", "\n# end"]),
    st.sampled_from(["\n", "\n", "\r\n"]),
)
PROSE = st.text(st.sampled_from("ab \n\r.\u2028"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.tuples(PROGRAMS, PROGRAMS), st.tuples(PROSE, PROSE)), st.booleans())
def test_a_merge_with_an_unchanged_side_is_the_other_side(
    texts: tuple[str, str], as_prose: bool
) -> None:
    base, side = texts
    try:
        ast.parse(base), ast.parse(side)
    except SyntaxError:
        as_prose = True
    language = "prose" if as_prose else "python"
    one, other = merge(base, side, base, language), merge(base, base, side, language)
    both = merge(base, side, side, language)
    assert one.source == other.source == both.source == side
    assert one.conflicts == other.conflicts == both.conflicts == ()
    assert one.from_second == other.from_first == both.from_first == both.from_second == ()
    assert sorted(one.from_first) == sorted(other.from_second)


PART = ("constant", "function", "method")
SIDES = st.sampled_from(["", "first", "second"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PART), SIDES, SIDES, SIDES), min_size=1, max_size=14))
def test_all_disjoint_changes_are_there(plan: list[tuple[str, str, str, str]]) -> None:
    """Of each part: who changes it, who deletes it instead, who adds another one behind it."""

    def module(*sides: str) -> str:
        texts = []
        for number, (kind, changer, deleter, adder) in enumerate(plan):
            if changer or deleter not in sides:
                texts.append(text(number, kind, 1 if changer in sides else 0))
            if adder in sides:
                texts.append(text(number, kind, 2))
        return "".join(texts)

    def text(number: int, kind: str, value: int) -> str:
        name = f"N{number}" + ("_NEW" if value == 2 else "")
        if kind == "constant":
            return f"{name} = {value}\n"
        if kind == "function":
            return f"\n\n# above\ndef {name}():\n    return {value}\n\n\n"
        return f"class {name}:\n    X = 1\n\n    def m(self):\n        return {value}\n\n"

    result = merged(module("first"), module("second"), module())
    assert result.conflicts == ()
    both, found = (ast.parse(text).body for text in (module("first", "second"), result.source))
    assert sorted(map(ast.dump, found)) == sorted(map(ast.dump, both))
    if not any(deleter for _, _, deleter, _ in plan):  # beside what is gone any order will do
        assert list(map(ast.dump, found)) == list(map(ast.dump, both))


def test_two_children_of_the_seed_unite() -> None:
    base = (Path(__file__).parents[3] / "train.py").read_text()
    one = (
        ("DEPTH = 9 ", "DEPTH = 12 "),
        ("F.relu(self.up(x)).square()", "F.gelu(self.up(x))"),
        ("        self.init_weights()\n\n", "        self.init_weights().train()\n\n"),
        ("    if step < 0:\n", "    if step < -1:\n"),
        ("import gc\n", "import functools\nimport gc\n"),
    )
    two = (
        ("WIDTH = 640 ", "WIDTH = 768 "),
        ("HEAD_DIM = 128 ", "HEAD_DIM = 64 "),
        ("x = block(x, values, rotary)", "x = 0.5 * (x + block(x, values, rotary))"),
        ("    if elapsed >= TIME_BUDGET:\n        b", "    if elapsed > TIME_BUDGET:\n        b"),
        ("def orthogonalize(g):", "@compile_on_gpu\ndef orthogonalize(g):"),
    )
    result = merged(changed(*one, of=base), changed(*two, of=base), base)
    assert result.conflicts == ()
    assert result.source == changed(*one, *two, of=base)
    compile(result.source, "train.py", "exec")
    names = ("import functools", "constant DEPTH", "class MLP", "def GPT.__init__")
    assert result.from_first == names
