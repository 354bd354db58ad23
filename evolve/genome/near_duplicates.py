"""What genomes come down to when what no run can show is left out: so those that hardly differ are
alike.

It never leaves out too much, since a change that is refused is never tried. Of a program go digits,
names of local variables, docstrings, `pass`, imports of the standard library that are not used, and
the order of imports and constants; of a text capitals, commas and where its lines are broken.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

GRAIN = 8  # widths and the like are multiples of it: those stay as they are
WITHIN = 200  # a whole number counts as such a multiple if that is so many times its distance
NOTICED = {"__future__", "antigravity", "this", "readline", "rlcompleter"}  # if imported alone
LOOKS_AROUND = {"locals", "globals", "vars", "dir", "eval", "exec"}  # functions that see names
LITERAL = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
    *(ast.operator, ast.unaryop, ast.expr_context),
)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPE = (*FUNCTION, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
NAME = re.compile(r"⟨(\w*)⟩")  # before the number of a local variable
TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
STRUCTURE = re.compile(r"[#>|*+\-]|\d+[.)]\s|```|~~~|<|\[")  # how a line begins that stands alone


@dataclass(frozen=True)
class Statement:
    """A top-level statement, or one name of an import.

    Attributes:
        text: the dump of its tree.
        binds: the name that it gives a value that depends on nothing; empty if it does more.
        imports: whether it does so by an import, which goes if the name is not used.
    """

    text: str
    binds: str = ""
    imports: bool = False


@dataclass(frozen=True)
class Plain:
    """Some top-level statements without what no run can show.

    Attributes:
        statements: in their order.
        used: the names that they read.
        spoken: words by which arguments may be given: keywords, and strings that are a name.
    """

    statements: tuple[Statement, ...]
    used: frozenset[str]
    spoken: frozenset[str]


def plain(tree: ast.Module) -> Plain:
    """What remains of some top-level statements; their tree is changed by it."""
    nodes = list(ast.walk(tree))
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    spoken = {n.arg for n in nodes if isinstance(n, ast.keyword) and n.arg}
    strings = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    spoken |= {text for text in strings if text.isidentifier()}
    for function in _outermost(tree):
        _rename_locals(function)
    for statement in tree.body:
        _round_whole_numbers(statement)
    for node in nodes:
        _strip(node)
    return Plain(tuple(_statements(tree)), frozenset(used), frozenset(spoken))


def joined(pieces: Sequence[Plain]) -> str:
    """The pieces of a program as one text, which programs share that hardly differ."""
    used = frozenset[str]().union(*(piece.used for piece in pieces))
    spoken = frozenset[str]().union(*(piece.spoken for piece in pieces))
    needed = used | spoken
    looks_around = bool(used & LOOKS_AROUND)
    kept = [
        statement
        for piece in pieces
        for statement in piece.statements
        if looks_around or not statement.imports or statement.binds in needed
    ]
    texts: list[str] = []
    for loose, group in groupby(kept, key=lambda one: bool(one.binds)):
        run = list(group)
        apart = len({one.binds for one in run}) == len(run)
        run_texts = [one.text for one in run]
        texts += sorted(run_texts) if loose and apart else run_texts
    # the name of an argument counts where it may be given by its name
    return NAME.sub(lambda found: found[1] if found[1] in spoken else "", ", ".join(texts))


def plain_text(text: str) -> str:
    """What remains of a prose text, paragraph by paragraph."""
    lines: list[str] = []
    for line in text.casefold().translate(TYPOGRAPHY).split("\n"):
        words = " ".join(re.sub(r",(?!\d)", "", line).split())
        alone = not lines or not lines[-1] or not words or STRUCTURE.match(words)
        if alone or STRUCTURE.match(lines[-1]):
            lines.append(words)
        else:
            lines[-1] += f" {words}"
    return "\n".join(lines)


# --- statements ---


def _statements(tree: ast.Module) -> Iterator[Statement]:
    for node in tree.body:
        match node:
            case ast.Import(names):
                for one in names:
                    yield _import(ast.Import([one]), one.asname or one.name, one.name)
            case ast.ImportFrom(module, names, level):
                for one in names:
                    origin = module if module and not level and one.name != "*" else ""
                    single = ast.ImportFrom(module, [one], level)
                    yield _import(single, one.asname or one.name, origin or "")
            case ast.Assign(targets=[ast.Name(name)], value=value) if _is_literal(value):
                yield Statement(ast.dump(node), name)
            case _:
                yield Statement(ast.dump(node))


def _import(node: ast.stmt, name: str, origin: str) -> Statement:
    package = origin.partition(".")[0]
    if package not in sys.stdlib_module_names or package in NOTICED:
        return Statement(ast.dump(node))
    return Statement(ast.dump(node), name.partition(".")[0], imports=True)


def _is_literal(value: ast.expr) -> bool:
    return all(isinstance(node, LITERAL) for node in ast.walk(value))


def _strip(node: ast.AST) -> None:
    """Without `pass` and docstrings, and floats in the digits that count."""
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            body[:] = [one for one in body if not _does_nothing(one)]
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        node.value = _coarse(node.value)


def _does_nothing(node: ast.AST) -> bool:
    match node:
        case ast.Pass() | ast.Expr(ast.Constant(str())):
            return True
    return False


def _coarse(value: float) -> str:
    return f"≈1-{1 - value:.1e}" if 0.9 <= value < 1 else f"≈{value:.1e}"


def _round_whole_numbers(statement: ast.stmt) -> None:
    """In a capitalised constant: elsewhere one more or less may be what a bug is about."""
    match statement:
        case ast.Assign(targets=[ast.Name(name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
            pass
        case _:
            return
    if not name.isupper():
        return
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            node.value = _rounded(node.value)


def _rounded(number: int) -> int:
    """The nearest round number, if that is near; one beside a power of two means just that."""
    beside_power = any(n & (n - 1) == 0 for n in (number - 1, number + 1))
    near = (number + GRAIN // 2) // GRAIN * GRAIN
    return near if abs(near - number) * WITHIN <= number and not beside_power else number


# --- names of local variables ---


def _outermost(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of the module and of its classes, without those within others."""
    left: list[ast.stmt] = list(tree.body)
    while left:
        node = left.pop(0)
        if isinstance(node, FUNCTION):
            yield node
        elif isinstance(node, ast.ClassDef):
            left += node.body


def _rename_locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Number the variables of a function in the order in which they occur.

    All of a name is renamed, within functions of the function, too. An argument keeps its name
    beside its number if it may be given by its name; one with a default, which mostly is, stays.
    """
    nodes = [node for part in function.body for node in ast.walk(part)]
    if any(isinstance(node, ast.ClassDef) or _sees_names(node) for node in nodes):
        return
    named, free = _arguments(function.args)
    fixed = {argument.arg for argument in _all_arguments(function.args)} - named - free
    local = (named | free | set(_stored(function.body))) - fixed - set(_bound_otherwise(nodes))
    numbers: dict[str, str] = {}
    for node in [*ast.walk(function.args), *nodes]:
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                pass
            case ast.ExceptHandler(name=str() as name):
                pass
            case _:
                continue
        if name not in local or name.startswith("__"):
            continue
        new = numbers.setdefault(name, f"⟨{name if name in named else ''}⟩{len(numbers)}")
        if isinstance(node, ast.Name):
            node.id = new
        elif isinstance(node, ast.arg):
            node.arg = new
        else:
            node.name = new


def _sees_names(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in LOOKS_AROUND


def _all_arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from filter(None, (args.vararg, args.kwarg))


def _arguments(args: ast.arguments) -> tuple[set[str], set[str]]:
    """The names of arguments that may be given by their name, and of those that cannot."""
    without_default = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    positional = [*args.posonlyargs, *args.args][:without_default]
    free = {a.arg for a in (*args.posonlyargs, *filter(None, (args.vararg, args.kwarg)))}
    return {argument.arg for argument in positional} - free, free


def _stored(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that get values in a function itself."""
    left = list(body)
    while left:
        node = left.pop()
        if isinstance(node, SCOPE):  # has variables of its own, but for those by `:=`
            if not isinstance(node, (*FUNCTION, ast.Lambda)):
                named = (n for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
                yield from (one.target.id for one in named)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        left += ast.iter_child_nodes(node)


def _bound_otherwise(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that are not renamed: of functions and their arguments, imports, matches."""
    for node in nodes:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                yield name
            case ast.arg(name):
                yield name
            case ast.alias(name, asname):
                yield (asname or name).partition(".")[0]
            case ast.Global(names) | ast.Nonlocal(names):
                yield from names
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                yield name
            case ast.MatchMapping(rest=str() as name):
                yield name
