"""Parsing of Python source into syntax trees, from any thread, and piece by piece."""

from __future__ import annotations

import ast
import gc
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

# CPython 3.11 counts the depth of a tree in one place for all threads: two that build trees at once
# end in "SystemError: AST constructor recursion depth mismatch".
_ONE_AT_A_TIME = threading.Lock()

INVALID = (
    SyntaxError,
    ValueError,
    RecursionError,
    MemoryError,
)  # raised for a text that is no Python

# Comments and strings, each to its end or to the end of the text, and the empty place before a line
# that may begin a statement. Where a line is taken for a statement wrongly, a piece does not parse.
_TOKENS = re.compile(
    r'''\#[^\n]*
    |"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:""")?
    |\'\'\'[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:\'\'\')?
    |"[^"\\\n]*(?:\\.[^"\\\n]*)*"?
    |'[^'\\\n]*(?:\\.[^'\\\n]*)*'?
    |^(?=[A-Za-z_@])(?!(?:elif|else|except|finally)\b)''',
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
T = TypeVar("T")


def parse_uncached(source: str) -> ast.Module:
    """Parse a module into a syntax tree that the caller may change.

    Raises:
        SyntaxError, ValueError: The source is no valid Python.
        RecursionError, MemoryError: The source is nested too deep.
    """
    with _ONE_AT_A_TIME, _pause_collector():
        return ast.parse(source)


@contextmanager
def _pause_collector() -> Iterator[None]:
    """Stop Python's garbage collector for a moment.

    A tree is ten thousand objects, none of them garbage. The collector takes them as a reason to
    look through all other objects again and again, which was a third of a search's time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=8)
def parse(source: str) -> ast.Module:
    """Parse a module into a syntax tree that is cached and shared, so nobody may change it.

    Raises:
        SyntaxError, ValueError: The source is no valid Python.
        RecursionError, MemoryError: The source is nested too deep.
    """
    return parse_uncached(source)


def find_first_line(statement: ast.stmt | ast.expr) -> int:
    """The number of a statement's first line, its decorators included, from 1."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def map_pieces(source: str, read: Callable[[str], T]) -> list[T]:
    """Apply a function to each piece of a module, which is one top-level statement or a few.

    Most genomes share most pieces with their parents, so a cached `read` has little to do. The
    trees of the pieces, one after the other, are the tree of the module.

    Args:
        source: Text of the module.
        read: Function of a piece's text, which must parse it. It gets the whole source instead if
            one of the pieces is no valid Python by itself.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: The source is no valid Python.
    """
    try:
        return [read(piece) for piece in _split_pieces(source)]
    except INVALID:
        return [read(source)]


def _split_pieces(source: str) -> list[str]:
    starts, decorated = [0], False
    for token in _TOKENS.finditer(source):
        start = token.start()
        if token.end() > start:
            continue
        if start and not decorated:
            starts.append(start)
        decorated = source[start] == "@"
    return [source[a:b] for a, b in zip(starts, [*starts[1:], len(source)], strict=True)]
