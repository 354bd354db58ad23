"""How readable a Python source is, measured on its syntax tree, and how many lines of code it has.

Five things are measured, each from 0 to 1, and weighed: how branched its functions are, how long
they are, how deep they nest, how many of them say what they are for, and what a linter would find.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from hiding import hiding

WEIGHTS = {"branches": 0.25, "length": 0.2, "nesting": 0.15, "documented": 0.1, "findings": 0.3}
BRANCHES = 5, 15  # paths through a function: as good as it gets, as bad
LENGTH = 20, 60  # lines of code of a function
NESTING = 2, 6  # blocks within each other
FINDINGS = 0.0, 20.0  # in a hundred lines of code
WIDEST = 100  # characters of a line
SHORT_ENOUGH = 6  # lines of a function that its name alone explains

PUBLIC = "report"  # the one function that is called from outside

FORKS = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.Assert)
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LAYOUT = {tokenize.NL, tokenize.COMMENT, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@dataclass(frozen=True)
class Readability:
    """What was measured.

    Attributes:
        parts: each from 0 to 1.
        findings: what a linter would find, with the number of its line.
        lines: of code.
        hides: whether it uses what can hide from a reader, and from this, what it does.
    """

    parts: dict[str, float]
    findings: list[tuple[int, str]]
    lines: int
    hides: bool

    @property
    def value(self) -> float:
        """All parts together, from 0 to 1; 0 for a program that may hide what it does."""
        if self.hides:
            return 0.0
        return sum(weight * self.parts[name] for name, weight in WEIGHTS.items())


def readability(source: str) -> Readability:
    """Measure a source.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    code = _code_lines(source, tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    # what stands outside of all functions is read like one of them
    inside = set[int]().union(*(range(f.lineno, (f.end_lineno or 0) + 1) for f in functions))
    outside = ast.Module([node for node in tree.body if node.lineno not in inside], [])
    units: list[tuple[ast.AST, int]] = [(outside, len(code - inside))]
    units += [(f, len(code & set(range(f.lineno, (f.end_lineno or 0) + 1)))) for f in functions]
    hidden = {(line, f"`{name}` can hide what the program does") for line, name in hiding(tree)}
    findings = sorted({*hidden, *_findings(tree), *_layout_findings(source), *_unused(tree)})
    return Readability(
        parts={
            "branches": _weighed([(_good(_paths(unit), BRANCHES), n) for unit, n in units]),
            "length": _weighed([(_good(n, LENGTH), n) for _, n in units[1:]]),
            "nesting": _weighed([(_good(_depth(unit), NESTING), n) for unit, n in units]),
            "documented": _weighed(
                [
                    (float(ast.get_docstring(f) is not None), 1)
                    for f, (_, n) in zip(functions, units[1:], strict=True)
                    if n > SHORT_ENOUGH
                ]
            ),
            "findings": _good(100 * len(findings) / max(len(code), 1), FINDINGS),
        },
        findings=findings,
        lines=len(code),
        hides=bool(hidden),
    )


def _good(value: float, limits: tuple[float, float]) -> float:
    best, worst = limits
    return min(max((worst - value) / (worst - best), 0.0), 1.0)


def _weighed(values: list[tuple[float, int]]) -> float:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else 1.0


def _code_lines(source: str, tree: ast.Module) -> set[int]:
    """The numbers of the lines with code on them: no comments, blank lines or docstrings."""
    lines = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines


def _own(unit: ast.AST) -> Iterator[ast.AST]:
    """The nodes below a function, without those of functions within it."""
    for child in ast.iter_child_nodes(unit):
        if not isinstance(child, FUNCTIONS):
            yield child
            yield from _own(child)


def _paths(unit: ast.AST) -> int:
    nodes = list(_own(unit))
    operators = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return 1 + operators + sum(isinstance(node, FORKS) for node in nodes)


def _depth(unit: ast.AST) -> int:
    """How many blocks are open at most; an `elif` is no deeper than its `if`."""

    def below(node: ast.AST) -> int:
        deepest = 0
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if not isinstance(child, ast.AST) or isinstance(child, FUNCTIONS):
                    continue
                chained = name == "orelse" and isinstance(node, ast.If) and len(value) == 1
                opens = isinstance(child, BLOCKS) and not (chained and isinstance(child, ast.If))
                deepest = max(deepest, below(child) + opens)
        return deepest

    return below(unit)


# -- what a linter would find -----------------------------------------------------------------


def _findings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        what = _finding(node)
        if what:
            yield node.lineno, what


def _finding(node: ast.AST) -> str:
    match node:
        case ast.Assign([ast.Name(name)], ast.BinOp(ast.Name(left), ast.Add() | ast.Sub())):
            return f"`{name} = {name} ...` instead of an augmented assignment" * (name == left)
        case ast.Assign([ast.Subscript() as target], ast.BinOp(ast.Subscript() as left)):
            same = ast.dump(target.value) == ast.dump(left.value)
            same = same and ast.dump(target.slice) == ast.dump(left.slice)
            return "an entry is written twice instead of an augmented assignment" * same
        case ast.Assign([ast.Name(name)], ast.Lambda()):
            return f"`{name}` is a lambda instead of a function"
        case ast.Compare(ast.Call(ast.Name("len")), [_], [ast.Constant(value=0)]):
            return "the length is compared with 0 to see whether there is anything"
        case ast.Compare(ast.expr(), [ast.Eq() | ast.NotEq()], [ast.Constant(value=None | bool())]):
            return "compared with == to None, True or False"
        case ast.Compare(ast.expr(), [ast.Eq() | ast.NotEq()], [ast.Constant(value="")]):
            return "compared with an empty text"
        case ast.Compare(ast.expr(), [ast.In() | ast.NotIn()], [ast.List()]):
            return "looked up in a list instead of a tuple or a set"
        case ast.Call(ast.Name("sum" | "max" | "min" | "any" | "all"), [ast.ListComp()]):
            return "a list is built only to be used up"
        case ast.Call(ast.Name("len"), [ast.ListComp()]):
            return "a list is built only to be counted"
        case ast.Call(ast.Name("range"), [ast.Call(ast.Name("len"))]):
            return "numbers are counted where the items could be"
        case ast.If(body=[ast.If(orelse=[])], orelse=[]):
            return "an if directly within an if"
        case ast.ExceptHandler(None) | ast.ExceptHandler(body=[ast.Pass()]):
            return "an error is passed over"
        case ast.Name(name, ast.Store()) | ast.arg(name) if hasattr(builtins, name):
            return f"`{name}` is the name of something else"
        case ast.Name(name, ast.Store()) | ast.arg(name) if len(name.strip("_")) == 1:
            return f"`{name}` says nothing"
        case ast.ImportFrom(names=[ast.alias("*")]):
            return "everything is imported"
        case ast.Global() | ast.Nonlocal():
            return "a name of another scope is changed"
        case ast.FunctionDef(args=arguments):
            held = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
            mutable = any(isinstance(value, (ast.List, ast.Dict, ast.Set)) for value in held)
            return "a default that can change" * mutable
    return ""


def _layout_findings(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > WIDEST:
            yield number, f"longer than {WIDEST} characters"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.OP and token.string == ";":
            yield token.start[0], "several statements on a line"


def _unused(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports, names, functions and classes that nothing reads."""
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    read |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}  # methods
    read |= {PUBLIC, "_", "annotations"}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names) | ast.ImportFrom(names=names):
                bound = [(alias.asname or alias.name).partition(".")[0] for alias in names]
            case ast.Assign([ast.Name(name)]) | ast.FunctionDef(name) | ast.ClassDef(name):
                bound = [name]
            case _:
                continue
        for name in bound:
            if name not in read and not name.startswith("__"):
                yield node.lineno, f"`{name}` is not used"
