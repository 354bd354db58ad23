"""Edits in JSON: new values of constants, a function's new body, or texts to search and replace."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from evolve.edits.mismatch import EditError
from evolve.edits.patches import Change, make_block
from evolve.genome import find_constants, replace_spans
from evolve.genome.bodies import find_bodies, rewrite_body
from evolve.genome.parsing import INVALID, parse

MAX_OBJECTS = 20  # places in a reply at which a JSON object is looked for
MAX_DEPTH = 6  # wrappings around an edit, as a tool call has them
BEGINNING = re.compile(r'\{\s*"|\[\s*\{\s*"')
WRAPPINGS = ("arguments", "parameters", "input", "function", "tool_calls")
OLD, NEW = ("search", "old_string", "old"), ("replace", "new_string", "new")
OPENERS, CLOSERS = ("(", "[", "{"), (")", "]", "}")
QUOTED = re.compile(r"[rRbBuUfF]{0,2}['\"]")


class Number(str):
    """A number as a JSON text has it, so that 1e-3 stays 1e-3."""


@dataclass(frozen=True)
class JsonEdit:
    """An edit that a JSON object asks for.

    Attributes:
        values: New values by the names of constants.
        bodies: Lines of new bodies by the names of functions, as `find_bodies` has them.
        blocks: SEARCH/REPLACE blocks.
        idea: Idea behind the change; may be empty.
        why: Reason why the change should help; may be empty.
    """

    values: Mapping[str, object]
    bodies: Mapping[str, list[str]]
    blocks: list[Change]
    idea: str
    why: str

    def describe(self, source: str) -> str:
        """Say what the edit of a source is, in its own words or, if it has none, by its changes."""
        if self.idea or self.blocks:
            return self.idea
        spans = find_constants(source) if self.values else {}
        values = {
            name: (split_assignment(spans[name].text)[1], _show_value(value))
            for name, value in self.values.items()
        }
        changed = [f"{name} {old} -> {new}" for name, (old, new) in values.items() if old != new]
        return ", ".join([*changed, *(f"another body of {name}" for name in self.bodies)])

    def rewrite_bodies(self, source: str) -> str:
        """Give the functions of a source their new bodies.

        Raises:
            EditError: A function does not exist, or the source is no Python.
        """
        for name, lines in self.bodies.items():
            try:
                source = rewrite_body(source, name, lines)
            except INVALID as error:
                raise EditError("the file is no Python, so it has no functions") from error
            except KeyError as error:
                there = ", ".join(find_bodies(source)) or "none"
                raise EditError(
                    f"the file has no function {name[:100]!r}; its functions are {there}"
                ) from error
        return source

    def set_constants(self, source: str) -> str:
        """Set the constants of a source to their new values.

        Raises:
            EditError: A constant does not exist, or its value is no Python expression.
        """
        if not self.values:
            return source
        try:
            spans = find_constants(source)
        except INVALID as error:
            raise EditError("the file is no Python, so it has no constants to set") from error
        unknown = [name for name in self.values if name not in spans]
        if unknown:
            there = ", ".join(spans) or "none"
            raise EditError(
                f"the file has no constant {', '.join(unknown)[:100]!r}; its constants are {there}"
            )
        edits = [
            (spans[name], _write_assignment(name, spans[name].text, value))
            for name, value in self.values.items()
        ]
        return replace_spans(source, edits)


def find_json_edit(texts: Iterable[str]) -> JsonEdit | None:
    """Find the JSON object in some texts that is an edit; None if there is none.

    Raises:
        EditError: The edit is malformed, or there are several.
    """
    found: list[dict[str, object]] = []
    for text in texts:
        found += [edit for value in _find_objects(text) for edit in _unwrap(value, MAX_DEPTH)]
    if any(edit != found[0] for edit in found):
        raise EditError("the reply has more than one JSON edit", advice="put all changes into one")
    return _read_edit(found[0]) if found else None


def _find_objects(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder(
        strict=False, parse_float=Number, parse_int=Number, parse_constant=Number
    )
    at = 0
    for _ in range(MAX_OBJECTS):
        found = BEGINNING.search(text, at)
        if found is None:
            return
        try:
            value, at = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            at = found.end()
        else:
            yield value


def _unwrap(value: object, depth: int) -> Iterator[dict[str, object]]:
    """Yield the objects that hold an edit, which a tool call wraps into others."""
    if isinstance(value, str):
        value = list(_find_objects(value))
    if isinstance(value, list):
        for one in value if depth else ():
            yield from _unwrap(one, depth - 1)
    elif isinstance(value, dict):
        if "constants" in value or "edits" in value or {"definition", "lines"} <= value.keys():
            yield value
        elif any(key in value for key in OLD) and any(key in value for key in NEW):
            yield {**value, "edits": [value]}
        elif depth:
            inner = next((value[key] for key in WRAPPINGS if key in value), None)
            yield from _unwrap(inner, depth - 1)


def _read_edit(edit: dict[str, object]) -> JsonEdit:
    values = edit.get("constants") or {}
    if isinstance(values, list):
        try:
            values = {one["name"]: one["value"] for one in values}
        except (TypeError, KeyError):
            values = None
    edits = edit.get("edits") or []
    if not isinstance(values, dict) or not isinstance(edits, list):
        raise EditError('"constants" should be an object with a value for each name to change')
    return JsonEdit(
        values={_read_text(name): value for name, value in values.items()},
        bodies=_read_bodies(edit),
        blocks=[_read_block(number, one) for number, one in enumerate(edits, 1)],
        idea=_read_text(edit.get("idea", "")),
        why=_read_text(edit.get("why", "")),
    )


def _read_bodies(edit: dict[str, object]) -> dict[str, list[str]]:
    if "definition" not in edit:
        return {}
    lines = edit.get("lines")
    if isinstance(lines, str):
        lines = [lines]
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise EditError('"lines" should be a list with the lines of the new body')
    text = "\n".join(map(_read_text, lines))
    return {_read_text(edit["definition"]): text.replace("\r\n", "\n").split("\n")}


def _show_value(value: object) -> str:
    """A new value as one reads it in an idea."""
    try:
        text = value if isinstance(value, str) else _write_literal(value)
    except RecursionError:
        text = "..."
    return " ".join(_read_text(text).split())[:40]


def _read_block(number: int, edit: object) -> Change:
    parts = []
    for keys in (OLD, NEW):
        text = next((edit[k] for k in keys if k in edit), None) if isinstance(edit, dict) else None
        if not isinstance(text, str):
            raise EditError(f'edit {number} should have the texts "search" and "replace"')
        lines = _read_text(text).replace("\r\n", "\n").split("\n")
        parts.append(lines[:-1] if not lines[-1] else lines)
    search, replace = parts
    return make_block(number, [(search, replace)])


def _read_text(value: object) -> str:
    """A string of a JSON text, which may name half a surrogate pair; empty if it is no string."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


# -- values ---------------------------------------------------------------------------------------


def _write_assignment(name: str, statement: str, value: object) -> str:
    """Write an assignment with another value."""
    head, old = split_assignment(statement)
    if isinstance(value, str) and not isinstance(value, Number):
        new = _read_text(value).strip()
        if _is_text(old) and not (QUOTED.match(new) and _read_expression(new)):
            new = json.dumps(_read_text(value), ensure_ascii=False)
    else:
        try:
            new = _write_literal(value)
        except RecursionError as error:
            raise EditError(f"the value of {name} is nested too deep") from error
    expression = _read_expression(new)
    if not expression:
        shown = " ".join(new.split())[:60]
        raise EditError(f"the value of {name} is no Python expression: {shown!r}")
    return f"{head} {expression}"


def split_assignment(statement: str) -> tuple[str, str]:
    """Split an assignment behind its `=`.

    Raises:
        EditError: It is no assignment of a value.
    """
    depth = 0
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(statement).readline):
            depth += (token.string in OPENERS) - (token.string in CLOSERS)
            if token.string == "=" and not depth:
                row, column = token.end
                lines = statement.split("\n")
                at = sum(len(line) + 1 for line in lines[: row - 1]) + column
                return statement[:at], statement[at:].strip()
    raise EditError(f"the constant {statement[:60]!r} cannot be set", advice="edit its line")


def _is_text(expression: str) -> bool:
    node = parse(f"({expression}\n)").body[0]
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _read_expression(text: str) -> str:
    """Read a text as an expression, without a comment behind it; empty if it is none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    try:
        tree = parse(f"_ = {text}")
    except INVALID:
        return ""
    match tree.body:
        case [ast.Assign(targets=[ast.Name()], value=value) as statement]:
            if isinstance(value, (ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr)):
                return ""
        case _:
            return ""
    lines = f"_ = {text}".encode().split(b"\n")
    assert statement.end_lineno is not None
    assert statement.end_col_offset is not None
    kept = [*lines[: statement.end_lineno - 1]]
    kept.append(lines[statement.end_lineno - 1][: statement.end_col_offset])
    return b"\n".join(kept).decode().removeprefix("_ = ")


def _write_literal(value: Any) -> str:
    """Write a JSON value as Python source."""
    match value:
        case Number():
            return value if value[-1].isdigit() else f'float("{value}")'  # NaN, Infinity
        case str():
            return json.dumps(_read_text(value), ensure_ascii=False)
        case None | bool():
            return repr(value)
        case list():
            return f"[{', '.join(map(_write_literal, value))}]"
        case dict():
            pairs = (f"{_write_literal(k)}: {_write_literal(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise AssertionError(f"JSON has no {type(value)}")
