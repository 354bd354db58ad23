"""The operator `tune`: the constants of a genome by a model of their effect.

A Gaussian process is fitted to the relatives that differ from the parent in their constants alone.
It predicts the score of many changes of the parent, each drawn as `perturb` would, and the one with
the lowest confidence bound is proposed (N. Srinivas et al., "Gaussian process optimization in the
bandit setting", ICML 2010). A failure counts as a loss as high as the highest one measured
(F. Hutter et al., "Sequential model-based optimization for general algorithm configuration",
LION 2011).
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
    LossScale,
    draw_design,
)
from evolve.operators.context import Context, Parent, Relative
from evolve.operators.gaussian_process import GaussianProcess
from evolve.operators.perturb import EXPECTED, Perturb, write_proposal
from evolve.operators.proposal import Proposal, take_first_new
from population import Direction

DARING = 1.0  # standard deviations between the expectation and the confidence bound
DIGITS = 9  # decimals of a confidence bound that count: further ones differ between machines


def rank_changes(
    source: str, relatives: Sequence[Relative], direction: Direction, rng: np.random.Generator
) -> list[Change]:
    """Draw changes of a genome's constants and rank them, the most promising first.

    Args:
        source: Text of the genome, which has constants.
        relatives: Genomes that differ from it in their constants alone, the nearest first; at least
            one of them has a score, and the genome itself may be among them.
        direction: Direction of their objectives.
        rng: Generator that draws the changes.
    """
    design = draw_design(source, relatives, direction, rng)
    if not design.changes:
        return []
    losses = LossScale.of(design.losses)(design.losses)
    expected, deviation = GaussianProcess(design.points, losses).predict(design.places)
    bounds = np.round(expected - DARING * deviation, DIGITS)
    return [design.changes[i] for i in np.argsort(bounds, kind="stable")]


class Tune(Operator):
    """Changes some constants as a Gaussian process over the relatives suggests.

    As long as too few relatives have a score it draws as `perturb` does, and says so.
    """

    name = "tune"
    summary = "constants by a model of their effect"
    learns = True

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
        ranked = rank_changes(parent.source, relatives, direction, context.rng)
        notes = (
            f"learnt from {scored} genomes with a score that differ in constants alone; expected: "
            "more than any of them, or what shows where more is"
        )
        draws = (write_proposal(parent.source, change, notes) for change in ranked)
        return take_first_new(draws, context.screen)
