"""What is refused before a run is spent on it, and when two genomes are the same."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome.screening import MAX_BYTES, RefusedError, identify, screen
from trainer.task import Task


@pytest.fixture(scope="module")
def task(make_place: Callable[[], Any]) -> Task:
    """Demands `GOAL` of its genomes."""
    return make_place().task


def refusal(source: str, task: Task, known: set[str] | None = None) -> str:
    """Why the source is refused; empty if it is not."""
    try:
        screen(source, task, known or set())
    except RefusedError as error:
        return str(error)
    return ""


# -- when two genomes are the same ----------------------------------------------------------------

SAME = [
    "import os\nGOAL = [1, 2]\ndef f(x):\n    return x + 1\n",
    "import os  # a comment\n\n\nGOAL = [1,\n        2]\n\ndef f( x ):\n  return (x+1)  # more",
    "import os; GOAL = [\n1, 2,]\r\ndef f(x): return x + 1",
]


def test_comments_and_layout_do_not_make_another_program() -> None:
    assert len({identify(source, "python").exact for source in SAME}) == 1


@pytest.mark.parametrize(
    ("old", "new"), [("1, 2", "1, 3"), ("x + 1", "1 + x"), ("f(x)", "f(y)"), ("1, 2", "1, 2.0")]
)
def test_whatever_python_itself_sees_makes_another_program(old: str, new: str) -> None:
    assert identify(SAME[0], "python").exact != identify(SAME[0].replace(old, new), "python").exact


lines = st.builds(
    "{} = {}".format, st.sampled_from("abc"), st.integers(0, 9) | st.sampled_from(["'# é'", "[]"])
)
blocks = st.lists(lines, min_size=1, max_size=3)
programs = st.lists(lines | blocks, max_size=6)  # a list of lines is the body of an `if`


def written(program: list[str | list[str]], draw: Callable[[list[str]], str]) -> str:
    """The program as text, with layout and comments as drawn."""
    text = []
    for part in program:
        text += [draw(["", "  # é", "\n\n", "\x0c\n"])]
        if isinstance(part, str):
            text += [part + draw(["", " ", "  # b = 3", ";"])]
        else:
            indent = draw(["  ", "    ", "\t"])
            text += [draw(["if x:", "if (x) :  # y", "if x:\n\n"])]
            text += [indent + line + draw(["", " # z", "\n"]) for line in part]
    return draw(["\n", "\r\n"]).join(text)


@given(programs, st.data())
def test_a_program_written_in_two_ways_has_one_digest(
    program: list[str | list[str]], data: st.DataObject
) -> None:
    first, second = (written(program, lambda x: data.draw(st.sampled_from(x))) for _ in range(2))
    assert identify(first, "python").exact == identify(second, "python").exact


@given(programs, programs)
def test_programs_have_one_digest_exactly_if_they_are_one(
    first: list[str | list[str]], second: list[str | list[str]]
) -> None:
    plain = [written(program, lambda options: options[0]) for program in (first, second)]
    digests = {identify(source, "python").exact for source in plain}
    assert (len(digests) == 1) == (first == second)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@pytest.mark.parametrize("name", ["train.py", "train_cpu.py", "prepare.py"])
def test_a_digest_is_that_of_the_whole_tree_as_in_the_records_of_older_runs(name: str) -> None:
    source = (Path(__file__).parents[3] / name).read_text()
    assert identify(source, "python").exact == hashed(ast.dump(ast.parse(source)))


words = st.lists(st.text("abé.#'", min_size=1, max_size=4), min_size=1, max_size=6)


@given(words, words, st.sampled_from(["  ", "\t", " \xa0"]))
def test_prose_is_its_words(first: list[str], second: list[str], space: str) -> None:
    assert (
        identify(" ".join(first), "prose").exact
        == identify(space.join(["", *first, ""]), "prose").exact
    )
    same = identify(" ".join(first), "prose").exact == identify(" ".join(second), "prose").exact
    assert same == (first == second)


def test_prose_is_its_lines_too_however_they_end() -> None:
    first = identify("# Bees\n\nThey dance.\n", "prose").exact
    assert first == identify("\n# Bees  \r\n\r\n\n\n  They dance.", "prose").exact
    assert first != identify("# Bees They dance.", "prose").exact


def test_only_python_has_to_be_python() -> None:
    with pytest.raises(SyntaxError):
        identify("once upon a time", "python")
    assert identify("once upon a time", "prose").exact


# -- when two genomes hardly differ ----------------------------------------------------------------


FUNCTION = """
def area(width, height):
    total = 0
    for part in range(width):
        total += part * height
    try:
        return [total for total in range(3)], total
    except ValueError as error:
        return error
"""

ALIKE = [
    ("RATE = 0.0401", "RATE = 0.0402"),
    ("RATE = 1e-3", "RATE = 0.00101"),
    ("BETA = 0.9501", "BETA = 0.9499"),
    ("WIDTH = 640", "WIDTH = 641"),
    ("SEED: int = 1337", "SEED: int = 1338"),
    ("STEPS = (10, 20_000)", "STEPS = (10, 20_003)"),
    ('def f():\n    """Old."""\n    return 1', 'def f():\n    """New, \'so\'."""\n    return 1'),
    ('def f():\n    """Old."""\n    return 1', "def f():\n    return 1"),
    ("def f():\n    return 1", "def f():\n    pass\n    return 1\n    pass\npass"),
    ("def f():\n    pass", 'def f():\n    """Nothing."""'),
    ("x = 1", "import os\nx = 1"),
    ("x = 1", "from math import sin, cos as c\nx = 1\nimport os.path"),
    ("import os, sys\nprint(os, sys)", "import sys\nimport os\nprint(os, sys)"),
    ("A = 1\nB = -2.5\nC = (1, 'a')", "C = (1, 'a')\nA = 1\nB = -2.5"),
    (FUNCTION, FUNCTION.replace("width", "wide")),
    (FUNCTION, FUNCTION.replace("total", "x").replace("error", "e").replace("part", "_")),
    ("class A:\n    def f(self, x): return x", "class A:\n    def f(this, y): return y"),
    ("def f(*args, **more): return args", "def f(*a, **b): return a"),
    (
        "def f(x):\n    def g():\n        return x\n    return g",
        "def f(y):\n    def g():\n        return y\n    return g",
    ),
    ("def f(x, /): return x\nf(1)\nprint(x=1)", "def f(y, /): return y\nf(1)\nprint(x=1)"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_no_run_shows_hardly_differs(one: str, other: str, task: Task) -> None:
    assert identify(one, "python").exact != identify(other, "python").exact
    assert identify(one, "python").near == identify(other, "python").near
    known = {identify(f"GOAL = x\n{one}", "python").near}
    assert "a program that hardly differs" in refusal(f"GOAL = x\n{other}", task, known)
    assert screen(f"GOAL = x\n{other}", task, known, mends=True), "a repair may be as small"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RATE = 0.040", "RATE = 0.042"),
        ("BETA = 0.99", "BETA = 0.999"),
        ("BETA = 0.99", "BETA = 0.991"),
        ("WIDTH = 512", "WIDTH = 513"),
        ("WIDTH = 640", "WIDTH = 650"),
        ("WIDTH = 640", "WIDTH = 648"),
        ("VOCABULARY = 50257", "VOCABULARY = 50304"),
        ("MOST = 255", "MOST = 256"),
        ("DAYS = 365", "DAYS = 366"),
        ("DEPTH = 8", "DEPTH = 9"),
        ("x = y % 1000", "x = y % 1001"),
        ("RATE = 1.0", "RATE = 1"),
        ("x = 'a'", "x = 'b'"),
        ("RATE = 0.5", "RATE = -0.5"),
        ("A = 1\nB = A", "B = A\nA = 1"),
        ("A = 1\nA = 2", "A = 2\nA = 1"),
        ("f()\ng()", "g()\nf()"),
        ("import torch\nx = 1", "x = 1"),
        ("from __future__ import annotations\nx = 1", "x = 1"),
        ("import os\nx = os", "x = os"),
        ("import os\nx = eval('os.name')", "x = eval('os.name')"),
        ("def f(a, b): return a - b", "def f(a, b): return b - a"),
        ("def f(a, b): return a - b", "def f(b, a): return a - b"),
        ("def f(a): return b", "def f(b): return b"),
        ("def f(x): return x\nf(x=1)", "def f(y): return y\nf(x=1)"),
        ("def f(x): return x\nf(**{'x': 1})", "def f(y): return y\nf(**{'x': 1})"),
        ("def f(x=1): return x", "def f(y=1): return y"),
        ("def f(x): return locals()", "def f(y): return locals()"),
        ("def f():\n    global x\n    x = 1", "def f():\n    global y\n    y = 1"),
        ("def f():\n    x = 1\n    return y", "def f():\n    x = 1\n    return x"),
        (
            "def f(x):\n    import x as y\n    return x",
            "def f(x):\n    import x as y\n    return y",
        ),
        (
            "def f():\n    x = 1\n    class A:\n        x = 2\n    return A.x",
            "def f():\n    y = 1\n    class A:\n        y = 2\n    return A.x",
        ),
        ("def f():\n    return [x for x in z], x", "def f():\n    return [y for y in z], x"),
        ("if a:\n    x = 1\nelse:\n    pass", "if a:\n    pass\nelse:\n    x = 1"),
        ("class A:\n    x = 1", "class A:\n    y = 1"),
    ],
)
def test_what_a_run_could_show_differs(one: str, other: str) -> None:
    assert identify(one, "python").near != identify(other, "python").near


variables = st.sampled_from("VWXYZ")
assignments = st.builds("{} = {} + {}".format, variables, variables, variables)
functions = st.lists(assignments, min_size=1, max_size=5)


@given(functions, st.permutations("VWXYZ"))
def test_a_function_is_what_it_is_under_any_names(body: list[str], names: list[str]) -> None:
    def written(letters: Sequence[str]) -> str:
        table = str.maketrans("VWXYZ", "".join(letters))
        lines = [f"def f({', '.join('VWXYZ')}):", *body, "return V"]
        return "\n    ".join(lines).translate(table)

    assert identify(written("VWXYZ"), "python").near == identify(written(names), "python").near


@given(functions, functions)
def test_functions_are_alike_exactly_if_their_names_can_be_exchanged(
    one: list[str], other: list[str]
) -> None:
    def near(body: list[str]) -> str:
        return identify("\n    ".join(["def f():", *body, "return W"]), "python").near

    def pattern(body: list[str]) -> list[str]:
        """The body with its own names numbered as they come; others stay."""
        own = {line[0] for line in body}
        letters = "".join(letter for line in body for letter in line if letter.isalpha()) + "W"
        order = list(dict.fromkeys(letter for letter in letters if letter in own))
        return [str(order.index(x)) if x in own else x for x in letters]

    assert (near(one) == near(other)) == (pattern(one) == pattern(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Once, upon.", "once upon."),
        ("He said “so” – it’s", 'he said "so" - it\'s'),
        ("Once upon\na time.\n\nSo.", "Once upon a time.\n\nSo."),
    ],
)
def test_prose_hardly_differs_in_capitals_commas_and_ends_of_lines(one: str, other: str) -> None:
    assert identify(one, "prose").near == identify(other, "prose").near


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Once upon", "Once on"),
        ("In 1912 it sank.", "In 1913 it sank."),
        ("It has 1,200 m.", "It has 1200 m."),
        ("They dance; they sleep.", "They dance. They sleep."),
        ("Do they dance?", "Do they dance."),
        ("# Bees\n\nThey", "Bees\n\nThey"),
        ("One.\n\nTwo.", "One. Two."),
        ("- one\n- two", "- one - two"),
        ("a [link](x)", "a link (x)"),
    ],
)
def test_what_a_reader_sees_in_prose_differs(one: str, other: str) -> None:
    assert identify(one, "prose").near != identify(other, "prose").near


def test_in_a_long_text_one_corrected_number_is_a_change(task: Task) -> None:
    article = "They dance in the hive. " * 400 + "It has 60,000 bees."
    prose = replace(task, language="prose", requires=())
    known = {identify(article, "prose").exact, identify(article, "prose").near}
    assert refusal(article, prose, known).startswith("the same text was tried before")
    assert "a text that hardly differs" in refusal(article.upper(), prose, known)
    assert refusal(article.replace("60,000", "50,000"), prose, known) == ""


# -- what is refused ------------------------------------------------------------------------------


def test_a_good_genome_passes(task: Task) -> None:
    assert refusal("from given import GOAL\nprint(GOAL)\n", task) == ""


def test_a_known_program_is_refused_however_it_is_written(task: Task) -> None:
    known = {identify(SAME[0], "python").exact}
    for source in SAME:
        assert "was tried before" in refusal(source, task, known)
    assert refusal(SAME[0] + "y = 1", task, known) == ""


@pytest.mark.parametrize(
    "source",
    [
        "GOAL",
        "print(GOAL)",
        "import given\nx = given.GOAL",
        "from given import GOAL as g",
        "import GOAL",
        "def GOAL(): pass",
        "class GOAL: pass",
        "GOAL = 1",
    ],
)
def test_what_the_task_demands_may_be_used_in_any_way(source: str, task: Task) -> None:
    assert refusal(source, task) == ""


@pytest.mark.parametrize(
    "source",
    [
        *("x = 1", "x = 1  # GOAL", "x = 'GOAL'", '"""GOAL"""', "GOALS = 1", "goal = 1"),
        *("from given import GOAL", "from given import g as GOAL"),
    ],
)
def test_what_only_mentions_the_demand_is_refused(source: str, task: Task) -> None:
    assert refusal(source, task) == "the file no longer uses `GOAL`, which the task demands"


def test_prose_must_contain_the_demand_as_text(task: Task) -> None:
    prose = replace(task, language="prose", requires=("a moral",))
    assert refusal("It has a moral: none.", prose) == ""
    assert "`a moral`" in refusal("It has amoral parts.", prose)


@pytest.mark.parametrize("source", ["", " \n\t\n", "\x0c"])
@pytest.mark.parametrize("language", ["python", "prose"])
def test_an_empty_file_is_refused(source: str, language: str, task: Task) -> None:
    empty = replace(task, language=language, requires=())
    assert refusal(source, empty) == "the file is empty"


@pytest.mark.parametrize(
    "source",
    [
        *("GOAL = (", "GOAL = 1\n  x = 2", "GOAL\0", "Here is the file:\nGOAL = 1", "GOAL = 08"),
        *("GOAL = " + "(" * 9999 + ")" * 9999, "GOAL = " + "-" * 9999 + "1"),
        "GOAL = " + "1 + " * 9999 + "1",
    ],
    ids=range(8),
)
def test_what_python_cannot_read_is_refused(source: str, task: Task) -> None:
    assert refusal(source, task).startswith("the file is no valid Python")


def test_a_file_is_too_long_by_its_bytes(task: Task) -> None:
    prose = replace(task, language="prose", requires=())
    assert refusal("e" * MAX_BYTES, prose) == ""
    assert (
        refusal("e" * (MAX_BYTES + 1), prose) == "the file has 1,000,001 bytes, more than 1,000,000"
    )
    assert "1,000,002 bytes" in refusal("é" * (MAX_BYTES // 2 + 1), prose)


# A reply comes as JSON, where half of a surrogate pair can stand alone: no file can hold it.
any_text = st.text(st.characters(), max_size=30) | st.sampled_from(["GOAL = '\ud800'", "# \udfff"])


@settings(max_examples=200, deadline=None)
@given(any_text, st.sampled_from(["python", "prose"]))
def test_any_text_passes_or_is_refused_in_words(task: Task, text: str, language: str) -> None:
    open_task = replace(task, language=language, requires=())
    reason = refusal(text, open_task)  # anything but a refusal is raised here
    if not reason:
        assert text.encode().strip()
        assert language == "prose" or ast.parse(text)
