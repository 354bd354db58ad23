"""Normal forms of genomes, which are equal for genomes that hardly differ.

A normal form leaves out what no run can show, and never more, since a change that is refused is
never tried. Of a program these are digits, names of local variables, docstrings, `pass`, unused
imports of the standard library, and the order of imports and constants; of a prose text capitals,
commas and the line breaks within a paragraph.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from evolve.genome.syntax import iterate_constants

GRAIN = 8  # widths and the like are multiples of it, and stay as they are
WITHIN = 200  # a whole number is rounded to such a multiple if it is off by 1/200 at most
SIDE_EFFECTS = {"__future__", "antigravity", "this", "readline", "rlcompleter"}  # of an import
INTROSPECTION = {"locals", "globals", "vars", "dir", "eval", "exec"}  # functions that see names
LITERAL = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
    *(ast.operator, ast.unaryop, ast.expr_context),
)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPE = (*FUNCTION, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LOCAL = re.compile(r"⟨(\w*)⟩")  # stands before the number of a local variable
TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
STRUCTURE = re.compile(r"[#>|*+\-]|\d+[.)]\s|```|~~~|<|\[")  # begins a line that stands alone


@dataclass(frozen=True)
class Statement:
    """A top-level statement, or one name of an import, in normal form.

    Attributes:
        text: Dump of the statement's tree.
        binds: Name to which the statement binds a value that depends on nothing; empty if it does
            anything else.
        imports: Whether it binds the name by an import, which is dropped if the name is unused.
    """

    text: str
    binds: str = ""
    imports: bool = False


@dataclass(frozen=True)
class NormalForm:
    """The normal form of some top-level statements.

    Attributes:
        statements: Statements in the order of the text.
        used: Names that the statements read.
        keywords: Words by which arguments may be given: keywords, and strings that are names.
    """

    statements: tuple[Statement, ...]
    used: frozenset[str]
    keywords: frozenset[str]


def normalise_module(tree: ast.Module) -> NormalForm:
    """Bring some top-level statements into normal form, which changes their tree."""
    nodes = list(ast.walk(tree))
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    keywords = {n.arg for n in nodes if isinstance(n, ast.keyword) and n.arg}
    strings = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    keywords |= {text for text in strings if text.isidentifier()}
    for function in _find_outermost_functions(tree):
        _rename_locals(function)
    for _, _, value in iterate_constants(tree.body):
        _round_whole_numbers(value)
    for node in nodes:
        _strip(node)
    return NormalForm(tuple(_split_statements(tree)), frozenset(used), frozenset(keywords))


def join_normal_forms(pieces: Sequence[NormalForm]) -> str:
    """Join the pieces of a program into one text that is equal for programs that hardly differ."""
    used = frozenset[str]().union(*(piece.used for piece in pieces))
    keywords = frozenset[str]().union(*(piece.keywords for piece in pieces))
    needed = used | keywords
    introspects = bool(used & INTROSPECTION)
    kept = [
        statement
        for piece in pieces
        for statement in piece.statements
        if introspects or not statement.imports or statement.binds in needed
    ]
    texts: list[str] = []
    for independent, group in groupby(kept, key=lambda one: bool(one.binds)):
        run = list(group)
        distinct = len({one.binds for one in run}) == len(run)
        run_texts = [one.text for one in run]
        texts += sorted(run_texts) if independent and distinct else run_texts
    # the name of an argument counts where the argument may be given by its name
    return LOCAL.sub(lambda found: found[1] if found[1] in keywords else "", ", ".join(texts))


def normalise_prose(text: str) -> str:
    """Bring a prose text into normal form, paragraph by paragraph."""
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


def _split_statements(tree: ast.Module) -> Iterator[Statement]:
    for node in tree.body:
        match node:
            case ast.Import(names):
                for one in names:
                    yield _read_import(ast.Import([one]), one.asname or one.name, one.name)
            case ast.ImportFrom(module, names, level):
                for one in names:
                    origin = module if module and not level and one.name != "*" else ""
                    single = ast.ImportFrom(module, [one], level)
                    yield _read_import(single, one.asname or one.name, origin or "")
            case ast.Assign(targets=[ast.Name(name)], value=value) if _is_literal(value):
                yield Statement(ast.dump(node), name)
            case _:
                yield Statement(ast.dump(node))


def _read_import(node: ast.stmt, name: str, origin: str) -> Statement:
    package = origin.partition(".")[0]
    if package not in sys.stdlib_module_names or package in SIDE_EFFECTS:
        return Statement(ast.dump(node))
    return Statement(ast.dump(node), name.partition(".")[0], imports=True)


def _is_literal(value: ast.expr) -> bool:
    return all(isinstance(node, LITERAL) for node in ast.walk(value))


def _strip(node: ast.AST) -> None:
    """Remove `pass` and docstrings, and round floats to the digits that count."""
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list):
            body[:] = [one for one in body if not _does_nothing(one)]
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        node.value = _write_coarse(node.value)


def _does_nothing(node: ast.AST) -> bool:
    match node:
        case ast.Pass() | ast.Expr(ast.Constant(str())):
            return True
    return False


def _write_coarse(value: float) -> str:
    return f"≈1-{1 - value:.1e}" if 0.9 <= value < 1 else f"≈{value:.1e}"


def _round_whole_numbers(constant: ast.expr) -> None:
    """Round the whole numbers of a capitalised constant.

    Other numbers stay, since one more or less may be what a bug is about.
    """
    for node in ast.walk(constant):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            node.value = _round_number(node.value)


def _round_number(number: int) -> int:
    """Round to a multiple of `GRAIN` if one is near; a neighbour of a power of two is meant."""
    beside_power = any(n & (n - 1) == 0 for n in (number - 1, number + 1))
    near = (number + GRAIN // 2) // GRAIN * GRAIN
    return near if abs(near - number) * WITHIN <= number and not beside_power else number


# --- names of local variables ---


def _find_outermost_functions(
    tree: ast.Module,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of the module and of its classes, without those within others."""
    left: list[ast.stmt] = list(tree.body)
    while left:
        node = left.pop(0)
        if isinstance(node, FUNCTION):
            yield node
        elif isinstance(node, ast.ClassDef):
            left += node.body


def _rename_locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Number the variables of a function in the order in which they occur.

    Every occurrence of a name is renamed, within nested functions too. An argument keeps its name
    beside its number if callers may give it by name; an argument with a default, which callers
    mostly give by name, is not renamed.
    """
    nodes = [node for part in function.body for node in ast.walk(part)]
    if any(isinstance(node, ast.ClassDef) or _introspects(node) for node in nodes):
        return
    named, free = _split_arguments(function.args)
    fixed = {argument.arg for argument in _iterate_arguments(function.args)} - named - free
    fixed |= set(_find_fixed_names(nodes))
    local = (named | free | set(_find_variables(function.body))) - fixed
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


def _introspects(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in INTROSPECTION


def _iterate_arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from filter(None, (args.vararg, args.kwarg))


def _split_arguments(args: ast.arguments) -> tuple[set[str], set[str]]:
    """The names of the arguments that can be given by name, and of those that cannot.

    Arguments with a default are in neither set.
    """
    without_default = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    positional = [*args.posonlyargs, *args.args][:without_default]
    free = {a.arg for a in (*args.posonlyargs, *filter(None, (args.vararg, args.kwarg)))}
    return {argument.arg for argument in positional} - free, free


def _find_variables(body: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that are assigned to in a function itself."""
    left = list(body)
    while left:
        node = left.pop()
        if isinstance(node, SCOPE):  # has variables of its own, except for those of `:=`
            if not isinstance(node, (*FUNCTION, ast.Lambda)):
                named = (n for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
                yield from (one.target.id for one in named)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        left += ast.iter_child_nodes(node)


def _find_fixed_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield names that are not renamed: inner functions, their arguments, imports, matches."""
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
