"""How readable a Python source is, measured on its syntax tree, and how many lines of code it has.

Five things are measured, each from 0 to 1, and weighed: how branched its functions are, how long
they are, how deep they nest, how many of them say what they are for, and what a linter would find.

What reads badly is added up, in nodes of the syntax tree, and not averaged: neither functions that
were added as padding nor lines that hold more than one should raise the result.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from hiding import find_hiding

WEIGHTS = {"branches": 0.25, "length": 0.2, "nesting": 0.15, "documented": 0.1, "findings": 0.3}
BRANCHES = 5, 15  # paths through a function: up to here all is well, from there on nothing is
LENGTH = 20, 60  # lines of a function
NESTING = 2, 6  # blocks within each other
FINDINGS = 0.0, 20.0  # findings in a hundred lines
SHORT_ENOUGH = 6  # lines of a function that its name alone explains
NODES = 10  # nodes of the syntax tree in a line of ordinary code, by which lines are counted here
PROGRAM = 360  # lines of the whole program, of which what reads badly is a share
WIDEST = 100  # characters of a line of text

PUBLIC = "report"  # the one function that is called from outside

FORKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
FORKS += (ast.IfExp, ast.comprehension, ast.Assert)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
BLOCKS += (ast.Match, ast.match_case, ast.ClassDef)
INLINE = (ast.Lambda, ast.IfExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LAYOUT = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Readability:
    """What was measured.

    Attributes:
        parts: The parts by name, each from 0 to 1.
        findings: What a linter would find, with the number of its line.
        lines: Lines of code: no comments, blank lines or docstrings.
        hides: Whether the program uses what can hide what it does.
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


class Unit:
    """A function without the functions within it, or what stands outside of all functions."""

    def __init__(self, root: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.root = root

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Its nodes of the syntax tree, but for docstrings."""
        return [node for node in _walk_unit(self.root) if not _is_text(node)]

    @property
    def size(self) -> float:
        """Its size in lines of ordinary code."""
        return len(self.nodes) / NODES

    @property
    def paths(self) -> int:
        """The paths through it: 1, and 1 more for each fork and each condition that is joined."""
        operators = sum(len(node.values) - 1 for node in self.nodes if isinstance(node, ast.BoolOp))
        filters = sum(len(node.ifs) for node in self.nodes if isinstance(node, ast.comprehension))
        return 1 + operators + filters + sum(isinstance(node, FORKS) for node in self.nodes)

    @property
    def depth(self) -> int:
        return _measure_depth(self.root)

    @property
    def is_documented(self) -> bool:
        return (
            isinstance(self.root, ast.Module)
            or self.size <= SHORT_ENOUGH
            or ast.get_docstring(self.root) is not None
        )


def measure_readability(source: str) -> Readability:
    """Measure a source.

    Raises:
        SyntaxError: It is no Python.
    """
    tree = ast.parse(source)
    units = [Unit(tree), *(Unit(node) for node in ast.walk(tree) if isinstance(node, FUNCTIONS))]
    hidden = {
        (line, f"`{name}` can hide what the program does") for line, name in find_hiding(tree)
    }
    findings = sorted(
        {*hidden, *_find_in_tree(tree), *_find_in_layout(source), *_find_unused(tree)}
    )
    return Readability(
        parts={
            "branches": _rate(units, lambda unit: _rate_value(unit.paths, BRANCHES)),
            "length": _rate(units, lambda unit: _rate_value(unit.size, LENGTH)),
            "nesting": _rate(units, lambda unit: _rate_value(unit.depth, NESTING)),
            "documented": _rate(units, lambda unit: float(unit.is_documented)),
            "findings": _rate_value(100 * len(findings) / PROGRAM, FINDINGS),
        },
        findings=findings,
        lines=count_lines(source),
        hides=bool(hidden),
    )


def _rate(units: Iterable[Unit], rate: Callable[[Unit], float]) -> float:
    """1 less the share of a whole program that reads badly, by the units' sizes and rates."""
    return max(1 - sum(unit.size * (1 - rate(unit)) for unit in units) / PROGRAM, 0.0)


def _rate_value(value: float, limits: tuple[float, float]) -> float:
    best, worst = limits
    return min(max((worst - value) / (worst - best), 0.0), 1.0)


def count_lines(source: str) -> int:
    """Count the lines of code: no comments, blank lines or docstrings."""
    lines, statement = set[int](), list[tokenize.TokenInfo]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if any(one.type != tokenize.STRING for one in statement):
                for one in statement:
                    lines.update(range(one.start[0], one.end[0] + 1))
            statement = []
        elif token.type not in LAYOUT:
            statement.append(token)
    return len(lines)


def _walk_unit(root: ast.AST) -> Iterator[ast.AST]:
    yield root
    for child in ast.iter_child_nodes(root):
        if not isinstance(child, FUNCTIONS):
            yield from _walk_unit(child)


def _is_text(node: ast.AST) -> bool:
    """Whether a node is a statement that is a text alone, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _measure_depth(node: ast.AST, inline: bool = False) -> int:
    """How many blocks are open at most; an `elif` is no deeper than its `if`.

    Within an expression the first comprehension, lambda or conditional is no block, and each one
    within it is.
    """
    deepest = 0
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, FUNCTIONS):
                continue
            chained = name == "orelse" and isinstance(node, ast.If) and len(value) == 1
            opens = isinstance(child, BLOCKS) and not (chained and isinstance(child, ast.If))
            within = isinstance(child, INLINE)
            deeper = _measure_depth(child, inline or within)
            deepest = max(deepest, deeper + (opens or (inline and within)))
    return deepest


# -- what a linter would find -----------------------------------------------------------------


def _find_in_tree(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        what = _describe(node)
        if what:
            yield node.lineno, what


def _describe(node: ast.AST) -> str:
    """What a linter would say of a node; empty if nothing."""
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


def _find_in_layout(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > WIDEST:
            yield number, f"longer than {WIDEST} characters"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.OP and token.string == ";":
            yield token.start[0], "several statements on a line"


def _find_unused(tree: ast.Module) -> Iterator[tuple[int, str]]:
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
