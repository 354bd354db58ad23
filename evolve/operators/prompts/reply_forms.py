"""The forms in which a language model may reply: what it is told, and the schema of the reply.

A schema makes the replies of a small model valid, which they seldom are without one; it does not
make them good.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from evolve.edits.forms import CONSTANTS, DEFINITION, FREE
from evolve.edits.json_edits import split_assignment
from evolve.edits.mismatch import EditError
from evolve.genome import find_constants
from evolve.genome.bodies import find_bodies
from evolve.genome.parsing import INVALID, parse
from evolve.operators.prompts import instructions

EDIT_TOKENS = 2000  # tokens of a free reply beside the whole file: idea, reasons, some reasoning
TIGHTEST = 3  # characters per token of a file, at least
MOST_CONSTANTS = 3  # constants that one reply may change
REACH = 16  # factor by which an integer may change at most
VALUE_TOKENS, IDEA_TOKENS = 60, 200  # tokens of a constant's name with its value, of an idea


@dataclass(frozen=True)
class ReplyForm:
    """A form of reply to one request.

    Attributes:
        name: Name of the form.
        tokens: Most tokens that a reply needs.
        answer: What the standing instruction says of the reply.
        reminder: What stands below each question; empty if nothing.
        again: What a reply that was refused is to be replaced by.
        shorter: What to do about a reply that was cut.
        schema: JSON schema of the reply; None if there is none.
    """

    name: str
    tokens: int
    answer: str = instructions.ANSWER
    reminder: str = ""
    again: str = instructions.AGAIN
    shorter: str = instructions.SHORTER
    schema: Mapping[str, Any] | None = None


def choose_reply_form(name: str, source: str) -> ReplyForm:
    """The form of that name for edits of a source; the free one if the source has no room for it.

    Args:
        name: Name of the form.
        source: Text that the reply edits.
    """
    form = None
    try:
        if name == CONSTANTS:
            form = _choose_constants(source)
        elif name == DEFINITION:
            form = _choose_definition(source)
    except INVALID:
        pass  # no Python has no constants and no functions
    return form or ReplyForm(FREE, EDIT_TOKENS + len(source) // TIGHTEST)


def _choose_constants(source: str) -> ReplyForm | None:
    named: list[tuple[dict[str, Any], list[str]]] = []  # values that are allowed, for which names
    for name, span in find_constants(source).items():
        with suppress(EditError):  # a constant whose value cannot be told apart is not offered
            allowed = _describe_values(split_assignment(span.text)[1])
            names = next((names for values, names in named if values == allowed), None)
            if names is None:
                named.append((allowed, [name]))
            else:
                names.append(name)
    if not named:
        return None
    choices = [
        _describe_object(name={"type": "string", "enum": names}, value=values)
        for values, names in named
    ]
    items = choices[0] if len(choices) == 1 else {"anyOf": choices}
    changes = {"type": "array", "minItems": 1, "maxItems": MOST_CONSTANTS, "items": items}
    return ReplyForm(
        CONSTANTS,
        IDEA_TOKENS + MOST_CONSTANTS * VALUE_TOKENS,
        instructions.ANSWER_CONSTANTS,
        instructions.REMINDER_CONSTANTS,
        instructions.AGAIN_JSON,
        instructions.SHORTER_JSON,
        _describe_object(constants=changes),
    )


def _choose_definition(source: str) -> ReplyForm | None:
    bodies = find_bodies(source)
    if not bodies:
        return None
    longest = max(len(span.text) for span in bodies.values())
    return ReplyForm(
        DEFINITION,
        2 * IDEA_TOKENS + 2 * longest // TIGHTEST,
        instructions.ANSWER_DEFINITION,
        instructions.REMINDER_DEFINITION,
        instructions.AGAIN_JSON,
        instructions.SHORTER_JSON,
        _describe_object(
            idea={"type": "string"},
            definition={"type": "string", "enum": list(bodies)},
            lines={"type": "array", "minItems": 1, "items": {"type": "string"}},
        ),
    )


def _describe_object(**properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties, in this order, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _describe_values(expression: str) -> dict[str, Any]:
    """The schema of a constant's new values: of the type that it has, or a text for any expression.

    Integers keep to some factor of the old one, since small models go on writing digits.
    """
    try:
        value = ast.literal_eval(parse(f"({expression}\n)").body[0].value)  # type: ignore[attr-defined]
    except (*INVALID, TypeError):
        value = None
    match value:
        case bool():
            return {"type": "boolean"}
        case int() if value > 0:
            return {"type": "integer", "minimum": max(value // REACH, 1), "maximum": value * REACH}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
    return {"type": "string"}
