"""The archive's axes, from the task's contract and a seed's measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archive import Axis
from archive.grid import check_cells
from trainer.axes import AxisSpec


def axes_around(
    specs: Sequence[AxisSpec], measures: Mapping[str, float], cells: int
) -> tuple[Axis, ...]:
    """Lay the archive's axes: within the task's own bounds, or around what a seed measured.

    Args:
        specs: The task's axes.
        measures: The seed's measures, by the axes' names.
        cells: Number of cells on each axis.

    Raises:
        ValueError: The bounds do not make an axis, for example around a measure of zero, or the
            archive would have too many cells.
    """
    check_cells([cells] * len(specs))
    return tuple(_axis_around(spec, measures[spec.name], cells) for spec in specs)


def _axis_around(spec: AxisSpec, measure: float, cells: int) -> Axis:
    if spec.bounds is None and measure <= 0:
        raise ValueError(
            f"axis `{spec.name}` has no bounds around {measure:g}; give it "
            "`bounds = [low, high]` in program.md"
        )
    low, high = spec.bounds or tuple(factor * measure for factor in spec.around)
    return Axis(spec.name, spec.label, spec.unit, low, high, cells, spec.log)
