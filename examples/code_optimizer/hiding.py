"""What a Python source may use so that all it does can be read in it.

A program hides its work where it runs text as code, reaches into modules, frames or files, or makes
attributes of text. The ways to do so are many (a string annotation that `functools.singledispatch`
evaluates, a class pattern over fields that `dataclasses.make_dataclass` names), so what is allowed
is listed, and everything else hides: modules and their names, built-in functions, special methods.
"""

from __future__ import annotations

import ast
import bisect
import builtins
import heapq
import itertools
import math
import operator
from collections.abc import Iterator
from types import ModuleType


def _public(module: ModuleType) -> frozenset[str]:
    return frozenset(name for name in dir(module) if not name.startswith("_"))


MODULES = {  # of the standard library, with the names of each that may be used
    "__future__": frozenset({"annotations"}),
    "array": frozenset({"array"}),
    "bisect": _public(bisect),
    "calendar": frozenset({"isleap", "leapdays", "monthrange", "timegm"}),
    "collections": frozenset(
        {"ChainMap", "Counter", "OrderedDict", "defaultdict", "deque", "namedtuple"}
    ),
    "collections.abc": frozenset(
        {"Callable", "Hashable", "Iterable", "Iterator", "Mapping", "Sequence", "Set"}
    ),
    "contextlib": frozenset({"suppress"}),
    "copy": frozenset({"copy", "deepcopy"}),
    "dataclasses": frozenset({"dataclass", "field", "replace"}),
    "datetime": frozenset({"UTC", "date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "fractions": frozenset({"Fraction"}),
    "functools": frozenset(
        {"cache", "cached_property", "cmp_to_key", "lru_cache", "partial", "reduce"}
    ),
    "heapq": _public(heapq),
    "itertools": _public(itertools),
    "math": _public(math),
    "operator": _public(operator) - {"attrgetter", "call", "methodcaller"},
    "re": frozenset(
        {"A", "ASCII", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL", "X", "VERBOSE"}
    )
    | {"compile", "escape", "findall", "finditer", "fullmatch", "match", "search", "split", "sub"},
    "statistics": frozenset({"fmean", "mean", "median", "median_high", "median_low"}),
    "string": frozenset({"ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits"}),
    "typing": frozenset({"Any", "Final", "NamedTuple", "Optional", "Union"}),
}
BUILTINS = frozenset(
    {
        *("abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable", "chr"),
        *("classmethod", "complex", "dict", "divmod", "enumerate", "filter", "float", "format"),
        *("frozenset", "hasattr", "hash", "hex", "id", "int", "isinstance", "issubclass", "iter"),
        *("len", "list", "map", "max", "memoryview", "min", "next", "object", "oct", "ord", "pow"),
        *("print", "property", "range", "repr", "reversed", "round", "set", "slice", "sorted"),
        *("staticmethod", "str", "sum", "super", "tuple", "zip"),
        *("False", "None", "True", "Ellipsis", "NotImplemented"),
    }
)
SPECIAL = frozenset(
    {
        *("__init__", "__name__", "__doc__", "__slots__", "__post_init__", "__repr__"),
        *("__str__", "__hash__", "__bool__", "__len__", "__iter__", "__next__", "__contains__"),
        *("__getitem__", "__setitem__", "__delitem__", "__missing__", "__call__", "__enter__"),
        *("__exit__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__add__"),
        *("__radd__", "__iadd__", "__sub__", "__mul__", "__neg__", "__and__", "__or__", "__xor__"),
    }
)
NAMED_TUPLE = frozenset({"_replace", "_asdict", "_make", "_fields"})  # private by their form alone
# Attributes without an underscore that lead to frames, to a class's class, or into its checks.
INNER = frozenset(
    {
        *("gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "cr_origin"),
        *("ag_frame", "ag_code", "ag_await", "tb_frame", "tb_next", "f_back", "f_builtins"),
        *("f_code", "f_globals", "f_locals", "f_trace", "mro", "register", "metaclass"),
    }
)


def find_hiding(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What can hide what a program does, with the lines of it."""
    modules = {
        (alias.asname or alias.name).partition(".")[0]: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    used = set[int]()  # names of modules in front of a dot, of which nothing else is known to hide
    line = 0
    for node in ast.walk(tree):
        line = getattr(node, "lineno", line)
        match node:
            case ast.Attribute(ast.Name(name) as base, attribute) if name in modules:
                used.add(id(base))
                if not isinstance(node.ctx, ast.Load) or not _is_allowed(modules[name], attribute):
                    yield line, f"{name}.{attribute}"
            case ast.Name(name) if name in modules and id(node) not in used:
                yield line, name  # a module that is handed around, or replaced
            case ast.Name(name) if _hides_builtin(name):
                yield line, name
            case ast.Attribute(base, name) if _is_private(base, name):
                yield line, name
            case ast.Import(names):
                yield from ((line, one.name) for one in names if "." in one.name)
                yield from ((line, one.name) for one in names if one.name not in MODULES)
            case ast.ImportFrom(module, names, level):
                path = f"{'.' * level}{module or ''}"
                for one in names:
                    if level or not _is_allowed(path, one.name):
                        yield line, f"{path}.{one.name}"
        yield from ((line, name) for name in _find_identifiers(node) if _is_inner(name))


def _is_allowed(module: str, name: str) -> bool:
    return name in MODULES.get(module, ())


def _find_identifiers(node: ast.AST) -> Iterator[str]:
    """Every identifier of a node: names, attributes, parameters, what an import or a case binds."""
    if isinstance(node, ast.Constant):
        return
    for _, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one


def _is_inner(name: str) -> bool:
    return name in INNER or (name.startswith("__") and name not in SPECIAL | {"__future__"})


def _hides_builtin(name: str) -> bool:
    """Whether a name is that of a built-in function or type which does more than compute."""
    found = getattr(builtins, name, None)
    error = isinstance(found, type) and issubclass(found, BaseException)
    return hasattr(builtins, name) and name not in BUILTINS | SPECIAL and not error


def _is_private(base: ast.expr, name: str) -> bool:
    """Whether a name is the inner affair of another object."""
    own = isinstance(base, ast.Name) and base.id in ("self", "cls")
    return name.startswith("_") and not own and name not in NAMED_TUPLE | SPECIAL
