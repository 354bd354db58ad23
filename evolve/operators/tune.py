"""The operator `tune`: the constants of a genome as a search space for model-based optimization.

A Gaussian process is fitted to the relatives that differ from the parent in their constants alone.
It predicts the score of many changes of the parent, each drawn as `perturb` would, and the one with
the lowest confidence bound is proposed (N. Srinivas et al., "Gaussian process optimization in the
bandit setting", ICML 2010). A failure counts as a loss as high as the highest one measured
(F. Hutter et al., "Sequential model-based optimization for general algorithm configuration",
LION 2011).
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evolve.genome import find_literals
from evolve.genome.masking import Values, read_values
from evolve.genome.syntax import HUGE, Literal
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent, Relative
from evolve.operators.gaussian_process import Array, GaussianProcess
from evolve.operators.perturb import EXPECTED, SPREAD, Perturb, perturb_literal, write_proposal
from evolve.operators.proposal import Proposal, take_first_new
from population import Direction

Change = tuple[tuple[Literal, str], ...]  # literals of the parent with their new texts

FEWEST_RELATIVES = 6  # scored relatives; fewer say nothing about a dozen constants
MOST_RELATIVES = 80  # the work grows with the cube of their number
CANDIDATES = 300  # changes that are judged for one proposal
ONE_MORE = 0.5  # probability that a candidate changes one more literal
DARING = 1.0  # standard deviations between the expectation and the confidence bound
BEYOND = 1.7  # steps beyond the range of the relatives that a candidate may go
FAR = 20.0  # steps from the parent; any farther value counts as this far
ZERO = 0.1  # position of a zero on the logarithmic scale, as a share of the smallest positive value
SMALL = 0.07  # smallest positive value where all are zero
TINY = 1e-300
NEAREST = 1e-12  # least distance from 1 of a value whose distance from 1 counts
EXTREME = 1e100  # objectives beyond it are clipped to it
DIGITS = 9  # decimals of a confidence bound that count: further ones differ between machines


@dataclass(frozen=True)
class LiteralScale:
    """The distance of a literal's values from the parent's value, in typical steps of `perturb`.

    Attributes:
        literal: Literal of the parent.
        least: Smallest value that differs from zero, where the scale is logarithmic.
    """

    literal: Literal
    least: float

    @classmethod
    def of(cls, literal: Literal, seen: Sequence[float]) -> LiteralScale:
        """Make the scale of a literal, given the values that relatives have in its place."""
        positive = [value for value in (literal.value, *seen) if value > 0]
        return cls(literal, max(TINY, ZERO * float(min(positive, default=SMALL))))

    def __call__(self, value: float) -> float:
        return min(max(self._place(value) - self._place(self.literal.value), -FAR), FAR)

    def _place(self, value: float) -> float:
        own = self.literal.value
        if isinstance(own, int) and (self.literal.exponent or own <= 8):  # truth values, too
            return float(value)
        if 0.5 < own < 1.0:
            return -math.log(max(1.0 - value, NEAREST)) / SPREAD
        return math.log(max(value, self.least)) / SPREAD


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
    fittest = sorted(relatives, key=lambda one: _compute_loss(one, direction))
    chosen = list(dict.fromkeys([*fittest[: MOST_RELATIVES // 2], *relatives]))[:MOST_RELATIVES]
    rows = [read_values(one.source) for one in chosen]
    scales = [
        LiteralScale.of(literal, seen)
        for literal, seen in zip(find_literals(source), zip(*rows, strict=True), strict=True)
    ]
    points = np.array([[s(value) for s, value in zip(scales, row, strict=True)] for row in rows])
    losses = np.array([_compute_loss(one, direction) for one in chosen])
    losses[np.isinf(losses)] = losses[np.isfinite(losses)].max()
    changes, places = _draw_candidates(scales, points, set(rows), rng)
    if not changes:
        return []
    expected, deviation = GaussianProcess(points, _compress_losses(losses)).predict(places)
    bounds = np.round(expected - DARING * deviation, DIGITS)
    return [changes[i] for i in np.argsort(bounds, kind="stable")]


def _compute_loss(relative: Relative, direction: Direction) -> float:
    """The objective of a relative, oriented so that less is better; infinite if it failed."""
    if relative.objective is None:
        return math.inf
    return direction.gain(0.0, min(max(relative.objective, -EXTREME), EXTREME))


def _draw_candidates(
    scales: Sequence[LiteralScale],
    points: Array,
    known: Container[Values],
    rng: np.random.Generator,
) -> tuple[list[Change], Array]:
    """Draw changes of the parent that lead not far beyond the range of the relatives.

    Args:
        scales: Scales of the parent's literals.
        points: Places of the relatives, shape (relatives, literals).
        known: Values of the relatives.
        rng: Generator of the draws.

    Returns:
        The changes, and the places to which they lead, shape (changes, literals).
    """
    own = [scale.literal.value for scale in scales]
    low = np.minimum(points.min(axis=0), 0.0) - BEYOND
    high = np.maximum(points.max(axis=0), 0.0) + BEYOND
    found: dict[Change, Array] = {}
    for count in np.minimum(rng.geometric(1.0 - ONE_MORE, CANDIDATES), len(scales)):
        drawn = np.sort(rng.choice(len(scales), size=count, replace=False))
        texts = [perturb_literal(scales[i].literal, rng) for i in drawn]
        values = [_parse_value(text, type(own[i])) for i, text in zip(drawn, texts, strict=True)]
        place = np.zeros(len(scales))
        place[drawn] = [scales[i](value) for i, value in zip(drawn, values, strict=True)]
        changed = dict(zip(drawn.tolist(), values, strict=True))
        fresh = tuple(changed.get(i, value) for i, value in enumerate(own)) not in known
        if fresh and (low <= place).all() and (place <= high).all() and max(values) < HUGE:
            change = tuple((scales[i].literal, text) for i, text in zip(drawn, texts, strict=True))
            found[change] = place
    return list(found), np.array(list(found.values()))


def _parse_value(text: str, kind: type[int | float | bool]) -> int | float | bool:
    return text == "True" if kind is bool else kind(text)


def _compress_losses(losses: Array) -> Array:
    """Scale losses by the best one's distance from the median, and log-compress those above it.

    Otherwise a genome that diverged, a thousand times worse than others, hides their differences.
    """
    middle = np.median(losses)
    unit = middle - losses.min() or losses.max() - middle or 1.0
    relative = (losses - middle) / unit
    return np.where(relative > 0.0, np.log1p(np.maximum(relative, 0.0)), relative)


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
