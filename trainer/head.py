"""A table of a task's head: every key is taken once and checked as it is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from trainer.formula import Formula


class Head:
    """The head's table, from which every key is taken once; what is left over is unknown."""

    def __init__(self, table: Mapping[str, Any], where: str = "") -> None:
        self._left = dict(table)
        self._where = where

    def take(
        self, key: str, kind: type | tuple[type, ...], default: Any = None, wanted: str = ""
    ) -> Any:
        """Take a key's value and check it.

        Args:
            key: Name of the key.
            kind: Type, or types, of the value.
            default: Value of a key that is missing; None demands the key.
            wanted: Description of a right value, for an error, where the type does not say it.

        Raises:
            ValueError: The key is missing, or its value is of another type or empty.
        """
        value = self._left.pop(key, default)
        if value is None:
            raise ValueError(f"the key `{self._where}{key}` is missing")
        if isinstance(value, bool) or not isinstance(value, kind):
            wanted = wanted or ("a text" if kind is str else "a number")
            raise ValueError(f"`{self._where}{key} = {value!r}` should be {wanted}")
        if value == "" and default != "":
            raise ValueError(f"`{self._where}{key}` should not be empty")
        return value

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        values = self.take(key, list, default, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"`{self._where}{key} = {values!r}` should be a list of texts")
        return tuple(values)

    def choice(self, key: str, options: tuple[str, ...], default: str | None = None) -> str:
        value: str = self.take(key, str, default)
        if value not in options:
            raise ValueError(
                f'`{self._where}{key} = "{value}"` should be one of {", ".join(options)}'
            )
        return value

    def positive(self, key: str, default: float | None = None) -> float:
        value = float(self.take(key, (int, float), default))
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"`{self._where}{key} = {value:g}` should be above 0")
        return value

    def pair(self, key: str) -> tuple[float, float] | None:
        values = self.take(key, list, [], "[low, high]")
        if not values:
            return None
        good = len(values) == 2 and all(type(v) in (int, float) for v in values)
        if not good or not -math.inf < values[0] < values[1] < math.inf:
            raise ValueError(f"`{self._where}{key} = {values!r}` should be [low, high]")
        return float(values[0]), float(values[1])

    def number(self, key: str) -> float:
        value = float(self.take(key, (int, float)))
        if not math.isfinite(value):
            raise ValueError(f"`{self._where}{key} = {value:g}` should be finite")
        return value

    def count(self, key: str) -> int:
        """Take a whole number from 1; 0 where the key is missing."""
        if key not in self._left:
            return 0
        value: int = self.take(key, int, wanted="a whole number")
        if value < 1:
            raise ValueError(f"`{self._where}{key} = {value}` should be above 0")
        return value

    def path(self, key: str, default: str | None = None) -> str:
        """Take a path within the task's folder; a default is taken as it is."""
        if key not in self._left and default is not None:
            return default
        return check_path(self.take(key, str), f"{self._where}{key}")

    def paths(self, key: str) -> tuple[str, ...]:
        return tuple(check_path(path, f"{self._where}{key}") for path in self.texts(key, []))

    def formula(self, key: str) -> Formula:
        return Formula.parse(self.take(key, str))

    def has(self, key: str) -> bool:
        return key in self._left

    def end(self) -> None:
        if self._left:
            raise ValueError(f"the key `{self._where}{min(self._left)}` is unknown")


def check_path(path: str, key: str) -> str:
    """Return the path in its shortest form; `key` names it in an error.

    Raises:
        ValueError: The path leads out of the folder, or is the folder itself.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f'`{key} = "{path}"` should be a path within the task\'s folder')
    return str(pure)
