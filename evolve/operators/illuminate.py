"""The operator `illuminate`: constants for the cell in which they are expected to gain most.

Of many changes, that one is proposed whose improvement over the elite of the cell that it falls
into is the largest expectation: the sum over all cells of the probability to fall into the cell,
times the expected improvement there (P. Kent and J. Branke, "BOP-Elites, a Bayesian optimisation
algorithm for quality-diversity search", arXiv 2005.04320, 2020). An empty cell counts as held by
the weakest elite, so that it is worth a run wherever a child is expected to be no worse than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from archive.axis import Bounds, bounds_of_cell
from evolve.operators.base import Operator
from evolve.operators.constant_space import FEWEST_RELATIVES, Change
from evolve.operators.context import Cells, Context, Parent
from evolve.operators.perturb import EXPECTED, Perturb, write_proposal
from evolve.operators.proposal import Proposal, take_first_new
from evolve.operators.surrogates import Forecast, count_measured, forecast_changes

DIGITS = 9  # decimals of an expectation that count: further ones differ between machines


class SparseIlluminate(Operator):
    """The `illuminate` of runs that began under the second to the sixth rules.

    It changes few constants at a time.
    """

    name = "illuminate"
    summary = "constants for the cell where they gain most, by models of score and measures"
    learns = True
    maps = True
    since = 2
    wide = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        relatives, direction = context.relatives, parent.individual.direction
        scored = count_measured(relatives)
        if context.cells is None or scored < FEWEST_RELATIVES:
            notes = (
                f"drawn as perturb does: illuminate learns from {FEWEST_RELATIVES} scored genomes "
                f"that differ in constants alone, and there are fewer ({scored})"
            )
            return replace(Perturb().propose(parents, context), notes=f"{EXPECTED}; {notes}")
        forecast = forecast_changes(
            parent.source, relatives, context.cells, direction, context.rng, wide=self.wide
        )
        notes = (
            f"learnt from {scored} genomes with a score that differ in constants alone; expected: "
            "a new elite in an empty cell or in one whose elite is weak"
        )
        draws = (
            replace(write_proposal(parent.source, change, notes), target=target)
            for change, target in _rank(forecast, context.cells)
        )
        return take_first_new(draws, context.screen)


class Illuminate(SparseIlluminate):
    """Changes some or all constants so that the child improves the archive most, wherever it falls.

    As long as too few relatives have a score it draws as `perturb` does, and says so.
    """

    since = 7
    former = SparseIlluminate()
    wide = True
    reads_means = True


def _rank(forecast: Forecast | None, cells: Cells) -> Iterator[tuple[Change, Bounds]]:
    """The changes, the most promising first, each with the cell where most is expected of it."""
    if forecast is None:
        return
    worth = np.round(forecast.improvements.sum(axis=1), DIGITS)
    for i in np.argsort(-worth, kind="stable"):
        best = np.unravel_index(int(forecast.improvements[i].argmax()), cells.levels.shape)
        yield forecast.changes[i], bounds_of_cell(cells.axes, [int(index) for index in best])
