"""What models of the constants' effect expect, in words for a language model."""

from __future__ import annotations

import numpy as np

from evolve.genome.masking import read_values
from evolve.operators.constant_space import FEWEST_RELATIVES
from evolve.operators.context import Context, Parent
from evolve.operators.perturb import describe_change
from evolve.operators.surrogates import count_measured, forecast_changes

LEAST = 0.1  # probability to reach the cell, below which nothing is said


def foresee_constants(parent: Parent, context: Context) -> str:
    """Name the change of constants that is most promising in the cell which a child should reach.

    Args:
        parent: Parent of the child.
        context: Context with the cell, the archive's cells and the parent's relatives.

    Returns:
        Some sentences; empty if no cell is aimed at, too little is known, or nothing is likely to
        get there by constants alone.
    """
    cell, cells, task = context.target_cell, context.cells, context.task
    scored = count_measured(context.relatives)
    if cell is None or cells is None or scored < FEWEST_RELATIVES:
        return ""
    if task.language != "python" or not read_values(parent.source):
        return ""
    forecast = forecast_changes(
        parent.source, context.relatives, cells, parent.individual.direction, context.rng
    )
    if forecast is None:
        return ""
    place = int(np.ravel_multi_index(cell, cells.levels.shape))
    best = int(forecast.improvements[:, place].argmax())
    chance = float(forecast.falls[best, place])
    if chance < LEAST:
        return ""
    return (
        f"A model of what the constants do, learnt from {scored} runs of genomes that differ in "
        f"them alone, expects of {describe_change(forecast.changes[best])} a child there with a "
        f"probability of {chance:.0%}, and {task.metric} {forecast.objectives[best]:.4g} "
        f"± {forecast.deviations[best]:.2g}. Take it as a hint: it knows of nothing else."
    )
