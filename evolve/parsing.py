"""Python source to a syntax tree, from any thread."""

from __future__ import annotations

import ast
import threading
from functools import lru_cache

# CPython 3.11 counts the depth of a tree in one place for all threads: two that build trees at once
# end in "SystemError: AST constructor recursion depth mismatch".
_ONE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=8)
def parse(source: str) -> ast.Module:
    """The syntax tree of a module. It is kept for a while and handed out again: do not change it.

    Raises:
        SyntaxError, ValueError: it is no Python.
        RecursionError, MemoryError: it is nested too deep.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source)
