"""The constants of a genome as a search space for model-based optimization.

A genome whose relatives differ from it in the values of constants alone is the origin; each literal
is a coordinate, in typical steps of `perturb`. The candidates are changes of the genome: of few
constants, drawn as `perturb` would, or of nearly all by a little. Where every constant is a bit
off, a change of two gains little, and a run of it teaches little of the others; that is where
CMA-ES has its strength (N. Hansen, "The CMA evolution strategy: a tutorial", arXiv 1604.00772).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.genome import find_literals
from evolve.genome.masking import Values, read_values
from evolve.genome.syntax import HUGE, Literal
from evolve.operators.context import Relative
from evolve.operators.gaussian_process import Array
from evolve.operators.perturb import SPREAD, nudge_literal, perturb_literal
from population import Direction

Change = tuple[tuple[Literal, str], ...]  # literals of the parent with their new texts
Literals = Sequence[Literal]  # all those of a genome
Draw = tuple[Literals, Sequence[str]]  # literals of a genome, each with its text in a candidate

FEWEST_RELATIVES = 6  # scored relatives; fewer say nothing about a dozen constants
MOST_RELATIVES = 80  # the work grows with the cube of their number
CANDIDATES = 300  # changes that are judged for one proposal
ONE_MORE = 0.5  # probability that a candidate changes one more literal
WIDE_SHARE = 0.5  # of the candidates, where some change nearly all literals
NUDGES = (0.3, 0.6, 1.0)  # standard deviations of such a change, in typical steps of `perturb`
STEPPING = 0.1  # probability that it changes a literal which cannot change by a little
OWN_SHARE, RANKS = 0.1, 6.0  # of those that start from the parent; mean rank of the other starts
BEYOND = 1.7  # steps beyond the range of the relatives that a candidate may go
FAR = 20.0  # steps from the parent; any farther value counts as this far
ZERO = 0.1  # position of a zero on the logarithmic scale, as a share of the smallest positive value
SMALL = 0.07  # smallest positive value where all are zero
TINY = 1e-300
NEAREST = 1e-12  # least distance from 1 of a value whose distance from 1 counts
EXTREME = 1e100  # objectives beyond it are clipped to it


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


@dataclass(frozen=True)
class Design:
    """What is known around a genome, and the changes of it that could be tried.

    Attributes:
        relatives: The known genomes.
        points: Their places, shape (relatives, literals); the genome itself is at the origin.
        losses: Their objectives, oriented so that less is better, shape (relatives,). A failure
            counts as the highest one measured.
        changes: The candidates, as changes of the genome.
        places: Places that they lead to, shape (changes, literals).
    """

    relatives: Sequence[Relative]
    points: Array
    losses: Array
    changes: Sequence[Change]
    places: Array


def draw_design(
    source: str,
    relatives: Sequence[Relative],
    direction: Direction,
    rng: np.random.Generator,
    *,
    from_relatives: bool = False,
    wide: bool = False,
) -> Design:
    """Choose the relatives to learn from, and draw changes of the genome's constants.

    Args:
        source: Text of the genome, which has constants.
        relatives: Genomes that differ from it in their constants alone, the nearest first; at least
            one of them has a score, and the genome itself may be among them.
        direction: Direction of their objectives.
        rng: Generator that draws the changes.
        from_relatives: Whether changes also start from the values of relatives that have a score,
            rather than from the genome's own alone.
        wide: Whether some changes are of nearly all constants, and fit relatives are favoured.
    """
    fittest = sorted(relatives, key=lambda one: compute_loss(one, direction))
    chosen = list(dict.fromkeys([*fittest[: MOST_RELATIVES // 2], *relatives]))[:MOST_RELATIVES]
    rows = [read_values(one.source) for one in chosen]
    literals = find_literals(source)
    scales = [
        LiteralScale.of(literal, seen)
        for literal, seen in zip(literals, zip(*rows, strict=True), strict=True)
    ]
    points = np.array([[s(value) for s, value in zip(scales, row, strict=True)] for row in rows])
    losses = np.array([compute_loss(one, direction) for one in chosen])
    losses[np.isinf(losses)] = losses[np.isfinite(losses)].max()
    starts = [literals]
    if from_relatives:
        starts += [find_literals(one.source) for one in chosen if one.objective is not None]
    draws = _draw_wide(starts, rng) if wide else _draw_sparse(starts, rng)
    changes, places = _place_candidates(scales, draws, points, set(rows))
    return Design(chosen, points, losses, changes, places)


@dataclass(frozen=True)
class LossScale:
    """Losses in units of the best one's distance from the median, log-compressed above the median.

    Otherwise a genome that diverged, a thousand times worse than others, hides their differences.

    Attributes:
        middle: Median of the losses.
        unit: Loss that counts as 1.
    """

    middle: float
    unit: float

    @classmethod
    def of(cls, losses: Array) -> LossScale:
        """Make the scale of some losses."""
        middle = float(np.median(losses))
        return cls(middle, float(middle - losses.min() or losses.max() - middle or 1.0))

    def __call__(self, losses: Array) -> Array:
        relative = (losses - self.middle) / self.unit
        return np.where(relative > 0.0, np.log1p(np.maximum(relative, 0.0)), relative)

    def invert(self, scaled: Array) -> Array:
        """The losses that lie at some places of the scale."""
        relative = np.where(scaled > 0.0, np.expm1(np.maximum(scaled, 0.0)), scaled)
        return self.middle + self.unit * relative


def compute_loss(relative: Relative, direction: Direction) -> float:
    """The objective of a relative, oriented so that less is better; infinite if it failed."""
    return math.inf if relative.objective is None else orient(relative.objective, direction)


def orient(objective: float, direction: Direction) -> float:
    """An objective as a loss, of which less is better."""
    return direction.gain(0.0, min(max(objective, -EXTREME), EXTREME))


def _draw_sparse(starts: Sequence[Literals], rng: np.random.Generator) -> Iterator[Draw]:
    """Draw other texts for some literals of a start, of all starts alike."""
    for count in np.minimum(rng.geometric(1.0 - ONE_MORE, CANDIDATES), len(starts[0])):
        start = starts[int(rng.integers(len(starts)))] if len(starts) > 1 else starts[0]
        yield start, _change_some(start, int(count), rng)


def _draw_wide(starts: Sequence[Literals], rng: np.random.Generator) -> Iterator[Draw]:
    """Draw other texts for some or for nearly all literals of a start, of fit starts mostly.

    Args:
        starts: Literals of the genomes that changes start from, the parent's first, then those of
            its relatives, the fittest first.
        rng: Generator of the draws.
    """
    for _ in range(CANDIDATES):
        own = len(starts) == 1 or rng.random() < OWN_SHARE
        start = starts[0 if own else 1 + min(int(rng.exponential(RANKS)), len(starts) - 2)]
        if rng.random() < WIDE_SHARE:
            spread = float(rng.choice(NUDGES))
            yield start, [nudge_literal(one, spread, STEPPING, rng) for one in start]
        else:
            count = min(int(rng.geometric(1.0 - ONE_MORE)), len(start))
            yield start, _change_some(start, count, rng)


def _change_some(start: Literals, count: int, rng: np.random.Generator) -> list[str]:
    texts = [literal.span.text for literal in start]
    for i in np.sort(rng.choice(len(start), size=count, replace=False)):
        texts[i] = perturb_literal(start[i], rng)
    return texts


def _place_candidates(
    scales: Sequence[LiteralScale], draws: Iterable[Draw], points: Array, known: Container[Values]
) -> tuple[list[Change], Array]:
    """The changes of the parent that lead not far beyond the range of the relatives.

    Args:
        scales: Scales of the parent's literals.
        draws: Literals of a genome, with their new texts.
        points: Places of the relatives, shape (relatives, literals).
        known: Values of the relatives.

    Returns:
        The changes, and the places to which they lead, shape (changes, literals).
    """
    low = np.minimum(points.min(axis=0), 0.0) - BEYOND
    high = np.maximum(points.max(axis=0), 0.0) + BEYOND
    found: dict[Change, Array] = {}
    for start, texts in draws:
        values = [_read_value(one, text) for one, text in zip(start, texts, strict=True)]
        place = np.array([scale(value) for scale, value in zip(scales, values, strict=True)])
        fresh = tuple(values) not in known
        if fresh and (low <= place).all() and (place <= high).all() and max(values) < HUGE:
            change = tuple(
                (scale.literal, text)
                for scale, text, value in zip(scales, texts, values, strict=True)
                if value != scale.literal.value
            )
            found[change] = place
    return list(found), np.array(list(found.values()))


def _read_value(literal: Literal, text: str) -> int | float | bool:
    """The value of a text in a literal's place; its own may be written in another way."""
    if text == literal.span.text:
        return literal.value
    kind = type(literal.value)
    return text == "True" if kind is bool else kind(text)
