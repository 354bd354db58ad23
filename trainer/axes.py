"""The axes of a task's archive, as the head of its program.md declares them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from population import Direction
from trainer.formula import Formula
from trainer.head import Head

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # names a column of results.tsv, and an option's value
SCALES = ("log", "linear")
BETTER = {"lower": Direction.MINIMIZE, "higher": Direction.MAXIMIZE, "neither": None}
AROUND = (0.25, 4.0)


@dataclass(frozen=True)
class AxisSpec:
    """One axis of the archive, as the task declares it.

    Attributes:
        name: Name of the measure.
        measure: Formula of the measure over the numbers that a run reports.
        label: Name of the axis for people.
        unit: Unit of the measure, such as "parameters"; may be empty.
        log: Whether the scale is logarithmic, else it is linear.
        around: Lower and upper bound as factors of the first seed's own measure.
        bounds: Lower and upper bound in the measure's unit, which replace `around`; or None.
        better: Better end of the axis at an equal fitness; None if neither is.
    """

    name: str
    measure: Formula
    label: str
    unit: str
    log: bool
    around: tuple[float, float]
    bounds: tuple[float, float] | None
    better: Direction | None


def read_axes(tables: Sequence[Any]) -> tuple[AxisSpec, ...]:
    """Read the tables under [[axes]], in their order.

    Raises:
        ValueError: There is none, or a key is missing, unknown or wrong.
    """
    if not tables:
        raise ValueError("there should be at least one table [[axes]]")
    return tuple(_read_axis(table, number) for number, table in enumerate(tables, 1))


def check_axes(axes: Sequence[AxisSpec], metric: str) -> None:
    """Check what a new task's axes must be; a run that has begun may have others.

    Raises:
        ValueError: A name is no word or stands twice, or a measure tells no genomes apart by
            anything but their fitness.
    """
    names = [axis.name for axis in axes]
    for axis in axes:
        if not NAME.fullmatch(axis.name):
            raise ValueError(
                f'the axis `name = "{axis.name}"` should be one word: letters, digits, `_`, `.` '
                "and `-`, a letter or digit first; `label` is what people read"
            )
        if names.count(axis.name) > 1:
            raise ValueError(f"two axes are called `{axis.name}`")
        if axis.measure.names == {metric}:
            raise ValueError(f"the axis `{axis.name}` repeats the metric")
        if not axis.measure.names:
            raise ValueError(
                f"the axis `{axis.name}` is the same for every genome: its measure names no "
                "reported number"
            )


def _read_axis(table: Any, number: int) -> AxisSpec:
    """Read one table; `number`, from 1, is for the error."""
    if not isinstance(table, dict):
        raise ValueError(f"axis {number} should be a table under [[axes]]")
    head = Head(table, f"axes[{number}].")
    name = head.take("name", str)
    log = head.choice("scale", SCALES, "log") == "log"
    axis = AxisSpec(
        name=name,
        measure=head.formula("measure"),
        label=head.take("label", str, name),
        unit=head.take("unit", str, ""),
        log=log,
        around=head.pair("around") or AROUND,
        bounds=head.pair("bounds"),
        better=BETTER[head.choice("better", tuple(BETTER), "neither")],
    )
    head.end()
    for low, _ in filter(None, (axis.around, axis.bounds if log else None)):
        if low <= 0:
            raise ValueError(f"the bounds of axes[{number}] should be above 0")
    return axis
