"""Arithmetic over the numbers that a run reports, in which a task states its measures."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_FORMULA = 200  # characters; so that nesting stays far from any recursion limit


@dataclass(frozen=True)
class Formula:
    """An arithmetic expression over the numbers that a run reports, such as "tokens / seconds".

    Numbers, names, + - * / ** and brackets; nothing else is evaluated.
    """

    text: str
    tree: ast.expr = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Parse an expression.

        Raises:
            ValueError: The text is no such expression.
        """
        try:
            if len(text) > LONGEST_FORMULA:
                raise ValueError(f"longer than {LONGEST_FORMULA} characters")
            tree = ast.parse(text, mode="eval").body
            _check(tree)
        except (SyntaxError, ValueError) as error:
            raise ValueError(
                f'"{text}" is no formula of reported numbers, such as "tokens / seconds"'
            ) from error
        return cls(text, tree)

    @property
    def names(self) -> set[str]:
        """Names of the reported numbers that it is made of."""
        return {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    def __call__(self, numbers: Mapping[str, float]) -> float:
        """Compute the expression's value.

        Raises:
            KeyError: A name is not among the numbers.
            ValueError: The value is not finite (a division by zero, say).
        """
        try:
            value = _evaluate(self.tree, numbers)
        except (ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"{self.text} has no value: {error}") from error
        if isinstance(value, complex) or not math.isfinite(value):
            raise ValueError(f"{self.text} is {value}")
        return float(value)


_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def _check(node: ast.expr) -> None:
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATIONS:
            _check(left)
            _check(right)
        case ast.UnaryOp(op, operand) if type(op) in _OPERATIONS:
            _check(operand)
        case ast.Constant(value) if type(value) in (int, float):
            pass
        case ast.Name():
            pass
        case _:
            raise ValueError(ast.dump(node))


def _evaluate(node: ast.expr, numbers: Mapping[str, float]) -> Any:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATIONS[type(op)](_evaluate(left, numbers), _evaluate(right, numbers))
        case ast.UnaryOp(op, operand):
            return _OPERATIONS[type(op)](_evaluate(operand, numbers))
        case ast.Constant(value):
            return float(value)  # type: ignore[arg-type]  # _check let only numbers pass
        case ast.Name(name):
            return numbers[name]
    raise ValueError(ast.dump(node))
