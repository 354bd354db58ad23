"""How noise misleads a search, and what is done about it: simulated landscapes of known truth.

    python benchmarks/noise.py [--runs 200] [--evaluations 100 300] [--noise 0.0007 0.003]
                               [--axes 1 2 3] [--cells 4 6 8]

Five searches get the same number of evaluations, everything that they measure counted: the seed's
runs, repeats and the finals. Each says in the end which genome is its best and how good that is.
Printed are the means over the landscapes: the true value of the claimed best (lower is better), and
by how much the claim is too good. They run the same code as `python -m evolve`: the strategies, the
selection, the archive and the estimates are those of the program; only the genomes are simulated.

The landscapes are drawn anew for each run and used by every search. Their scale is that of
autoresearch's record: from 0.998 to some 0.97 in 100 experiments, most changes harmful, and a noise
that is larger than many of the kept gains (there a change of seed alone moved val_bpb by 0.0007,
more than 14 of 22 kept gains).
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from evolve.operators import OPERATORS
from evolve.search.axes import axes_around
from evolve.search.bandit import FixedMix
from evolve.search.search import Search
from evolve.search.strategies import Greedy, MapElites, RandomSampling, Strategy
from evolve.settings import Settings
from population import Direction, Individual, Measurement, Status
from population.selection import SELECTORS
from trainer.axes import AxisSpec
from trainer.formula import Formula

Genome = NDArray[np.float64]
TRIES = 20  # draws of a child until it is one that was not tried
START = 0.998  # val_bpb of the seed genome
AXES = tuple(
    AxisSpec(name, Formula.parse("x"), name, "", True, around, None, None)
    for name, around in (
        ("size", (0.25, 4.0)),
        ("throughput", (0.25, 2.0)),
        ("memory", (0.25, 4.0)),
    )
)


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

    def mutated(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One choice made otherwise."""
        child = genome.copy()
        place = int(rng.integers(14))
        child[place] = 1.0 - child[place]
        return child

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        return _measures(self._size @ genome, self._speed @ genome, self._memory @ genome)


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

    def mutated(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One or two constants changed."""
        count = int(rng.choice([1, 2], p=[0.6, 0.4]))
        child = genome.copy()
        child[rng.choice(len(child), count, replace=False)] += rng.normal(0.0, self._step, count)
        return child

    def measures(self, genome: Genome) -> dict[str, float]:
        """Size, throughput and memory, relative to the seed's."""
        return _measures(self._size @ genome, self._speed @ genome, self._memory @ genome)


def _measures(size: float, speed: float, memory: float) -> dict[str, float]:
    throughput = math.exp(0.3 * speed - 0.8 * size)
    return {"size": math.exp(size), "throughput": throughput, "memory": math.exp(memory)}


LANDSCAPES: dict[str, Callable[[np.random.Generator], Choices | Valleys]] = {
    "choices": Choices,
    "valleys": partial(Valleys, pairs=1, step=0.4),
    "slow": partial(Valleys, pairs=2, step=1.0),
}


DEFAULT = ["choices", "valleys"]


@dataclass(frozen=True)
class Scheme:
    """A search and what it does about noise.

    Attributes:
        strategy: Strategy of the search.
        seed_runs: Number of runs of the seed at the start, by the number of evaluations.
        repeats: Share of all runs that may go into repeating an apparent best.
        finals: Number of fresh runs of seed and best together, by the number of evaluations.
    """

    strategy: Strategy
    seed_runs: Callable[[int], int] = lambda evaluations: 1
    repeats: float = 0.0
    finals: Callable[[int], int] = lambda evaluations: 0


class Believing(MapElites):
    """MAP-Elites that expects nothing of a child and takes every run at its word."""

    prior = Strategy.prior
    doubts = Strategy.doubts


def _program(evaluations: int) -> Settings:
    return Settings("", generations=1, children=evaluations)


UCB, UNIFORM = SELECTORS["ucb"], SELECTORS["uniform"]
SCHEMES = {
    "this program": Scheme(
        MapElites(UCB),
        seed_runs=lambda n: _program(n).seed_repeats,
        repeats=0.1,
        finals=lambda n: 2 * _program(n).final_repeats,
    ),
    "the same, every run believed": Scheme(Believing(UCB)),
    "plain MAP-Elites": Scheme(Believing(UNIFORM)),
    "greedy": Scheme(Greedy(UCB)),
    "random": Scheme(RandomSampling(UCB)),
}


@dataclass(frozen=True)
class Claim:
    """The true value of the claimed best, and what is claimed."""

    truth: float
    claimed: float


def claim(
    name: str, landscape: str, evaluations: int, noise: float, axes: int, cells: int, seed: int
) -> Claim:
    """What one search claims in the end."""
    scheme = SCHEMES[name]
    land = LANDSCAPES[landscape](np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, 1])
    genomes = {0: land.start}

    def run(number: int) -> Measurement:
        value = land.truth(genomes[number]) + rng.normal(0.0, noise)
        return Measurement(Status.OK, value, land.measures(genomes[number]), 1.0)

    search = Search(
        strategy=scheme.strategy,
        operators={"perturb": OPERATORS["perturb"]},
        models={},
        chooser=FixedMix({}),
        seed=seed,
    )
    search.add_individual(Individual(0, "", (), "seed", "", 0, Direction.MINIMIZE))
    for _ in range(scheme.seed_runs(evaluations)):
        search.tell(0, run(0))
    search.open_archive(axes_around(AXES[:axes], land.measures(land.start), cells))
    left = evaluations - scheme.seed_runs(evaluations) - scheme.finals(evaluations)
    repeats = int(scheme.repeats * evaluations)
    number, tried = 0, {land.start.tobytes()}
    while left:
        best = search.doubtful()
        if best is not None and repeats:
            repeats, left = repeats - 1, left - 1
            search.tell(best.id, run(best.id))
            continue
        number, left = number + 1, left - 1
        plan = search.ask(number)
        (parent,) = plan.parents
        for _ in range(TRIES):  # as the program refuses what was tried before
            genomes[number] = land.mutated(genomes[parent.id], plan.rng)
            if genomes[number].tobytes() not in tried:
                break
        tried.add(genomes[number].tobytes())
        prior = search.prior([parent.id])
        child = Individual(number, "", (parent.id,), "", "", 1, Direction.MINIMIZE, prior=prior)
        search.add_individual(child)
        search.tell(number, run(number))
    best = search.best
    assert best is not None
    assert best.objective is not None
    fresh = [run(best.id).fitness for _ in range(scheme.finals(evaluations) // 2)]
    claimed = statistics.fmean(fresh) if fresh else best.objective
    return Claim(land.truth(genomes[best.id]), claimed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="landscapes of each kind")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0007])
    parser.add_argument("--landscapes", nargs="+", choices=LANDSCAPES, default=DEFAULT)
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES))
    parser.add_argument("--axes", type=int, nargs="+", choices=[1, 2, 3], default=[2])
    parser.add_argument("--cells", type=int, nargs="+", default=[6], help="on each axis")
    args = parser.parse_args()
    begun = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        options = args.landscapes, args.noise, args.evaluations, args.axes, args.cells
        for land, noise, count, axes, cells in product(*options):
            print(f"\n{land}, noise {noise}, {count} evaluations, {args.runs} runs")
            print(f"{axes} axes of {cells} cells, {cells**axes} in all")
            print(f"{'':30}{'true value of its best':>26}{'its claim is too good by':>27}")
            for name in args.schemes:
                one = partial(claim, name, land, count, noise, axes, cells)
                claims = list(pool.map(one, range(args.runs), chunksize=10))
                _print_row(name, claims)
    print(f"\n{time.monotonic() - begun:.0f} s on {os.cpu_count()} cores")


def _print_row(name: str, claims: Sequence[Claim]) -> None:
    truths = [c.truth for c in claims]
    gaps = [1000 * (c.truth - c.claimed) for c in claims]
    root = math.sqrt(len(claims))
    truth = f"{statistics.fmean(truths):.5f} ± {statistics.stdev(truths) / root:.5f}"
    gap = f"{statistics.fmean(gaps):.2f} ± {statistics.stdev(gaps) / root:.2f} e-3"
    print(f"{name:30}{truth:>26}{gap:>27}", flush=True)


if __name__ == "__main__":
    main()
