"""Python source to a syntax tree, from any thread, and piece by piece."""

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

INVALID = (SyntaxError, ValueError, RecursionError, MemoryError)  # what a text that is none raises

# Comments and strings, each to its end or that of the text, and the empty place before a line that
# may begin a statement. Where this takes a line for one wrongly, a piece is no Python.
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


def parse_once(source: str) -> ast.Module:
    """The syntax tree of a module.

    Raises:
        SyntaxError, ValueError: it is no Python.
        RecursionError, MemoryError: it is nested too deep.
    """
    with _ONE_AT_A_TIME, _no_collector():
        return ast.parse(source)


@contextmanager
def _no_collector() -> Iterator[None]:
    """A tree is ten thousand objects, none of them garbage, and the collector takes them for a
    reason to look through all others again and again: a third of a search's time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=8)
def parse(source: str) -> ast.Module:
    """The same, but it is kept for a while and handed out again: do not change it."""
    return parse_once(source)


def by_piece(source: str, read: Callable[[str], T]) -> list[T]:
    """What `read` makes of each piece of a module, its top-level statements or a few in one.

    Most genomes share most pieces with their parents, so a `read` that remembers has little to do.
    The trees of the pieces, one after the other, are that of the module.

    Args:
        source: of the module.
        read: of a piece; it must parse it. If a piece is no Python by itself, it reads the whole.

    Raises:
        As `parse`, or what `read` raises of the whole.
    """
    try:
        return [read(piece) for piece in _pieces(source)]
    except INVALID:
        return [read(source)]


def _pieces(source: str) -> list[str]:
    starts, decorated = [0], False
    for token in _TOKENS.finditer(source):
        start = token.start()
        if token.end() > start:
            continue
        if start and not decorated:
            starts.append(start)
        decorated = source[start] == "@"
    return [source[a:b] for a, b in zip(starts, [*starts[1:], len(source)], strict=True)]
