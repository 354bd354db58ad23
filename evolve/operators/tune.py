"""The constants of a genome as a search space, with a model of what they do.

The model is learnt from the relatives that differ from the parent in those values alone. It judges
many changes of the parent, each as `perturb` would make it, and the most promising one is made: the
one with the lowest confidence bound (N. Srinivas et al., "Gaussian process optimization in the
bandit setting", ICML 2010). What failed counts as being as bad as the worst that did not (F. Hutter
et al., "Sequential model-based optimization for general algorithm configuration", LION 2011).
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from evolve.genome.parsing import INVALID
from evolve.genome.screening import identify
from evolve.genome.syntax import HUGE, Literal, literals, replaced
from evolve.operators.base import Context, Parent, Proposal, Relative, first_new
from evolve.operators.gaussian_process import Array, Surrogate
from evolve.operators.offline import EXPECTED, SPREAD, Perturb, perturbed
from population import Direction

Values = tuple[int | float | bool, ...]
Variation = tuple[tuple[Literal, str], ...]  # literals of the parent with their new texts

FEWEST_RELATIVES = 6  # with a score; fewer say nothing about a dozen constants
MOST_RELATIVES = 80  # the work grows with their cube
CANDIDATES = 300  # changes that the model judges for one proposal
ONE_MORE = 0.5  # chance that a candidate changes one more literal
DARING = 1.0  # standard deviations by which a candidate may be better than is expected
BEYOND = 1.7  # steps beyond what the relatives have
FAR = 20.0  # steps from the parent; what is farther counts as this far
ZERO = 0.1  # of the smallest positive value: where a zero stands on the logarithmic scale
SMALL = 0.07  # a positive value, where all are zero
TINY = 1e-300
NEAREST = 1e-12  # to 1, of a value whose distance from 1 counts
BLANKS = {bool: "True", int: "1", float: "1.0"}
EXTREME = 1e100  # what an objective beyond it is taken for
DIGITS = 9  # of a prediction that count: the others differ from machine to machine


@lru_cache(maxsize=1024)  # a genome is asked about whenever a relative is tuned
def _blanked(source: str) -> tuple[str, Values]:
    try:
        found = literals(source)
        text = replaced(source, [(literal.span, BLANKS[type(literal.value)]) for literal in found])
        return identify(text, "python").exact, tuple(literal.value for literal in found)
    except INVALID:
        return source, ()


def valueless(source: str) -> str:
    """What genomes share if they differ in the literals of their constants alone.

    The kinds of the literals count (1 is not 1.0), comments and layout do not. What is no Python
    shares it with nothing else.
    """
    return _blanked(source)[0]


@dataclass(frozen=True)
class Scale:
    """How far values of one literal are from the parent's, in typical steps of `perturb`.

    Attributes:
        literal: the parent's.
        least: the smallest value that is told from zero, where the scale is logarithmic.
    """

    literal: Literal
    least: float

    @classmethod
    def of(cls, literal: Literal, seen: Sequence[float]) -> Scale:
        """The scale for a literal, given the values that relatives have in its place."""
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


def suggestions(
    source: str, relatives: Sequence[Relative], direction: Direction, rng: np.random.Generator
) -> list[Variation]:
    """Changes of a genome's constants, the most promising first.

    Args:
        source: the genome; it has such constants.
        relatives: genomes that are the same without values, the nearest first; at least one has a
            score, and the genome itself may be among them.
        direction: of their objectives.
        rng: draws the changes.
    """
    fittest = sorted(relatives, key=lambda one: _loss(one, direction))
    chosen = list(dict.fromkeys([*fittest[: MOST_RELATIVES // 2], *relatives]))[:MOST_RELATIVES]
    rows = [_blanked(one.source)[1] for one in chosen]
    scales = [
        Scale.of(literal, seen)
        for literal, seen in zip(literals(source), zip(*rows, strict=True), strict=True)
    ]
    points = np.array([[s(value) for s, value in zip(scales, row, strict=True)] for row in rows])
    losses = np.array([_loss(one, direction) for one in chosen])
    losses[np.isinf(losses)] = losses[np.isfinite(losses)].max()
    changes, others = _candidates(scales, points, set(rows), rng)
    if not changes:
        return []
    expected, deviation = Surrogate(points, _tamed(losses)).predict(others)
    bounds = np.round(expected - DARING * deviation, DIGITS)
    return [changes[i] for i in np.argsort(bounds, kind="stable")]


def _loss(relative: Relative, direction: Direction) -> float:
    """Its objective, oriented so that less is better; infinite if it failed."""
    if relative.objective is None:
        return math.inf
    return direction.gain(0.0, min(max(relative.objective, -EXTREME), EXTREME))


def _candidates(
    scales: Sequence[Scale], points: Array, known: Container[Values], rng: np.random.Generator
) -> tuple[list[Variation], Array]:
    """Changes of the parent and where they lead to: not far beyond where the relatives are."""
    own = [scale.literal.value for scale in scales]
    low = np.minimum(points.min(axis=0), 0.0) - BEYOND
    high = np.maximum(points.max(axis=0), 0.0) + BEYOND
    found: dict[Variation, Array] = {}
    for count in np.minimum(rng.geometric(1.0 - ONE_MORE, CANDIDATES), len(scales)):
        drawn = np.sort(rng.choice(len(scales), size=count, replace=False))
        texts = [perturbed(scales[i].literal, rng) for i in drawn]
        values = [_value(text, type(own[i])) for i, text in zip(drawn, texts, strict=True)]
        place = np.zeros(len(scales))
        place[drawn] = [scales[i](value) for i, value in zip(drawn, values, strict=True)]
        changed = dict(zip(drawn.tolist(), values, strict=True))
        fresh = tuple(changed.get(i, value) for i, value in enumerate(own)) not in known
        if fresh and (low <= place).all() and (place <= high).all() and max(values) < HUGE:
            change = tuple((scales[i].literal, text) for i, text in zip(drawn, texts, strict=True))
            found[change] = place
    return list(found), np.array(list(found.values()))


def _value(text: str, kind: type[int | float | bool]) -> int | float | bool:
    return text == "True" if kind is bool else kind(text)


def _tamed(losses: Array) -> Array:
    """Losses in units of what the best is below the median, those above it on a log scale.

    So a genome that diverged, a thousand times worse than others, does not hide what these show.
    """
    middle = np.median(losses)
    unit = middle - losses.min() or losses.max() - middle or 1.0
    relative = (losses - middle) / unit
    return np.where(relative > 0.0, np.log1p(np.maximum(relative, 0.0)), relative)


class Tune:
    """Changes some constants as a model of what they do says, learnt from the relatives.

    As long as too few of these have a score it draws as `perturb` does, and says so.
    """

    name = "tune"
    arity = 1
    needs_model = False
    mends = False
    aims = False
    learns = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        relatives, direction = context.relatives, parent.individual.direction
        scored = sum(one.objective is not None for one in relatives)
        if scored < FEWEST_RELATIVES or not _blanked(parent.source)[1]:
            notes = (
                f"drawn as perturb does: tune learns from {FEWEST_RELATIVES} scored genomes that "
                f"differ in constants alone, and there are fewer ({scored})"
            )
            return replace(Perturb().propose(parents, context), notes=f"{EXPECTED}; {notes}")
        ranked = suggestions(parent.source, relatives, direction, context.rng)
        notes = (
            f"learnt from {scored} genomes with a score that differ in constants alone; expected: "
            "more than any of them, or what shows where more is"
        )
        return first_new((_proposal(parent.source, one, notes) for one in ranked), context)


def _proposal(source: str, change: Variation, notes: str) -> Proposal:
    words = ", ".join(f"{literal.name} {literal.span.text} -> {text}" for literal, text in change)
    return Proposal(
        replaced(source, [(literal.span, text) for literal, text in change]), words, notes
    )
