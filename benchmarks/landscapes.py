"""Simulated landscapes of known truth, on which searches are compared.

Their scale is that of autoresearch's record: from 0.998 to some 0.97 in 100 experiments, most
changes harmful, and a noise that is larger than many of the kept gains (there a change of seed
alone moved val_bpb by 0.0007, more than 14 of 22 kept gains). Each draw of a landscape is another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Genome = NDArray[np.float64]
START = 0.998  # val_bpb of the seed genome


class Landscape(Protocol):
    """Genomes, what they are worth, and how they change.

    Attributes:
        start: The seed genome.
    """

    start: Genome

    def truth(self, genome: Genome) -> float:
        """The true val_bpb: START for the seed."""
        ...

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A child of a genome."""
        ...

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        ...


class Choices:
    """Fourteen choices, each of which depends on four others (an NK landscape; Kauffman 1993).

    A greedy search has 0.9 of its gain after 25 of 100 experiments, as autoresearch's record has.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.start = np.zeros(14)
        others = [rng.choice([j for j in range(14) if j != i], 4, replace=False) for i in range(14)]
        self._depends = np.array([[i, *four] for i, four in enumerate(others)])
        self._effects = rng.normal(0.0, 0.0095 / math.sqrt(14), (14, 2**5))
        self._size, self._speed = rng.normal(0.0, 0.3, (2, 14))
        self._memory = rng.normal(0.0, 0.3, 14)

    def truth(self, genome: Genome) -> float:
        """The true val_bpb: START for the seed."""
        return START + self._sum(genome) - self._sum(self.start)

    def _sum(self, genome: Genome) -> float:
        states = genome[self._depends].astype(int) @ 2 ** np.arange(5)
        return float(self._effects[np.arange(14), states].sum())

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One choice made otherwise."""
        child = genome.copy()
        place = int(rng.integers(14))
        child[place] = 1.0 - child[place]
        return child

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        return _measures_of(self._size @ genome, self._speed @ genome, self._memory @ genome)


class Valleys:
    """Constants, every two of which have a valley in common, with ripples all over.

    With two constants a greedy search has 0.9 of its gain after 25 of 100 experiments, too; with
    four that are far from their optimum, progress is slow and goes on.
    """

    def __init__(self, rng: np.random.Generator, pairs: int, step: float) -> None:
        self._step = step
        self.start = np.zeros(2 * pairs)
        self._optimum = rng.uniform(-1.0, 1.0, 2 * pairs)
        weights = rng.lognormal(0.0, 1.0, pairs)
        self._weights = 0.04 * weights / weights.sum()
        self._steepness = rng.uniform(1.0, 6.0, pairs)
        self._ripples = rng.normal(0.0, 2.5, (12, 2 * pairs))
        self._phases = rng.uniform(0.0, 2 * math.pi, 12)
        self._size, self._speed = rng.normal(0.0, 0.4, (2, 2 * pairs))
        self._memory = rng.normal(0.0, 0.4, 2 * pairs)

    def truth(self, genome: Genome) -> float:
        """The true val_bpb: START for the seed."""
        return START + self._loss(genome) - self._loss(self.start)

    def _loss(self, genome: Genome) -> float:
        twos = (genome - self._optimum).reshape(-1, 2)
        along, across = (twos[:, 0] + twos[:, 1]) / 2, (twos[:, 0] - twos[:, 1]) / 2
        far = along**2 + self._steepness * across**2
        ripples = 0.003 * np.cos(self._ripples @ genome + self._phases).sum()
        return float(self._weights @ (far / (0.3 + far)) + ripples)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One or two constants changed."""
        count = int(rng.choice([1, 2], p=[0.6, 0.4]))
        child = genome.copy()
        child[rng.choice(len(child), count, replace=False)] += rng.normal(0.0, self._step, count)
        return child

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        return _measures_of(self._size @ genome, self._speed @ genome, self._memory @ genome)


class Steps:
    """Six hundred ideas, of which one in thirty is a large step and the others do nothing.

    A step is a hundred deviations of autoresearch's noise. Most children equal their parent.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.start = np.zeros(600)
        self._gains = 0.07 * (rng.random(600) < 1 / 30)
        self._size, self._speed, self._memory = rng.normal(0.0, 0.3, (3, 600))

    def truth(self, genome: Genome) -> float:
        """The true val_bpb: START for the seed."""
        return START - float(self._gains @ genome)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One more idea."""
        child = genome.copy()
        child[rng.choice(np.flatnonzero(genome == 0))] = 1.0
        return child

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        return _measures_of(self._size @ genome, self._speed @ genome, self._memory @ genome)


def _measures_of(size: float, speed: float, memory: float) -> dict[str, float]:
    throughput = math.exp(0.3 * speed - 0.8 * size)
    return {"size": math.exp(size), "throughput": throughput, "memory": math.exp(memory)}


LANDSCAPES: dict[str, Callable[[np.random.Generator], Landscape]] = {
    "choices": Choices,
    "valleys": partial(Valleys, pairs=1, step=0.4),
    "slow": partial(Valleys, pairs=2, step=1.0),
    "steps": Steps,
}
