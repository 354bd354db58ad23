"""The parts of a Python genome that operators work on, as spans of its text.

An edit replaces spans of the text and never unparses the tree, so comments and layout survive.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from evolve.genome.parsing import find_first_line, map_pieces, parse_uncached

HUGE = 1e300  # near the largest float
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Span:
    """A piece of source text: [start, end) in bytes of the source's UTF-8 form."""

    start: int
    end: int
    text: str

    def shifted(self, offset: int) -> Span:
        """The same piece, `offset` bytes further on."""
        return Span(self.start + offset, self.end + offset, self.text)


@dataclass(frozen=True)
class Literal:
    """A number or truth value within the value of a module-level constant.

    Attributes:
        name: Name of the constant.
        value: Value of the literal, without the sign before it.
        exponent: Whether the literal is the exponent of a power, as 18 in `2**18`.
        span: Place of the literal in the source.
    """

    name: str
    value: int | float | bool
    exponent: bool
    span: Span


def find_constants(source: str) -> dict[str, Span]:
    """Find every assignment to a capitalised module-level name, as a whole, by that name.

    Raises:
        SyntaxError: The source is no valid Python.
    """
    return _find_named(source, lambda piece: piece.constants)


def find_literals(source: str) -> list[Literal]:
    """Find the numbers and truth values in the module-level constants, in the order of the text.

    The base of a power is left out: `2**18` varies by its exponent. So are formatted strings, whose
    parts Python 3.11 locates wrongly, and numbers that are too large to vary.

    Raises:
        SyntaxError: The source is no valid Python.
    """
    return [
        replace(literal, span=literal.span.shifted(start))
        for start, piece in _locate_pieces(source)
        for literal in piece.literals
    ]


def find_definitions(source: str) -> dict[str, Span]:
    """Find every top-level function and class with its decorators, by name.

    Raises:
        SyntaxError: The source is no valid Python.
    """
    return _find_named(source, lambda piece: piece.definitions)


def replace_spans(source: str, edits: Iterable[tuple[Span, str]]) -> str:
    """Replace some non-overlapping spans of a source by other texts."""
    data = source.encode()
    for span, text in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        data = data[: span.start] + text.encode() + data[span.end :]
    return data.decode()


def iterate_constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt, ast.expr]]:
    """Yield (name, statement, value) of each assignment to one capitalised name."""
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


@dataclass(frozen=True)
class _LocatedPiece:
    """A few top-level statements; spans are counted from the first byte of the piece.

    Attributes:
        size: Length of the piece, in bytes.
        constants: Assignments to capitalised names, as wholes.
        definitions: Functions and classes.
        literals: Literals of the constants, in the order of the text.
    """

    size: int
    constants: tuple[tuple[str, Span], ...]
    definitions: tuple[tuple[str, Span], ...]
    literals: tuple[Literal, ...]


def _find_named(
    source: str, select: Callable[[_LocatedPiece], tuple[tuple[str, Span], ...]]
) -> dict[str, Span]:
    """The spans that are selected of each piece of a module, by name."""
    return {
        name: span.shifted(start)
        for start, piece in _locate_pieces(source)
        for name, span in select(piece)
    }


def _locate_pieces(source: str) -> Iterator[tuple[int, _LocatedPiece]]:
    """Yield the pieces of a module, each with the byte at which it starts."""
    start = 0
    for piece in map_pieces(source, _read_piece):
        yield start, piece
        start += piece.size


@lru_cache(maxsize=500)
def _read_piece(text: str) -> _LocatedPiece:
    locate = _Locator(text)
    body = parse_uncached(text).body
    assignments = list(iterate_constants(body))
    found = [one for name, _, value in assignments for one in _read_literals(name, value, locate)]
    return _LocatedPiece(
        size=len(text.encode()),
        # the span of the statement, since brackets around a value do not belong to its node
        constants=tuple((name, locate(statement)) for name, statement, _ in assignments),
        definitions=tuple((node.name, locate(node)) for node in body if isinstance(node, NAMED)),
        literals=tuple(sorted(found, key=lambda literal: literal.span.start)),
    )


def _read_literals(name: str, value: ast.expr, locate: _Locator) -> Iterator[Literal]:
    nodes = list(ast.walk(value))
    powers = [n for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)]
    left_out = [*(power.left for power in powers), *_select(nodes, ast.JoinedStr)]
    fixed = {id(n) for root in left_out for n in ast.walk(root)}
    exponents = {id(n) for power in powers for n in ast.walk(power.right)}
    for node in _select(nodes, ast.Constant):
        number = node.value
        if id(node) in fixed or not isinstance(number, (int, float)):
            continue
        if number < HUGE:
            yield Literal(name, number, id(node) in exponents, locate(node))


N = TypeVar("N", bound=ast.AST)


def _select(nodes: Iterable[ast.AST], kind: type[N]) -> list[N]:
    return [node for node in nodes if isinstance(node, kind)]


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
        first = find_first_line(node)
        column = node.col_offset if first == node.lineno else 0
        start = self._starts[first - 1] + column
        end = self._starts[node.end_lineno - 1] + node.end_col_offset
        return Span(start, end, self._data[start:end].decode())
