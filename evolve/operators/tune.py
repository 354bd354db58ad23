"""The operator `tune`: the constants of a genome by a model of their effect.

A Gaussian process is fitted to the relatives that differ from the parent in their constants alone.
It predicts the score of many changes from the parent or a relative, of a few constants or of nearly
all, and the one with the largest expected improvement is proposed (D. R. Jones, M. Schonlau and
W. J. Welch, "Efficient global optimization of expensive black-box functions", Journal of Global
Optimization 13, 1998). What is to be improved on is the best expectation at a relative, since the
best result owes something to luck (V. Picheny, T. Wagner and D. Ginsbourger, "A benchmark of
kriging-based infill criteria for noisy optimization", Structural and Multidisciplinary Optimization
48, 2013). A failure counts as a loss as high as the highest one measured (F. Hutter et al.,
"Sequential model-based optimization for general algorithm configuration", LION 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evolve.genome.masking import read_values
from evolve.operators.base import Operator
from evolve.operators.constant_space import (
    FEWEST_RELATIVES,
    Change,
    Design,
    LossScale,
    draw_design,
)
from evolve.operators.context import Context, Parent, Relative
from evolve.operators.gaussian_process import Array, GaussianProcess
from evolve.operators.perturb import EXPECTED, Perturb, write_proposal
from evolve.operators.proposal import Proposal, take_first_new
from evolve.operators.surrogates import expect_improvement
from population import Direction

DARING = 1.0  # standard deviations between the expectation and the confidence bound
DIGITS = 9  # decimals of a criterion that count: further ones differ between machines


class BoundTune(Operator):
    """The `tune` of runs that began under the first five rules: by the lowest confidence bound.

    It draws changes from the parent alone (N. Srinivas et al., "Gaussian process optimization in
    the bandit setting", ICML 2010).
    """

    name = "tune"
    summary = "constants by a model of their effect"
    learns = True
    from_relatives = False
    wide = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        relatives, direction = context.relatives, parent.individual.direction
        scored = sum(one.objective is not None for one in relatives)
        if scored < FEWEST_RELATIVES or not read_values(parent.source):
            notes = (
                f"drawn as perturb does: tune learns from {FEWEST_RELATIVES} scored genomes that "
                f"differ in constants alone, and there are fewer ({scored})"
            )
            return replace(Perturb().propose(parents, context), notes=f"{EXPECTED}; {notes}")
        ranked = self.rank(parent.source, relatives, direction, context.rng)
        notes = (
            f"learnt from {scored} genomes with a score that differ in constants alone; expected: "
            "more than any of them, or what shows where more is"
        )
        draws = (write_proposal(parent.source, change, notes) for change in ranked)
        return take_first_new(draws, context.screen)

    def rank(
        self,
        source: str,
        relatives: Sequence[Relative],
        direction: Direction,
        rng: np.random.Generator,
    ) -> list[Change]:
        """Draw changes of a genome's constants and rank them, the most promising first.

        Args:
            source: Text of the genome, which has constants.
            relatives: Genomes that differ from it in their constants alone, the nearest first; at
                least one of them has a score, and the genome itself may be among them.
            direction: Direction of their objectives.
            rng: Generator that draws the changes.
        """
        design = draw_design(
            source,
            relatives,
            direction,
            rng,
            from_relatives=self.from_relatives,
            wide=self.wide,
        )
        if not design.changes:
            return []
        losses = LossScale.of(design.losses)(design.losses)
        worth = self.judge(design, GaussianProcess(design.points, losses))
        return [design.changes[i] for i in np.argsort(-np.round(worth, DIGITS), kind="stable")]

    def judge(self, design: Design, process: GaussianProcess) -> Array:
        """What each change is worth by a model of the losses, shape (changes,)."""
        expected, deviation = process.predict(design.places)
        return DARING * deviation - expected


class SparseTune(BoundTune):
    """The `tune` of runs that began under the sixth rules: it changes few constants at a time."""

    since = 6
    former = BoundTune()
    from_relatives = True

    def judge(self, design: Design, process: GaussianProcess) -> Array:
        """The improvement that each change is expected to make, shape (changes,)."""
        bar = process.predict(design.points)[0].min()
        return expect_improvement(*process.predict(design.places), np.array([bar]))[:, 0]


class Tune(SparseTune):
    """Changes some or all constants as a Gaussian process over the relatives suggests.

    As long as too few relatives have a score it draws as `perturb` does, and says so.
    """

    since = 7
    former = SparseTune()
    wide = True
    reads_means = True
