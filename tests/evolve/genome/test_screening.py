"""What is refused before a run is spent on it, and when two genomes are the same."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
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


def test_so_is_the_one_of_what_hardly_differs() -> None:
    source = '"""Words."""\nRATE = 0.0401\nBETA = 0.9501\nDEPTH = 3\n'
    tree = ast.dump(ast.parse(source)).replace("Expr(value=Constant(value='Words.')), ", "")
    tree = tree.replace("0.0401", "4.0e-02").replace("0.9501", "1-5.0e-02")
    assert identify(source, "python").near == hashed(f"near {tree}")


words = st.lists(st.text("abé.#'", min_size=1, max_size=4), min_size=1, max_size=6)


@given(words, words, st.sampled_from(["\n", "  ", "\t\n", "\r\n\r\n"]))
def test_prose_is_its_words(first: list[str], second: list[str], space: str) -> None:
    assert (
        identify(" ".join(first), "prose").exact
        == identify(space.join(["", *first, ""]), "prose").exact
    )
    same = identify(" ".join(first), "prose").exact == identify(" ".join(second), "prose").exact
    assert same == (first == second)


def test_only_python_has_to_be_python() -> None:
    with pytest.raises(SyntaxError):
        identify("once upon a time", "python")
    assert identify("once upon a time", "prose").exact


# -- when two genomes hardly differ ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RATE = 0.0401", "RATE = 0.0402"),
        ("RATE = 1e-3", "RATE = 0.00101"),
        ("BETA = 0.9501", "BETA = 0.9499"),
        (
            'def f():\n    """Old."""\n    return 1',
            'def f():\n    """New, \'so\'."""\n    return 1',
        ),
        ('def f():\n    """Old."""\n    return 1', "def f():\n    return 1"),
    ],
)
def test_digits_and_docstrings_hardly_differ(one: str, other: str, task: Task) -> None:
    assert identify(one, "python").exact != identify(other, "python").exact
    assert identify(one, "python").near == identify(other, "python").near
    known = {identify(f"GOAL = 1\n{one}", "python").near}
    assert "hardly differs" in refusal(f"GOAL = 1\n{other}", task, known)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RATE = 0.040", "RATE = 0.042"),
        ("BETA = 0.99", "BETA = 0.999"),
        ("BETA = 0.99", "BETA = 0.991"),
        ("WIDTH = 512", "WIDTH = 513"),
        ("RATE = 1.0", "RATE = 1"),
        ("x = 'a'", "x = 'b'"),
        ("RATE = 0.5", "RATE = -0.5"),
    ],
)
def test_what_a_run_could_show_differs(one: str, other: str) -> None:
    assert identify(one, "python").near != identify(other, "python").near


def test_prose_hardly_differs_in_case_and_punctuation() -> None:
    assert identify("Once, upon.", "prose").near == identify("once upon", "prose").near
    assert identify("Once upon", "prose").near != identify("Once on", "prose").near


# -- what is refused ------------------------------------------------------------------------------


def test_a_good_genome_passes(task: Task) -> None:
    assert refusal("from given import GOAL\n", task) == ""


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
        "from given import g as GOAL",
        "import GOAL",
        "def GOAL(): pass",
        "class GOAL: pass",
        "GOAL = 1",
    ],
)
def test_what_the_task_demands_may_be_used_in_any_way(source: str, task: Task) -> None:
    assert refusal(source, task) == ""


@pytest.mark.parametrize(
    "source", ["x = 1", "x = 1  # GOAL", "x = 'GOAL'", '"""GOAL"""', "GOALS = 1", "goal = 1"]
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
