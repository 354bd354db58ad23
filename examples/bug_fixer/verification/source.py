"""What is read from a genome's source: its interface, its complexity, how much it changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

LONGEST = 100_000  # characters; five times what a fix needs, and comparing takes its square
CLASS = "class"
BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.match_case,
)

Interface = Mapping[str, list[str]]


class SourceError(Exception):
    """The source is no program that could be tested."""


def parse_source(source: str) -> ast.Module:
    """Parse a genome.

    Raises:
        SourceError: It is no Python, or too long.
    """
    if len(source) > LONGEST:
        raise SourceError(f"the program has {len(source)} characters, more than {LONGEST}")
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise SourceError(f"line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"the program cannot be parsed: {error}") from error


def read_interface(tree: ast.Module) -> dict[str, list[str]]:
    """The public functions and classes of a module, with the parameters of the functions.

    A parameter with a default ends with `=`, whatever the default is; `*` and `**` are as in
    Python, `/` marks one that is positional only and `!` one that is keyword only.
    """
    found = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) if not name.startswith("_"):
                found[name] = list(_read_parameters(node.args))
                if isinstance(node, ast.AsyncFunctionDef):
                    found[name].insert(0, "async")
            case ast.ClassDef(name) if not name.startswith("_"):
                found[name] = [CLASS]
    return found


def _read_parameters(arguments: ast.arguments) -> Iterator[str]:
    plain = [("/", one.arg) for one in arguments.posonlyargs]
    plain += [("", one.arg) for one in arguments.args]
    required = len(plain) - len(arguments.defaults)
    for number, (sign, name) in enumerate(plain):
        yield sign + name + ("=" if number >= required else "")
    if arguments.vararg:
        yield f"*{arguments.vararg.arg}"
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield f"!{one.arg}" + ("=" if default is not None else "")
    if arguments.kwarg:
        yield f"**{arguments.kwarg.arg}"


def compare_interfaces(before: Interface, after: Interface) -> list[str]:
    """The differences between two interfaces, a sentence each; helpers may come and go."""
    changes = []
    for name in sorted({*before, *after}):
        if name not in after:
            changes.append(f"{_render(name, before[name])} is gone")
        elif name not in before:
            changes.append(f"{_render(name, after[name])} is new; helpers begin with an underscore")
        elif before[name] != after[name]:
            changes.append(f"{_render(name, before[name])} became {_render(name, after[name])}")
    return changes


def compare_when_running(before: Interface, said: object) -> list[str]:
    """The differences from what the genome's process says of itself, which may be anything."""
    if not isinstance(said, dict) or not all(
        isinstance(name, str) and isinstance(parameters, list) for name, parameters in said.items()
    ):
        return ["the running program does not say what it offers"]
    after = {name: list(map(str, parameters)) for name, parameters in said.items()}
    return [f"{change}, once it runs" for change in compare_interfaces(before, after)]


def _render(name: str, parameters: list[str]) -> str:
    return f"class {name}" if parameters == [CLASS] else f"{name}({', '.join(parameters)})"


def measure_complexity(tree: ast.Module) -> int:
    """McCabe's cyclomatic complexity, summed over the functions: 1 each, and 1 for each branch.

    Branches are statements and expressions that choose or repeat, operands of `and` and `or` after
    the first, and the loops and conditions of comprehensions.
    """
    total = 0
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                total += 1
            case ast.BoolOp(values=values):
                total += len(values) - 1
            case ast.comprehension(ifs=ifs):
                total += 1 + len(ifs)
            case _ if isinstance(node, BRANCHES):
                total += 1
    return total


def count_changed_lines(before: str, after: str) -> int:
    """Count the lines changed, added and removed; n lines that became m count as the larger."""
    matcher = SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return sum(
        max(old_end - old, new_end - new)
        for kind, old, old_end, new, new_end in matcher.get_opcodes()
        if kind != "equal"
    )
