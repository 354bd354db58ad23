"""What simulated searches work on: genomes that are written as constants, and what they are worth.

A landscape's genome becomes a source text: each of its choices a truth value, each of its numbers a
rate, of which one typical step of `perturb` is one step of the landscape. The ground `training` is
fitted to real trainings, as in surrogate benchmarks (K. Eggensperger et al., "Efficient
benchmarking of hyperparameter optimizers via surrogates", AAAI 2015).
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from landscapes import LANDSCAPES, Landscape
from search_trainings import Trainings

from evolve.genome import find_literals
from evolve.genome.masking import Values
from evolve.operators.constant_space import LiteralScale, LossScale, orient
from evolve.operators.gaussian_process import Array, GaussianProcess
from evolve.operators.perturb import SPREAD
from population import Direction

TRAINING = "training"  # the name of the ground that is fitted to trainings
TRAININGS = Path(__file__).with_name("records") / "search.trainings.csv"
FITTED = 400  # trainings that a fit knows: the work grows with the cube of their number
NOISE = 0.003  # standard deviation of a run on a landscape, a tenth of what can be gained there
STEPS = {"valleys": 0.4, "slow": 1.0}  # of the landscape, in its unit; those of its own mutations
MIDDLE = 0.01  # rate that stands for the seed's number
TINY = 1e-6  # least rate that counts; zero counts as this


class Ground(Protocol):
    """Genomes as values of constants, and what they are worth.

    Attributes:
        seed: Text of the seed genome.
        noise: Standard deviation of one run, in the metric's unit.
    """

    seed: str
    noise: float

    def truth(self, values: Values) -> float:
        """The true value of a genome, in the metric's unit."""
        ...

    def measures(self, values: Values) -> dict[str, float]:
        """The genome's measures by name."""
        ...


class Written:
    """A landscape whose genomes are written as constants.

    Args:
        landscape: The landscape.
        step: A step of the landscape, in its unit; None if its genomes are choices.
    """

    noise = NOISE

    def __init__(self, landscape: Landscape, step: float | None) -> None:
        self.landscape, self._step = landscape, step
        start = "False" if step is None else repr(MIDDLE)
        self.seed = "".join(f"GENE_{i} = {start}\n" for i in range(len(landscape.start)))

    def truth(self, values: Values) -> float:
        """The true value of a genome."""
        return self.landscape.truth(self._read(values))

    def measures(self, values: Values) -> dict[str, float]:
        """The genome's measures, relative to the seed's."""
        return self.landscape.measures(self._read(values))

    def _read(self, values: Values) -> Array:
        genes = np.array(values, dtype=np.float64)
        if self._step is None:
            return genes
        return self._step * np.log(np.maximum(genes, TINY) / MIDDLE) / SPREAD


class Fitted:
    """What a Gaussian process makes of trainings, drawn at random from all that there are.

    Args:
        trainings: The trainings.
        direction: Direction of their objective.
        rng: Generator that draws those that it knows.
        most: Most trainings that it knows.
    """

    def __init__(
        self,
        trainings: Trainings,
        direction: Direction,
        rng: np.random.Generator,
        most: int = FITTED,
    ) -> None:
        self.seed, self.noise, self._direction = trainings.seed, trainings.deviation, direction
        self._names = trainings.measures
        count = len(trainings.values)
        drawn = rng.choice(count, min(count, most), replace=False)
        literals = find_literals(trainings.seed)
        values = [trainings.values[i] for i in drawn]
        self._scales = [
            LiteralScale.of(literal, seen)
            for literal, seen in zip(literals, zip(*values, strict=True), strict=True)
        ]
        points = np.array([self._place(one) for one in values])
        found = [trainings.results[i] for i in drawn]
        scored = [i for i, result in enumerate(found) if result is not None]
        results = np.array([result for result in found if result is not None])
        losses = np.array([orient(value, direction) for value in results[:, 0]])
        every = np.full(len(found), losses.max())  # a failure counts as the worst that did not
        every[scored] = losses
        self._scale = LossScale.of(every)
        self._loss = GaussianProcess(points, self._scale(every))
        self._measures = [
            GaussianProcess(points[scored], np.log(column)) for column in results[:, 1:].T
        ]

    def truth(self, values: Values) -> float:
        """The value that is expected of a genome."""
        expected, _ = self._loss.predict(self._place(values)[None])
        return orient(float(self._scale.invert(expected)[0]), self._direction)

    def measures(self, values: Values) -> dict[str, float]:
        """The measures that are expected of a genome."""
        place = self._place(values)[None]
        expected = [math.exp(process.predict(place)[0][0]) for process in self._measures]
        return dict(zip(self._names, expected, strict=True))

    def _place(self, values: Values) -> Array:
        return np.array([scale(v) for scale, v in zip(self._scales, values, strict=True)])


def open_ground(name: str, seed: int) -> Ground:
    """The ground of that name: one of the landscapes, or `training`; each seed has another.

    Raises:
        OSError: There is no record of trainings to fit.
    """
    if name == TRAINING:
        return _fit(TRAININGS, seed)
    return Written(LANDSCAPES[name](np.random.default_rng([seed, 0])), STEPS.get(name))


@lru_cache(maxsize=128)  # each is used by all searches
def _fit(path: Path, seed: int) -> Fitted:
    return Fitted(_read(path), Direction.MINIMIZE, np.random.default_rng([seed, 0]))


@lru_cache(maxsize=1)
def _read(path: Path) -> Trainings:
    return Trainings.read(path)
