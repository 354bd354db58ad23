"""What a text is made of, for a merge: named parts of whole lines that find each other."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolve.genome.parsing import INVALID, parse

CODE, TEXT = "top-level code", "text"
HEAD, END = "head", "end"  # keys of a class's first lines, and of what follows the last statement
BLOCK = "block "  # before the first line of a compound statement that is no definition
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # as Python counts them


@dataclass(frozen=True)
class Part:
    """Whole lines of a text: the texts of all its parts, joined, are the text again.

    Attributes:
        key: what finds it in another version; empty if only its text does.
        name: how a person calls it.
        line: where its body begins, counted from 1.
        gap: the empty lines before it.
        comment: the comment lines directly above it.
        body: the statement.
        inner: the parts of a class's body.
    """

    key: str
    name: str
    line: int
    gap: str = ""
    comment: str = ""
    body: str = ""
    inner: tuple[Part, ...] = ()

    @property
    def core(self) -> str:
        return self.comment + self.body

    @property
    def token(self) -> str:
        return self.key or self.core  # a core ends its line, a key does not


def program(role: str, text: str) -> list[Part]:
    try:
        tree = parse(text)
    except INVALID as error:
        raise ValueError(f"the {role} cannot be merged, for it is no Python: {error}") from error
    lines = _lines(text)
    return _suite(lines, tree.body, 0, len(lines), "")


def paragraphs(text: str) -> list[Part]:
    return _loose(_lines(text), 0, TEXT)


def _lines(text: str) -> list[str]:
    return LINE.findall(text + "\n" if lacks_newline(text) else text)


def lacks_newline(text: str) -> bool:
    return text != "" and text[-1] not in "\r\n"


def _suite(
    lines: Sequence[str], statements: Sequence[ast.stmt], start: int, stop: int, scope: str
) -> list[Part]:
    """The parts of lines[start:stop], which hold the statements of a module or a class."""
    found: list[Part] = []
    at, place = start, f"code of class {scope[:-1]}" if scope else CODE
    groups = _groups(statements)
    for number, (begin, end, group) in enumerate(groups):
        following = groups[number + 1][0] if number + 1 < len(groups) else stop
        for index in range(end, following):  # a comment further right ends the block above it
            if lines[index].strip() and _indent(lines[index]) > group[0].col_offset:
                end = index + 1
        begin = next((i for i in range(at, begin) if not _is_aside(lines[i])), begin)
        *apart, lead = _loose(lines[at:begin], at, place)
        comment = ""
        if apart and not lead.gap:  # the last comment touches the statement
            last = apart.pop()
            comment, lead = last.body, replace(lead, gap=last.gap)
        found += apart
        keys = [_key(s, lines, s is statements[0]) for s in group]
        names = [_name(key, scope) for key in keys]
        found.append(
            Part(
                "; ".join(keys) if all(keys) else "",
                ", ".join(names) if all(names) else near(place, begin + 1),
                begin + 1,
                lead.gap,
                comment,
                "".join(lines[begin:end]),
                inner_parts(lines, group, begin, end, scope),
            )
        )
        at = end
    return found + _loose(lines[at:stop], at, place)


def _groups(statements: Sequence[ast.stmt]) -> list[tuple[int, int, list[ast.stmt]]]:
    """(begin, end, the statements) of the lines of each statement, or of several that share one."""
    groups: list[tuple[int, int, list[ast.stmt]]] = []
    for statement in statements:
        begin = _begin(statement)
        end = statement.end_lineno or begin
        if groups and begin < groups[-1][1]:
            earlier, last, group = groups.pop()
            groups.append((earlier, max(end, last), [*group, statement]))
        else:
            groups.append((begin, end, [statement]))
    return groups


def inner_parts(
    lines: Sequence[str], group: Sequence[ast.stmt], begin: int, end: int, scope: str
) -> tuple[Part, ...]:
    """The parts of a class, its first lines among them; none if its body cannot be taken apart."""
    (node, *more) = group
    if not isinstance(node, ast.ClassDef) or more:
        return ()
    first = _begin(node.body[0])
    if lines[first].encode()[: node.body[0].col_offset].strip():
        return ()  # it begins in the line of the class
    head = first
    while _is_aside(lines[head - 1]):
        head -= 1
    top = Part(HEAD, f"class {scope}{node.name}", begin + 1, body="".join(lines[begin:head]))
    return (top, *_suite(lines, node.body, head, end, f"{scope}{node.name}."))


def _loose(lines: Sequence[str], offset: int, place: str) -> list[Part]:
    """Blocks of lines between empty ones, and the empty lines at the end as a part of its own."""
    found: list[Part] = []
    gap, block = "", ""
    for number, line in enumerate([*lines, ""], offset + 1):
        if line.strip():
            block += line
            continue
        if block:
            begin = number - len(LINE.findall(block))
            found.append(Part("", near(place, begin), begin, gap, "", block))
            gap, block = "", ""
        gap += line
    return [*found, Part(END, END, offset + len(lines) + 1, gap)]


def drop_ambiguous_keys(*versions: Sequence[Part]) -> list[list[Part]]:
    """The versions; a part that is not unique in each, or is a block not in all, loses its key."""
    counts = [Counter(part.key for part in parts) for parts in versions]

    def is_known(key: str) -> bool:
        numbers = [count[key] for count in counts]
        return max(numbers) == 1 and (min(numbers) == 1 or not key.startswith(BLOCK))

    return [
        [part if is_known(part.key) else replace(part, key="") for part in parts]
        for parts in versions
    ]


def _key(statement: ast.stmt, lines: Sequence[str], leads: bool) -> str:
    """What a statement is called, if anything: the same statement in another version has it too."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return f"def {name}"
        case ast.ClassDef(name=name):
            return f"class {name}"
        case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
            return f"constant {name}" if name.isupper() else f"name {name}"
        case ast.Assign(targets=targets):
            return "name " + " = ".join(map(ast.unparse, targets))
        case ast.AnnAssign(target=target):
            return f"name {ast.unparse(target)}"
        case ast.Import():
            return ast.unparse(statement)
        case ast.ImportFrom(module=module, level=level):
            return f"from {'.' * level}{module or ''} import"
        case ast.Expr(ast.Constant(str())) if leads:
            return "docstring"
    if isinstance(statement, (*BLOCKS, ast.Match)):
        return BLOCK + lines[statement.lineno - 1].strip()
    return ""


def _name(key: str, scope: str) -> str:
    """How a person calls what has a key; empty if it is only some code."""
    kind, _, name = key.partition(" ")
    if key.startswith(BLOCK):
        return ""
    return f"{kind} {scope}{name}" if kind in ("def", "class", "constant", "name") else key


def near(place: str, line: int) -> str:
    return f"{place} near line {line}"


def _begin(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(d.lineno for d in decorators)]) - 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_aside(line: str) -> bool:
    return line.lstrip()[:1] in ("", "#")
