"""With what a Python source could hide what it does from whoever reads it, and from the measures.

Text that is run, frames and modules that are reached by the back door, files: a program whose work
is done there has nothing to show on its own syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

HARMLESS = {  # modules that run no text, reach no files and start nothing
    *("__future__", "abc", "array", "bisect", "calendar", "cmath", "collections", "contextlib"),
    *("copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq"),
    *("itertools", "math", "numbers", "operator", "random", "re", "statistics", "string", "struct"),
    *("textwrap", "time", "typing", "unicodedata", "zoneinfo"),
}
HIDING = {
    *("exec", "eval", "compile", "globals", "locals", "vars", "getattr", "setattr", "delattr"),
    *("open", "breakpoint", "attrgetter", "methodcaller", "Formatter", "get_type_hints"),
    *("builtins", "bltns", "importlib", "types", "os", "sys", "io", "gc", "inspect", "codecs"),
    *("gi_frame", "cr_frame", "ag_frame", "tb_frame", "f_back", "f_globals", "f_builtins"),
}
PLAIN = {"__init__", "__name__", "__doc__"}  # every other name with two underscores can hide
NAMED_TUPLE = {"_replace", "_asdict", "_make", "_fields"}  # private by their form alone


def hiding(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The names that can hide what a program does, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(name) if _hides(name):
                yield node.lineno, name
            case ast.Attribute(value, name) if _hides(name) or _is_private(value, name):
                yield node.lineno, name
            case ast.Import(names):
                modules = [alias.name for alias in names]
                yield from ((node.lineno, name) for name in modules if not _is_harmless(name))
            case ast.ImportFrom(module, names):
                if node.level or not _is_harmless(module or ""):
                    yield node.lineno, module or "."
                inner = [alias.name for alias in names]
                yield from ((node.lineno, name) for name in inner if _hides(name) or name[0] == "_")
            case ast.MatchClass(kwd_attrs=attributes):
                yield from ((node.lineno, name) for name in attributes if _hides(name))


def _hides(name: str) -> bool:
    return name in HIDING or (name.startswith("__") and name not in PLAIN)


def _is_harmless(module: str) -> bool:
    return module.partition(".")[0] in HARMLESS


def _is_private(value: ast.expr, name: str) -> bool:
    """Whether a name is the inner affair of another module or object."""
    own = isinstance(value, ast.Name) and value.id in ("self", "cls")
    return name.startswith("_") and not own and name not in NAMED_TUPLE | PLAIN
