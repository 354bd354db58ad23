"""The bodies of a Python genome's functions and methods, which can be rewritten one at a time."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from evolve.genome.parsing import INVALID, parse
from evolve.genome.syntax import Span, replace_spans

Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_bodies(source: str) -> dict[str, Span]:
    """Find the body of every top-level function and of every method, as whole lines.

    A method is named "Class.method". One whose body shares a line with something else is left out.

    Raises:
        SyntaxError: The source is no valid Python.
    """
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found = {}
    for name, node in _iterate_functions(parse(source).body, ""):
        assert node.end_lineno is not None
        first, last = node.body[0].lineno, node.end_lineno
        if lines[first - 1][: node.body[0].col_offset].strip():
            continue
        start, end = starts[first - 1], starts[last]
        found[name] = Span(start, end, b"".join(lines[first - 1 : last]).decode())
    return found


def rewrite_body(source: str, name: str, lines: Sequence[str]) -> str:
    """Replace the body of a function or method.

    Args:
        source: Genome.
        name: Name of the function, as `find_bodies` has it.
        lines: Lines of the new body, with any indentation that is right among themselves. If they
            begin with the function's own head, that is left out.

    Raises:
        KeyError: There is no such function.
        SyntaxError: The source is no valid Python.
    """
    span = find_bodies(source)[name]
    indent = span.text[: len(span.text) - len(span.text.lstrip())].rpartition("\n")[2]
    text = _strip_head(textwrap.dedent("\n".join(lines).strip("\n")), name.rpartition(".")[2])
    end = "\n" if span.text.endswith("\n") else ""
    return replace_spans(source, [(span, textwrap.indent(text, indent) + end)])


def _strip_head(text: str, name: str) -> str:
    """A body without the function's head, where a text has that too."""
    try:
        tree = parse(text)
    except INVALID:
        return text
    match tree.body:
        case [ast.FunctionDef() | ast.AsyncFunctionDef() as function] if function.name == name:
            rest = text.split("\n")[function.body[0].lineno - 1 :]
            return textwrap.dedent("\n".join(rest))
    return text


def _iterate_functions(body: Iterable[ast.stmt], scope: str) -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, Function):
            yield f"{scope}{node.name}", node
        elif isinstance(node, ast.ClassDef) and not scope:
            yield from _iterate_functions(node.body, f"{node.name}.")
