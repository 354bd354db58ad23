from __future__ import annotations

import ast
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.genome.parsing import map_pieces, parse

ROOT = Path(__file__).parents[3]


@pytest.fixture
def restless() -> Iterator[None]:
    """Other threads get their turn whenever the collector runs, in the middle of a tree too."""
    before = gc.get_threshold()

    def pause(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    gc.callbacks.append(pause)
    gc.set_threshold(200)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(pause)


def test_many_threads_parse_at_once(restless: None) -> None:
    """Where nobody keeps them apart, CPython 3.11 ends some of them in a SystemError."""
    source = (ROOT / "train_cpu.py").read_text()
    wanted = ast.dump(ast.parse(source))
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(parse, [source] * 40))
    assert ast.dump(trees[0]) == ast.dump(trees[-1]) == wanted


# -- piece by piece -------------------------------------------------------------------------------


def dumps(text: str) -> list[str]:
    return [ast.dump(statement) for statement in ast.parse(text).body]


def in_pieces(source: str) -> list[str]:
    """The statements of a module, read piece by piece."""
    return [statement for piece in map_pieces(source, dumps) for statement in piece]


LIBRARY = sorted(Path(ast.__file__).parent.glob("*.py"))[::4]
FILES = [*ROOT.glob("*.py"), *ROOT.glob("evolve/*.py"), *ROOT.glob("evolve/*/*.py"), *LIBRARY]


def test_the_pieces_of_a_module_are_the_module() -> None:
    assert len(FILES) > 50
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        assert in_pieces(source) == dumps(source), path


LINES = [
    *("x = 1", "x = (", ")", "y = '''", "z'''", '"""', "s = 'a\\", "b'", "# it's", 'a = "#" # "'),
    *("if x:", "    y = 2", "elif y: z = 3", "else:", "else_ = 1", "try: x", "except: pass"),
    *("finally: y", "@f", "@g(1)", "def h(): pass", "class C: x = 1", "async def k(): pass", "\\"),
    *("x = y + \\", "", "  ", "\x0c", "é = 'é'", "r'\\'", "f'{x!r}'", "for x in y: pass", "1; 2;"),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=7), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_lines_are_read_as_python_reads_them(lines: list[str], end: str) -> None:
    source = end.join(lines)
    try:
        expected: object = dumps(source)
    except SyntaxError as error:
        expected = error.msg, error.lineno
    try:
        found: object = in_pieces(source)
    except SyntaxError as error:
        found = error.msg, error.lineno
    assert found == expected


def test_a_change_of_one_statement_makes_one_new_piece() -> None:
    source = (ROOT / "train.py").read_text()
    before, after = list[str](), list[str]()
    map_pieces(source, before.append)
    map_pieces(source.replace("x.chunk(2, dim=-1)", "x.chunk(2, dim=2)"), after.append)
    assert "".join(before) == source
    assert len(before) > 50
    (new,) = set(after) - set(before)
    assert new.startswith("def rotate(")


@pytest.mark.parametrize("text", ['"""\\', "'", '"\\\n', "x = '''\n", "@a\n", "#"])
def test_strings_that_do_not_end_take_no_longer_than_their_length(text: str) -> None:
    """Where each looked through all that follows, this would take hours."""
    source = text * (300_000 // len(text))
    with pytest.raises(SyntaxError):
        map_pieces(f"{source}\n)", ast.parse)
