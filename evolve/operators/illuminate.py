"""The operator `illuminate`: constants for the cell in which they are expected to gain most.

Gaussian processes are fitted to the objective and to each measure of the relatives that differ from
the parent in their constants alone. Of many changes, that one is proposed whose improvement over
the elite of the cell that it falls into is the largest expectation: the sum over all cells of the
probability to fall into the cell, times the expected improvement there (P. Kent and J. Branke,
"BOP-Elites, a Bayesian optimisation algorithm for quality-diversity search", arXiv 2005.04320,
2020; surrogates in place of runs as in A. Gaier, A. Asteroth and J.-B. Mouret, "Data-efficient
design exploration through surrogate-assisted illumination", Evolutionary Computation 26, 2018). An
empty cell counts as held by the weakest elite, so that it is worth a run wherever a child is
expected to be no worse than that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archive import Axis
from evolve.operators.base import Operator
from evolve.operators.constant_space import (
    FEWEST_RELATIVES,
    Change,
    Design,
    LossScale,
    draw_design,
    orient,
)
from evolve.operators.context import Cells, Context, Parent, Relative
from evolve.operators.gaussian_process import Array, GaussianProcess
from evolve.operators.perturb import EXPECTED, Perturb, write_proposal
from evolve.operators.proposal import Proposal, take_first_new
from population import Direction

DIGITS = 9  # decimals of an expectation that count: further ones differ between machines
TINY = 1e-9  # least deviation of a prediction, in its unit


def rank_changes_by_cell(
    source: str,
    relatives: Sequence[Relative],
    cells: Cells,
    direction: Direction,
    rng: np.random.Generator,
) -> list[Change]:
    """Draw changes of a genome's constants and rank them by their expected joint improvement.

    Args:
        source: Text of the genome, which has constants.
        relatives: Genomes that differ from it in their constants alone, the nearest first, some of
            them with a score and measures.
        cells: The archive.
        direction: Direction of the objectives.
        rng: Generator that draws the changes.
    """
    design = draw_design(source, relatives, direction, rng, from_relatives=True)
    if not design.changes:
        return []
    scale = LossScale.of(design.losses)
    expected, deviation = GaussianProcess(design.points, scale(design.losses)).predict(
        design.places
    )
    bars = scale(np.array([orient(level, direction) for level in cells.levels.ravel()]))
    gains = _expected_improvement(expected, deviation, bars)
    worth = np.round((gains * _falls_into(design, cells)).sum(axis=1), DIGITS)
    return [design.changes[i] for i in np.argsort(-worth, kind="stable")]


def _expected_improvement(expected: Array, deviation: Array, bars: Array) -> Array:
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


class Illuminate(Operator):
    """Changes some constants so that the child improves the archive most, wherever it falls.

    As long as too few relatives have a score it draws as `perturb` does, and says so.
    """

    name = "illuminate"
    summary = "constants for the cell where they gain most, by models of score and measures"
    learns = True
    maps = True
    since = 2

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        relatives, direction = context.relatives, parent.individual.direction
        scored = sum(one.objective is not None and bool(one.measures) for one in relatives)
        if context.cells is None or scored < FEWEST_RELATIVES:
            notes = (
                f"drawn as perturb does: illuminate learns from {FEWEST_RELATIVES} scored genomes "
                f"that differ in constants alone, and there are fewer ({scored})"
            )
            return replace(Perturb().propose(parents, context), notes=f"{EXPECTED}; {notes}")
        ranked = rank_changes_by_cell(
            parent.source, relatives, context.cells, direction, context.rng
        )
        notes = (
            f"learnt from {scored} genomes with a score that differ in constants alone; expected: "
            "a new elite in an empty cell or in one whose elite is weak"
        )
        draws = (write_proposal(parent.source, change, notes) for change in ranked)
        return take_first_new(draws, context.screen)
