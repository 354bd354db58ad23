"""When a target is reached, so that a search may stop."""

from __future__ import annotations

from statistics import fmean

from population import Direction, Individual
from population.estimate import Noise, estimate_fitness

SURE = 0.99  # that the truth is past the target: of many that are near it, some are lucky twice
MOST_RUNS = 5  # of a best that may have reached the target, before the search goes on regardless


def is_reached(best: Individual | None, target: float | None) -> bool:
    """Whether a target was set and an individual is as fit as that.

    The first run has made it the best of many, and its expectation draws its value towards the
    parent: where there are repeats, their mean decides alone.

    Args:
        best: The best so far; None if there is none.
        target: The value to reach, in the metric's unit; None if there is none.
    """
    if target is None or best is None or best.objective is None:
        return False
    repeats = best.values[1:]
    value = fmean(repeats) if repeats else best.objective
    return best.direction.gain(value, target) >= 0


def is_surely_reached(best: Individual | None, target: float | None, noise: Noise) -> bool:
    """Whether a target is reached, and noise does not explain it.

    A score at its limit, such as all tests passed, is no better than the target: its runs are all
    equal, and no luck is in those. Nor is luck in a seed: nobody chose it for its score.

    Args:
        best: The best so far; None if there is none.
        target: The value to reach, in the metric's unit; None if there is none.
        noise: What is known of the noise of a run.
    """
    if best is None or target is None or not is_reached(best, target):
        return False
    runs, repeats = best.values, best.values[1:]
    if noise.exact or not best.parents or (repeats and len(set(runs)) == 1):
        return True
    known = noise.beside(best.id)
    estimate = estimate_fitness(None, repeats, known) if repeats else best.estimate(noise)
    above = estimate.probability_above(target)
    return (above if best.direction is Direction.MAXIMIZE else 1 - above) >= SURE


def may_be_reached(best: Individual | None, target: float | None, noise: Noise) -> bool:
    """Whether one more run of the best may show that the target is reached.

    Args:
        best: The best so far; None if there is none.
        target: The value to reach, in the metric's unit; None if there is none.
        noise: What is known of the noise of a run.
    """
    if best is None or not is_reached(best, target) or is_surely_reached(best, target, noise):
        return False
    return len(best.measurements) < MOST_RUNS
