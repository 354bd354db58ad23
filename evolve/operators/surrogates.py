"""What changes of a genome's constants are expected to do, by models of score and measures.

Gaussian processes are fitted to the objective and to each measure of the relatives that differ from
the parent in their constants alone. They stand in for runs (A. Gaier, A. Asteroth and J.-B. Mouret,
"Data-efficient design exploration through surrogate-assisted illumination", Evolutionary
Computation 26, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archive import Axis
from evolve.operators.constant_space import Change, Design, LossScale, draw_design, orient
from evolve.operators.context import Cells, Relative
from evolve.operators.gaussian_process import Array, GaussianProcess
from population import Direction

TINY = 1e-9  # least deviation of a prediction, in its unit


@dataclass(frozen=True)
class Forecast:
    """Changes of a genome's constants, with what they are expected to do.

    Attributes:
        changes: The changes.
        objectives: Objectives expected of their children, in the metric's unit, shape (changes,).
        deviations: Standard deviations of these, in the same unit, shape (changes,).
        falls: Probability of each child to fall into each cell, shape (changes, cells).
        improvements: How far each child is expected to beat each cell's level, not to fall into it
            or not to beat it counting as 0, on the scale of the losses, shape (changes, cells).
    """

    changes: Sequence[Change]
    objectives: Array
    deviations: Array
    falls: Array
    improvements: Array


def count_measured(relatives: Sequence[Relative]) -> int:
    """The number of relatives that have a score and measures, from which alone models learn."""
    return sum(one.objective is not None and bool(one.measures) for one in relatives)


def forecast_changes(
    source: str,
    relatives: Sequence[Relative],
    cells: Cells,
    direction: Direction,
    rng: np.random.Generator,
    *,
    wide: bool = False,
) -> Forecast | None:
    """Draw changes of a genome's constants and foresee what comes of them; None if there are none.

    Args:
        source: Text of the genome, which has constants.
        relatives: Genomes that differ from it in their constants alone, the nearest first, some of
            them with a score and measures.
        cells: The archive.
        direction: Direction of the objectives.
        rng: Generator that draws the changes.
        wide: Whether some changes are of nearly all constants.
    """
    design = draw_design(source, relatives, direction, rng, from_relatives=True, wide=wide)
    if not design.changes:
        return None
    scale = LossScale.of(design.losses)
    losses, spread = GaussianProcess(design.points, scale(design.losses)).predict(design.places)
    bars = scale(np.array([orient(level, direction) for level in cells.levels.ravel()]))
    falls = _falls_into(design, cells)
    better, worse = scale.invert(losses - spread), scale.invert(losses + spread)
    return Forecast(
        changes=design.changes,
        objectives=np.array([orient(loss, direction) for loss in scale.invert(losses)]),
        deviations=(worse - better) / 2.0,
        falls=falls,
        improvements=expect_improvement(losses, spread, bars) * falls,
    )


def expect_improvement(expected: Array, deviation: Array, bars: Array) -> Array:
    """How far below each bar a loss is expected to be, above it counting as 0.

    Args:
        expected: Expectations of the losses, shape (candidates,).
        deviation: Their standard deviations, shape (candidates,).
        bars: Bars, shape (cells,).

    Returns:
        Shape (candidates, cells).
    """
    spread = np.maximum(deviation, TINY)[:, None]
    lead = (bars[None, :] - expected[:, None]) / spread
    density = np.exp(-0.5 * lead**2) / math.sqrt(2.0 * math.pi)
    return spread * (lead * _normal(lead) + density)


def _falls_into(design: Design, cells: Cells) -> Array:
    """The probability of each candidate to fall into each cell, shape (candidates, cells)."""
    measured = [i for i, one in enumerate(design.relatives) if one.measures]
    points = design.points[measured]
    share = np.ones((len(design.changes), 1))
    for number, axis in enumerate(cells.axes):
        values = np.array([design.relatives[i].measures[number] for i in measured])
        process = GaussianProcess(points, _place(values, axis))
        along = _spread_over(axis, *process.predict(design.places))
        share = (share[:, :, None] * along[:, None, :]).reshape(len(along), -1)
    return share


def _place(values: Array, axis: Axis) -> Array:
    """The places of an axis's values on the scale on which its cells are equally wide."""
    return np.log(values) if axis.log else values


def _spread_over(axis: Axis, expected: Array, deviation: Array) -> Array:
    """The probability that a measure falls into each cell of its axis, shape (n, axis.cells)."""
    edges = _place(axis.edges[1:-1], axis)[None, :]
    width = (_place(axis.edges[-1:], axis) - _place(axis.edges[:1], axis)) / axis.cells
    below = _normal((edges - expected[:, None]) / np.maximum(deviation, TINY * width)[:, None])
    ends = np.zeros((len(expected), 1)), np.ones((len(expected), 1))
    return np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)


def _normal(values: Array) -> Array:
    """The cumulative distribution function of the standard normal distribution."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    result: Array = 0.5 * (1.0 + erf(values / math.sqrt(2.0))) if values.size else values
    return result
