"""The names that Python code binds and uses, to tell whether code that nothing uses is left."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import dedent

from evolve.genome.parsing import INVALID, parse


def list_bound_names(text: str) -> set[str]:
    """The names that statements bind: definitions, assigned variables, imports.

    Args:
        text: Statements of one level, indented or not; what is no Python binds nothing.
    """
    try:
        body = parse(dedent(text)).body
    except INVALID:
        return set()
    return {name for statement in body for name in _bound_by(statement)}


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            nodes = ast.walk(statement)
            yield from (n.id for n in nodes if isinstance(n, ast.Name) and _is_stored(n))


def list_used_names(source: str) -> set[str]:
    """All names and attributes that a program reads.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It is no Python.
    """
    attributes = (node for node in ast.walk(parse(source)) if isinstance(node, ast.Attribute))
    return list_read_names(source) | {node.attr for node in attributes}


def list_read_names(source: str) -> set[str]:
    """All names that a program reads, without attributes.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It is no Python.
    """
    names = (node for node in ast.walk(parse(source)) if isinstance(node, ast.Name))
    return {name.id for name in names if not _is_stored(name)}


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
