"""One axis of the archive: a measure's range, cut into cells."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bounds = tuple[tuple[float, float], ...]
"""Lower and upper edge of a cell on each axis, in the units of the axes."""


@dataclass(frozen=True)
class Axis:
    """A measure's range, cut into cells that are equally wide (on a log axis: in the logarithm).

    Cell i holds edges[i] <= value < edges[i + 1]. A value beyond the bounds belongs to the cell at
    that end, so that every genome has a place.

    Attributes:
        name: Key of the measure in `Individual.measures`, such as "size".
        label: Name for people, such as "model size".
        unit: Unit of the measure, such as "parameters"; may be empty.
        low: Lower bound, in the unit.
        high: Upper bound, in the unit; above `low`.
        cells: Number of cells, at least 1.
        log: Whether the cells are equally wide in log(value); then `low` must be above 0.

    Raises:
        ValueError: The bounds or the number of cells make no axis.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    cells: int
    log: bool

    def __post_init__(self) -> None:
        where = f"axis `{self.name}`"
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(
                f"{where}: its bounds should be finite, not {self.low} and {self.high}"
            )
        if self.low >= self.high:
            raise ValueError(f"{where}: low ({self.low}) should be below high ({self.high})")
        if self.cells < 1:
            raise ValueError(f"{where}: it needs at least 1 cell, not {self.cells}")
        if self.log and self.low <= 0:
            raise ValueError(f"{where}: a log axis starts above 0, not at {self.low}")
        with np.errstate(over="ignore", invalid="ignore"):
            widths = np.diff(self.edges)
        if not (np.isfinite(widths).all() and (widths > 0).all()):
            raise ValueError(
                f"{where}: {self.low} to {self.high} cannot be cut into {self.cells} cells"
            )

    @property
    def title(self) -> str:
        """The label with its unit, such as "model size (parameters)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def index_of(self, value: float) -> int:
        """The index of a raw value's cell, 0 to cells - 1.

        Raises:
            ValueError: The value is NaN or infinite or, on a log axis, not above 0.
        """
        if not math.isfinite(value) or (self.log and value <= 0):
            wanted = "a finite number above 0" if self.log else "a finite number"
            raise ValueError(f"{self.label} should be {wanted}, not {value}")
        return bisect.bisect_right(self._inner_edges, value)

    def holds(self, value: float) -> bool:
        """Whether a raw value lies within the bounds."""
        return self.low <= value <= self.high

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """The cells' edges from `low` to `high`, in the unit; shape (cells + 1,), read-only."""
        cut = np.geomspace if self.log else np.linspace
        with np.errstate(over="ignore", invalid="ignore"):
            edges = cut(self.low, self.high, self.cells + 1, dtype=np.float64)
        edges.flags.writeable = False
        return edges

    def bounds_of(self, index: int) -> tuple[float, float]:
        """The lower and the upper edge of a cell, in the unit.

        Raises:
            IndexError: There is no such cell.
        """
        if not 0 <= index < self.cells:
            raise IndexError(f"axis `{self.name}` has cells 0 to {self.cells - 1}, not {index}")
        return float(self.edges[index]), float(self.edges[index + 1])

    def to_dict(self) -> dict[str, Any]:
        """The axis as a dictionary for JSON; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Axis:
        """The axis that `to_dict` wrote.

        Raises:
            ValueError: A field is missing or unknown, or the values make no axis.
        """
        wanted = {field.name for field in fields(cls)}
        if data.keys() != wanted:
            wrong = ", ".join(sorted(data.keys() ^ wanted))
            raise ValueError(f"an axis has {', '.join(sorted(wanted))}; see {wrong}")
        return cls(**data)

    @cached_property
    def _inner_edges(self) -> list[float]:
        """The edges between cells; bisecting them clamps a value to the cells at the ends."""
        return [float(edge) for edge in self.edges[1:-1]]


def bounds_of_cell(axes: Sequence[Axis], cell: Sequence[int]) -> Bounds:
    """The bounds of a cell, which stay when the axes move.

    Args:
        axes: Axes of the grid.
        cell: The cell's index on each of them.
    """
    return tuple(axis.bounds_of(index) for axis, index in zip(axes, cell, strict=True))
