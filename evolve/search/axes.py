"""The archive's axes, as the task wants them and a seed measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archive import Axis
from trainer.axes import AxisSpec


def axes_around(
    specs: Sequence[AxisSpec], measures: Mapping[str, float], cells: int
) -> tuple[Axis, Axis]:
    """The archive's axes: the task's own bounds, or bounds around what a seed measured.

    Args:
        specs: the task's two axes.
        measures: the seed's, by axis name.
        cells: on each axis.

    Raises:
        ValueError: the bounds do not make an axis, for example around a measure of zero.
    """

    def axis(spec: AxisSpec) -> Axis:
        if spec.bounds is None and measures[spec.name] <= 0:
            raise ValueError(
                f"axis `{spec.name}` has no bounds around {measures[spec.name]:g}; give it "
                "`bounds = [low, high]` in program.md"
            )
        low, high = spec.bounds or tuple(factor * measures[spec.name] for factor in spec.around)
        return Axis(spec.name, spec.label, spec.unit, low, high, cells, spec.log)

    first, second = specs
    return axis(first), axis(second)
