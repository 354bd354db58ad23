"""The parts of a text for a merge: pieces of whole lines, with keys that match across versions."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolve.genome.parsing import INVALID, find_first_line, parse

CODE, TEXT = "top-level code", "text"
HEAD, END = "head", "end"  # keys of a class's first lines, and of the lines after all statements
BLOCK = "block "  # key of a compound statement that is no definition, before its first line
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # lines as Python counts them


@dataclass(frozen=True)
class Part:
    """Some whole lines of a text; the parts of a text, joined, are the text again.

    Attributes:
        key: Identifier that the part has in other versions too; empty if only the text is known.
        name: Name of the part for people, such as "constant RATE".
        line: Number of the first line of the body, from 1.
        gap: Empty lines before the part.
        comment: Comment lines directly above the body.
        body: Lines of the statement.
        inner: Parts of a class's body.
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
        """The part without the empty lines before it."""
        return self.comment + self.body

    @property
    def token(self) -> str:
        """The key, or else the text, which ends with a line end as no key does."""
        return self.key or self.core


def split_program(role: str, text: str) -> list[Part]:
    """Split a Python program into constants, definitions, imports and blocks of other code.

    Args:
        role: Name of the text in error messages.
        text: Source of the program.

    Raises:
        ValueError: The text is no valid Python.
    """
    try:
        tree = parse(text)
    except INVALID as error:
        raise ValueError(f"the {role} cannot be merged, for it is no Python: {error}") from error
    lines = _split_lines(text)
    return _split_suite(lines, tree.body, 0, len(lines), "")


def split_paragraphs(text: str) -> list[Part]:
    """Split a prose text into its paragraphs."""
    return _split_blocks(_split_lines(text), 0, TEXT)


def name_place(place: str, line: int) -> str:
    """Name some lines for people, such as "top-level code near line 7"."""
    return f"{place} near line {line}"


def _split_lines(text: str) -> list[str]:
    return LINE.findall(text + "\n" if lacks_newline(text) else text)


def lacks_newline(text: str) -> bool:
    """Whether a text's last line has no line end."""
    return text != "" and text[-1] not in "\r\n"


def _split_suite(
    lines: Sequence[str], statements: Sequence[ast.stmt], start: int, stop: int, scope: str
) -> list[Part]:
    """Split lines[start:stop], which hold the statements of a module or a class."""
    found: list[Part] = []
    at, place = start, f"code of class {scope[:-1]}" if scope else CODE
    groups = _group_statements(statements)
    for number, (begin, end, group) in enumerate(groups):
        following = groups[number + 1][0] if number + 1 < len(groups) else stop
        for index in range(end, following):  # a comment further right ends the block above it
            if lines[index].strip() and _measure_indent(lines[index]) > group[0].col_offset:
                end = index + 1
        begin = next((i for i in range(at, begin) if not _is_blank_or_comment(lines[i])), begin)
        *apart, lead = _split_blocks(lines[at:begin], at, place)
        comment = ""
        if apart and not lead.gap:  # the last comment touches the statement
            last = apart.pop()
            comment, lead = last.body, replace(lead, gap=last.gap)
        found += apart
        keys = [_find_key(s, lines, s is statements[0]) for s in group]
        names = [_name_key(key, scope) for key in keys]
        found.append(
            Part(
                "; ".join(keys) if all(keys) else "",
                ", ".join(names) if all(names) else name_place(place, begin + 1),
                begin + 1,
                lead.gap,
                comment,
                "".join(lines[begin:end]),
                _split_class(lines, group, begin, end, scope),
            )
        )
        at = end
    return found + _split_blocks(lines[at:stop], at, place)


def _group_statements(statements: Sequence[ast.stmt]) -> list[tuple[int, int, list[ast.stmt]]]:
    """Group statements that share a line: (first line, line after the last, statements) each."""
    groups: list[tuple[int, int, list[ast.stmt]]] = []
    for statement in statements:
        begin = find_first_line(statement) - 1
        end = statement.end_lineno or begin
        if groups and begin < groups[-1][1]:
            earlier, last, group = groups.pop()
            groups.append((earlier, max(end, last), [*group, statement]))
        else:
            groups.append((begin, end, [statement]))
    return groups


def _split_class(
    lines: Sequence[str], group: Sequence[ast.stmt], begin: int, end: int, scope: str
) -> tuple[Part, ...]:
    """Split a class into its first lines and the parts of its body; empty if it cannot be split."""
    (node, *more) = group
    if not isinstance(node, ast.ClassDef) or more:
        return ()
    first = find_first_line(node.body[0]) - 1
    if lines[first].encode()[: node.body[0].col_offset].strip():
        return ()  # the body begins in the line of the class
    head = first
    while _is_blank_or_comment(lines[head - 1]):
        head -= 1
    top = Part(HEAD, f"class {scope}{node.name}", begin + 1, body="".join(lines[begin:head]))
    return (top, *_split_suite(lines, node.body, head, end, f"{scope}{node.name}."))


def _split_blocks(lines: Sequence[str], offset: int, place: str) -> list[Part]:
    """Split lines at the empty ones; the empty lines at the end are a part of their own."""
    found: list[Part] = []
    gap, block = "", ""
    for number, line in enumerate([*lines, ""], offset + 1):
        if line.strip():
            block += line
            continue
        if block:
            begin = number - len(LINE.findall(block))
            found.append(Part("", name_place(place, begin), begin, gap, "", block))
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


def _find_key(statement: ast.stmt, lines: Sequence[str], leads: bool) -> str:
    """The key of a statement, which it has in other versions too; empty if there is none.

    Args:
        statement: Statement of a module or a class.
        lines: All lines of the text.
        leads: Whether the statement is the first one there, and so may be a docstring.
    """
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


def _name_key(key: str, scope: str) -> str:
    """The name of a part for people, by its key; empty if the part is only some code."""
    kind, _, name = key.partition(" ")
    if key.startswith(BLOCK):
        return ""
    return f"{kind} {scope}{name}" if kind in ("def", "class", "constant", "name") else key


def _measure_indent(line: str) -> int:
    """The number of characters before a line's text."""
    return len(line) - len(line.lstrip())


def _is_blank_or_comment(line: str) -> bool:
    return line.lstrip()[:1] in ("", "#")
