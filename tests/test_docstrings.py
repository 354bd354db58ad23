"""Docstrings read on their own: no description of an argument is a fragment of a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("archive", "benchmarks", "corpus", "evolve", "examples", "population", "trainer", "views")
SUBJECTS = ("src", "baseline")  # folders of what the example tasks improve, whose text is measured
FILES = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py")))
    if not set(path.parts) & set(SUBJECTS)
)
SECTION = re.compile(r"^(Args|Attributes):$")
ENTRY = re.compile(r"^    (\*{0,2}\w[\w, *]*): (.*)$")
# Words that go on with the name in front of them, as in "seed: of all randomness".
CONTINUES = re.compile(r"(Of|To|That|Which|Who|Whom|Whose)\b")
Fragment = tuple[int, str]


def fragments(source: str) -> Iterator[Fragment]:
    """The lines of docstrings that cannot be understood on their own, with their text."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(node)
        if docstring:
            line = node.body[0].lineno
            yield from ((line + at, text) for at, text in _in_docstring(docstring))


def _in_docstring(docstring: str) -> Iterator[Fragment]:
    lines = docstring.splitlines()
    if CONTINUES.match(lines[0]):
        yield 0, lines[0]
    in_section = False
    for number, line in enumerate(lines):
        if line and not line.startswith(" "):
            in_section = bool(SECTION.match(line))
        entry = ENTRY.match(line) if in_section else None
        if entry and not _stands_alone(entry[2]):
            yield number, line.strip()


def _stands_alone(description: str) -> bool:
    return not description[:1].islower() and not CONTINUES.match(description)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_description_is_a_fragment(file: Path) -> None:
    found = [f"{file}:{line}: {text}" for line, text in fragments((ROOT / file).read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "entry", ["seed: of all randomness.", "model: Of the run.", "tokens: that a request may have"]
)
def test_a_fragment_is_found(entry: str) -> None:
    source = f'def f():\n    """Do it.\n\n    Args:\n        {entry}\n    """\n'
    assert [text for _, text in fragments(source)] == [entry]


def test_a_noun_phrase_is_none() -> None:
    source = (
        'def f():\n    """Do it.\n\n    Args:\n        seed: Seed of all randomness.\n    """\n'
    )
    assert not list(fragments(source))
