"""The parts of a Python genome that offline operators work on, as spans of its text.

Edits replace spans of the text, never the tree unparsed, so that comments and layout survive.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from evolve.parsing import parse

HUGE = 1e300  # near the largest float


@dataclass(frozen=True)
class Span:
    """A piece of source text: [start, end) in bytes of its UTF-8 form."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Literal:
    """A number or truth value within the value of a module-level constant.

    Attributes:
        name: the constant's name.
        value: the literal's value; the sign before it is not part of it.
        exponent: whether it is the exponent of a power, as 18 in `2**18`.
        span: where it stands.
    """

    name: str
    value: int | float | bool
    exponent: bool
    span: Span


def constants(source: str) -> dict[str, Span]:
    """Every assignment to a capitalised module-level name, as a whole, by that name.

    Raises:
        SyntaxError: the source is no Python.
    """
    locate = _Locator(source)  # of the statement, since brackets around a value are not its own
    return {name: locate(statement) for name, statement, _ in _assignments(source)}


def literals(source: str) -> list[Literal]:
    """All numbers and truth values in the module-level constants, in the order of the text.

    The base of a power is left out: `2**18` varies by its exponent. So are formatted strings, whose
    parts Python 3.11 locates wrongly, and numbers too large to vary.

    Raises:
        SyntaxError: the source is no Python.
    """
    locate = _Locator(source)
    found = []
    for name, _, value in _assignments(source):
        nodes = list(ast.walk(value))
        powers = [n for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)]
        left_out = [*(power.left for power in powers), *_of(nodes, ast.JoinedStr)]
        fixed = {id(n) for root in left_out for n in ast.walk(root)}
        exponents = {id(n) for power in powers for n in ast.walk(power.right)}
        for node in _of(nodes, ast.Constant):
            number = node.value
            if id(node) in fixed or not isinstance(number, (int, float)):
                continue
            if number < HUGE:
                found.append(Literal(name, number, id(node) in exponents, locate(node)))
    return sorted(found, key=lambda literal: literal.span.start)


def definitions(source: str) -> dict[str, Span]:
    """Every top-level function and class with its decorators, by name.

    Raises:
        SyntaxError: the source is no Python.
    """
    locate = _Locator(source)
    return {
        node.name: locate(node)
        for node in parse(source).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }


def replaced(source: str, edits: Iterable[tuple[Span, str]]) -> str:
    """The source with some non-overlapping spans replaced by other texts."""
    data = source.encode()
    for span, text in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        data = data[: span.start] + text.encode() + data[span.end :]
    return data.decode()


N = TypeVar("N", bound=ast.AST)


def _of(nodes: Iterable[ast.AST], kind: type[N]) -> list[N]:
    return [node for node in nodes if isinstance(node, kind)]


def _assignments(source: str) -> Iterable[tuple[str, ast.stmt, ast.expr]]:
    for node in parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name.isupper():
            yield name, node, value


class _Locator:
    """Turns a node's line and column, which `ast` counts in bytes, into a span."""

    def __init__(self, source: str) -> None:
        self._data = source.encode()
        self._starts = [0]
        for line in self._data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def __call__(self, node: ast.expr | ast.stmt) -> Span:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        column = node.col_offset if first == node.lineno else 0
        start = self._starts[first - 1] + column
        end = self._starts[node.end_lineno - 1] + node.end_col_offset
        return Span(start, end, self._data[start:end].decode())
