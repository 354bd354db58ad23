"""The parts of a Python genome that offline operators work on, as spans of its text.

Edits replace spans of the text, never the tree unparsed, so that comments and layout survive.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from evolve.genome.parsing import by_piece, parse_once

HUGE = 1e300  # near the largest float
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Span:
    """A piece of source text: [start, end) in bytes of its UTF-8 form."""

    start: int
    end: int
    text: str

    def moved(self, by: int) -> Span:
        """The same piece, so many bytes further on."""
        return Span(self.start + by, self.end + by, self.text)


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
    return {name: span.moved(start) for start, p in _pieces(source) for name, span in p.constants}


def literals(source: str) -> list[Literal]:
    """All numbers and truth values in the module-level constants, in the order of the text.

    The base of a power is left out: `2**18` varies by its exponent. So are formatted strings, whose
    parts Python 3.11 locates wrongly, and numbers too large to vary.

    Raises:
        SyntaxError: the source is no Python.
    """
    return [
        replace(literal, span=literal.span.moved(start))
        for start, piece in _pieces(source)
        for literal in piece.literals
    ]


def definitions(source: str) -> dict[str, Span]:
    """Every top-level function and class with its decorators, by name.

    Raises:
        SyntaxError: the source is no Python.
    """
    return {name: span.moved(start) for start, p in _pieces(source) for name, span in p.definitions}


def replaced(source: str, edits: Iterable[tuple[Span, str]]) -> str:
    """The source with some non-overlapping spans replaced by other texts."""
    data = source.encode()
    for span, text in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        data = data[: span.start] + text.encode() + data[span.end :]
    return data.decode()


@dataclass(frozen=True)
class _Piece:
    """Some top-level statements; where things stand is counted from their first byte.

    Attributes:
        size: in bytes.
        constants: assignments to capitalised names, as wholes.
        definitions: functions and classes.
        literals: of the constants, in the order of the text.
    """

    size: int
    constants: tuple[tuple[str, Span], ...]
    definitions: tuple[tuple[str, Span], ...]
    literals: tuple[Literal, ...]


def _pieces(source: str) -> Iterator[tuple[int, _Piece]]:
    """The pieces of a module, each with the byte at which it starts."""
    start = 0
    for piece in by_piece(source, _piece):
        yield start, piece
        start += piece.size


@lru_cache(maxsize=500)
def _piece(text: str) -> _Piece:
    locate = _Locator(text)
    body = parse_once(text).body
    assignments = list(_assignments(body))
    found = [one for name, _, value in assignments for one in _literals(name, value, locate)]
    return _Piece(
        size=len(text.encode()),
        # of the statement, since brackets around a value are not its own
        constants=tuple((name, locate(statement)) for name, statement, _ in assignments),
        definitions=tuple((node.name, locate(node)) for node in body if isinstance(node, NAMED)),
        literals=tuple(sorted(found, key=lambda literal: literal.span.start)),
    )


def _literals(name: str, value: ast.expr, locate: _Locator) -> Iterator[Literal]:
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
            yield Literal(name, number, id(node) in exponents, locate(node))


N = TypeVar("N", bound=ast.AST)


def _of(nodes: Iterable[ast.AST], kind: type[N]) -> list[N]:
    return [node for node in nodes if isinstance(node, kind)]


def _assignments(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt, ast.expr]]:
    for node in body:
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
