"""The axes of a task's archive, as the head of its program.md declares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from population import Direction
from trainer.formula import Formula
from trainer.head import Head


@dataclass(frozen=True)
class AxisSpec:
    """One axis of the archive, as the task declares it.

    Attributes:
        name: the measure's name.
        measure: how it follows from the numbers that a run reports.
        label: what a picture calls it.
        unit: of the measure, such as "parameters"; may be empty.
        log: whether its scale is logarithmic, else linear.
        around: the bounds as factors (log) of the first seed's own measure.
        bounds: fixed bounds in the measure's unit instead, low and high.
        better: which end of the axis is better at an equal fitness; None if neither is.
    """

    name: str
    measure: Formula
    label: str
    unit: str
    log: bool
    around: tuple[float, float]
    bounds: tuple[float, float] | None
    better: Direction | None


def read_axis(table: Any, number: int) -> AxisSpec:
    """One table under [[axes]]; which of them, from 1, is for the error.

    Raises:
        ValueError: a key is missing, unknown or wrong.
    """
    if not isinstance(table, dict):
        raise ValueError(f"axis {number} should be a table under [[axes]]")
    head = Head(table, f"axes[{number}].")
    name = head.take("name", str)
    log = head.choice("scale", ("log", "linear"), "log") == "log"
    better = head.choice("better", ("lower", "higher", "neither"), "neither")
    axis = AxisSpec(
        name=name,
        measure=head.formula("measure"),
        label=head.take("label", str, name),
        unit=head.take("unit", str, ""),
        log=log,
        around=head.pair("around") or (0.25, 4.0),
        bounds=head.pair("bounds"),
        better={"lower": Direction.MINIMIZE, "higher": Direction.MAXIMIZE}.get(better),
    )
    head.end()
    for low, _ in filter(None, (axis.around, axis.bounds if log else None)):
        if low <= 0:
            raise ValueError(f"the bounds of axes[{number}] should be above 0")
    return axis
