"""The archive's axes: laid around a seed's measures, and refitted to what the search finds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from archive import Axis
from archive.grid import check_cells
from population import Individual
from trainer.axes import AxisSpec

FIXED = "fixed"  # as `--bounds` takes it: all axes stay as they are laid
FEWEST = 10  # scored individuals before an axis is refitted
OUTSIDE = 0.1  # share of the individuals beyond one end from which on an axis is widened
UNUSED = 0.5  # share of an axis that is in use, below which it is narrowed
TAIL = 0.025  # share of the individuals at each end that a refitted axis need not hold
MARGIN = 0.1  # room beyond the individuals at each end, as a share of their range
SMALL = 0.05  # share of its length by which a refitted axis has to differ at least


def axes_around(
    specs: Sequence[AxisSpec],
    measures: Mapping[str, float],
    cells: int,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Axis, ...]:
    """Lay the archive's axes: within given bounds, or around what a seed measured.

    Args:
        specs: The task's axes.
        measures: The seed's measures, by the axes' names.
        cells: Number of cells on each axis.
        bounds: Bounds that the user gave, by the axes' names; they replace the task's own.

    Raises:
        ValueError: The bounds do not make an axis, for example around a measure of zero, or the
            archive would have too many cells.
    """
    check_cells([cells] * len(specs))
    own = bounds or {}
    return tuple(_axis_around(s, measures[s.name], cells, own.get(s.name)) for s in specs)


def _axis_around(
    spec: AxisSpec, measure: float, cells: int, bounds: tuple[float, float] | None
) -> Axis:
    given = bounds or spec.bounds
    if given is None and measure <= 0:
        raise ValueError(
            f"axis `{spec.name}` has no bounds around {measure:g}; give it "
            "`bounds = [low, high]` in program.md"
        )
    low, high = given or tuple(factor * measure for factor in spec.around)
    return Axis(spec.name, spec.label, spec.unit, low, high, cells, spec.log)


def read_bounds(texts: Iterable[str], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Read the bounds that a user gave.

    Args:
        texts: Bounds as AXIS=LOW:HIGH, or "fixed", which gives none.
        names: Names of the axes.

    Raises:
        ValueError: A text is malformed, or names no axis.
    """
    bounds = {}
    for text in texts:
        if text == FIXED:
            continue
        name, _, numbers = text.partition("=")
        low, _, high = numbers.partition(":")
        if name not in names:
            raise ValueError(f"there is no axis {name}; there are {' and '.join(names)}")
        try:
            bounds[name] = float(low), float(high)
        except ValueError:
            raise ValueError(f"{text} is not AXIS=LOW:HIGH") from None
    return bounds


def find_movable_axes(specs: Sequence[AxisSpec], texts: Sequence[str]) -> frozenset[str]:
    """The names of the axes that are refitted: nobody has fixed their bounds.

    Args:
        specs: The task's axes.
        texts: Bounds that the user gave, as `read_bounds` takes them.
    """
    if FIXED in texts:
        return frozenset()
    given = read_bounds(texts, [spec.name for spec in specs])
    return frozenset(s.name for s in specs if s.bounds is None and s.name not in given)


def refit_axes(
    axes: Sequence[Axis],
    individuals: Sequence[Individual],
    inside: Sequence[Individual],
    movable: Iterable[str],
) -> tuple[Axis, ...] | None:
    """Refit axes to what was found; None if they fit.

    An axis is widened when more than a tenth of the individuals lie beyond one of its ends, and
    narrowed when all of them use less than half of it.

    Args:
        axes: The axes as they are.
        individuals: Everyone who has scored.
        inside: Individuals that must lie inside, such as the best.
        movable: Names of the axes that may be refitted.
    """
    if len(individuals) < FEWEST:
        return None
    names = set(movable)
    fitted = tuple(
        _refit(axis, individuals, inside) if axis.name in names else axis for axis in axes
    )
    return None if fitted == tuple(axes) else fitted


def _refit(axis: Axis, individuals: Sequence[Individual], inside: Sequence[Individual]) -> Axis:
    low, high = _on_scale(axis, [axis.low, axis.high])
    values = _on_scale(axis, [one.measures[axis.name] for one in individuals])
    outside = max(np.mean(values < low), np.mean(values >= high))
    used = np.ptp(np.clip(values, low, high)) / (high - low)
    if outside <= OUTSIDE and used >= UNUSED:
        return axis
    held = _on_scale(axis, [one.measures[axis.name] for one in inside])
    first = min([float(np.quantile(values, TAIL)), *held])
    last = max([float(np.quantile(values, 1 - TAIL)), *held])
    room = MARGIN * (last - first)
    moved = max(abs(first - room - low), abs(last + room - high))
    if room == 0 or moved < SMALL * (high - low):
        return axis
    back = math.exp if axis.log else float
    return replace(axis, low=back(first - room), high=back(last + room))


def _on_scale(axis: Axis, values: Sequence[float]) -> np.ndarray:
    """Values as the axis spaces them."""
    array = np.asarray(values, dtype=np.float64)
    return np.log(array) if axis.log else array
