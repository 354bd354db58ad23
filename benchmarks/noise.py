"""How noise misleads a search, and what is done about it: simulated landscapes of known truth.

    python benchmarks/noise.py [--runs 200] [--evaluations 100 300] [--noise 0.0007 0.003]
                               [--axes 1 2 3] [--cells 4 6 8]

Five searches get the same number of evaluations, everything that they measure counted: the seed's
runs, repeats and the finals. Each says in the end which genome is its best and how good that is.
Printed are the means over the landscapes: the true value of the claimed best (lower is better), and
by how much the claim is too good. Of this program also what it shows in the meantime: by how many
deviations of a run the value of its best is too good before the finals, and how often its 95 %
intervals hold the truth: that of the best, those of all genomes, and that of the gain which the
finals state. They run the same code as `python -m evolve`: the strategies, the selection, the
archive and the estimates are those of the program; only the genomes are simulated.

With --scatter the noise of a genome is its own: its logarithm scatters by that much. With --target
each search ends when it says that a true value is reached; printed is how often it was not, by more
than a deviation, and how many evaluations it took.
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
from landscapes import LANDSCAPES, Genome, Landscape

from evolve.loop.target import is_surely_reached, may_be_reached
from evolve.operators import OPERATORS
from evolve.search.axes import axes_around
from evolve.search.bandit import FixedMix
from evolve.search.search import Search
from evolve.search.strategies import Greedy, MapElites, RandomSampling, Strategy
from evolve.settings import Settings
from population import Direction, Individual, Measurement, Status
from population.comparison import Comparison, compare_runs
from population.estimate import Estimate
from population.selection import SELECTORS
from trainer.axes import AxisSpec
from trainer.formula import Formula

CLOSING = 5  # last runs, before the finals, in which the search ends
APART = 10_000  # between the seeds of searches and those of landscapes: none shares its numbers
TRIES = 20  # draws of a child until it is one that was not tried
DEFAULT = ["choices", "valleys", "slow", "steps"]
AXES = tuple(
    AxisSpec(name, Formula.parse("x"), name, "", True, around, None, None)
    for name, around in (
        ("size", (0.25, 4.0)),
        ("throughput", (0.25, 2.0)),
        ("memory", (0.25, 4.0)),
    )
)


@dataclass(frozen=True)
class Scheme:
    """A search and what it does about noise.

    Attributes:
        strategy: Strategy of the search.
        seed_runs: Runs of the seed at the start.
        repeats: Most runs that may go into repeating an apparent best, as a share of all.
        finals: Fresh runs of seed and best together.
    """

    strategy: Strategy
    seed_runs: Callable[[int], int] = lambda evaluations: 1
    repeats: float = 0.0
    finals: Callable[[int], int] = lambda evaluations: 0


class Believing(MapElites):
    """MAP-Elites that expects nothing of a child and takes every run at its word."""

    prior = Strategy.prior
    doubts = Strategy.doubts
    believes = Strategy.believes


def _settings(evaluations: int) -> Settings:
    return Settings("", generations=1, children=evaluations)


PROGRAM = "this program"
UCB, UNIFORM = SELECTORS["ucb"], SELECTORS["uniform"]
SCHEMES = {
    PROGRAM: Scheme(
        MapElites(UCB),
        seed_runs=lambda n: _settings(n).seed_repeats,
        repeats=0.1,
        finals=lambda n: 2 * _settings(n).final_repeats,
    ),
    "the same, every run believed": Scheme(Believing(UCB)),
    "plain MAP-Elites": Scheme(Believing(UNIFORM)),
    "greedy": Scheme(Greedy(UCB)),
    "random": Scheme(RandomSampling(UCB)),
}


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes:
        landscape: Name of the landscape.
        evaluations: Runs that a search may make, all together.
        noise: Standard deviation of one run, in bits per byte.
        scatter: Standard deviation of the logarithm of a genome's own deviation; 0 if all are
            alike.
        target: Fitness at which the search ends; None if it goes on.
        axes: Number of the archive's axes.
        cells: Number of cells on each axis.
    """

    landscape: str
    evaluations: int
    noise: float
    scatter: float = 0.0
    target: float | None = None
    axes: int = 2
    cells: int = 6


class World:
    """One landscape and the runs that are made on it."""

    def __init__(self, case: Case, seed: int) -> None:
        self.land: Landscape = LANDSCAPES[case.landscape](np.random.default_rng([seed, 0]))
        self.genomes: dict[int, Genome] = {0: self.land.start}
        self.runs = 0
        self._case = case
        self._rng = np.random.default_rng([seed, 1])
        self._own = np.random.default_rng([seed, 2])
        self._deviations: dict[int, float] = {}

    def truth(self, number: int) -> float:
        """The true fitness of a genome, by its id."""
        return self.land.truth(self.genomes[number])

    def run(self, number: int) -> Measurement:
        """One run of a genome, by its id."""
        self.runs += 1
        scale = math.exp(self._case.scatter * self._own.normal()) if self._case.scatter else 1.0
        deviation = self._deviations.setdefault(number, self._case.noise * scale)
        value = self.truth(number) + self._rng.normal(0.0, deviation)
        return Measurement(Status.OK, value, self.land.measures(self.genomes[number]), 1.0)

    def draw_child(self, number: int, parent: int, rng: np.random.Generator) -> None:
        """Make a genome that was not tried before, as the program refuses what was."""
        tried = {genome.tobytes() for genome in self.genomes.values()}
        for _ in range(TRIES):
            self.genomes[number] = self.land.mutate(self.genomes[parent], rng)
            if self.genomes[number].tobytes() not in tried:
                break


@dataclass(frozen=True)
class Claim:
    """What one search says in the end, and what is true.

    Attributes:
        truth: The true value of the claimed best.
        claimed: Its claimed value, of fresh runs if there are any.
        shown: The best guess of it before the finals.
        best_covered: Whether the interval around `shown` holds the truth.
        covered: Share of all genomes whose intervals do.
        gain_covered: Whether the finals' interval of the gain over the seed does; None without
            finals.
        evaluations: Runs that it took, the finals not counted.
    """

    truth: float
    claimed: float
    shown: float
    best_covered: bool
    covered: float
    gain_covered: bool | None
    evaluations: int


def simulate(name: str, case: Case, seed: int) -> Claim:
    """Let one search work on one landscape.

    Args:
        name: Name of the scheme.
        case: What is simulated.
        seed: Seed of the landscape, the noise and the search.
    """
    scheme, world = SCHEMES[name], World(case, seed)
    search = Search(
        strategy=scheme.strategy,
        operators={"perturb": OPERATORS["perturb"]},
        models={},
        chooser=FixedMix({}),
        seed=APART + seed,
        max_repeats=int(scheme.repeats * case.evaluations),
    )
    search.add_individual(Individual(0, "", (), "seed", "", 0, Direction.MINIMIZE))
    for _ in range(scheme.seed_runs(case.evaluations)):
        search.tell(0, world.run(0))
    search.open_archive(
        axes_around(AXES[: case.axes], world.land.measures(world.land.start), case.cells)
    )
    finals = scheme.finals(case.evaluations)
    last = case.evaluations - finals
    while world.runs < last and not is_surely_reached(search.champion, case.target, search.noise):
        _turn(search, world, case.target, closing=world.runs >= last - CLOSING)
    evaluations, best = world.runs, search.champion
    assert best is not None
    assert best.objective is not None
    noise = search.beliefs.noise
    fresh = [[world.run(number).fitness for _ in range(finals // 2)] for number in (0, best.id)]
    gain = compare_runs(fresh[1], fresh[0], Direction.MINIMIZE) if finals else None
    scored = search.individuals.values()
    return Claim(
        truth=world.truth(best.id),
        claimed=statistics.fmean(fresh[1]) if finals else best.objective,
        shown=best.objective,
        best_covered=_covers(best.estimate(noise), world.truth(best.id)),
        covered=statistics.fmean(
            _covers(one.estimate(noise), world.truth(one.id)) for one in scored
        ),
        gain_covered=gain and _holds(gain, world.truth(0) - world.truth(best.id)),
        evaluations=evaluations,
    )


def _turn(search: Search, world: World, target: float | None, *, closing: bool) -> None:
    """One run: a repeat of what seems to be the best, or a child."""
    doubtful = search.doubtful(closing=closing)
    if doubtful is None and may_be_reached(search.champion, target, search.noise):
        doubtful = search.champion
    if doubtful is not None:
        search.tell(doubtful.id, world.run(doubtful.id))
        return
    number = len(search.individuals)
    plan = search.ask(number)
    (parent,) = plan.parents
    world.draw_child(number, parent.id, plan.rng)
    prior = search.prior([parent.id])
    child = Individual(number, "", (parent.id,), "", "", 1, Direction.MINIMIZE, prior=prior)
    search.add_individual(child)
    search.tell(number, world.run(number))


def _covers(estimate: Estimate, truth: float) -> bool:
    return abs(estimate.mean - truth) <= estimate.margin()


def _holds(gain: Comparison, truth: float) -> bool:
    assert gain.low is not None
    assert gain.high is not None
    return gain.low <= truth <= gain.high


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="landscapes of each kind")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0007, 0.003])
    parser.add_argument("--scatter", type=float, default=0.0, help="of the log of a genome's noise")
    parser.add_argument("--target", type=float, help="true value at which a search ends")
    parser.add_argument("--landscapes", nargs="+", choices=LANDSCAPES, default=DEFAULT)
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES))
    parser.add_argument("--axes", type=int, nargs="+", choices=[1, 2, 3], default=[2])
    parser.add_argument("--cells", type=int, nargs="+", default=[6], help="on each axis")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args()
    begun = time.monotonic()
    with ProcessPoolExecutor(args.processes) as pool:
        options = args.landscapes, args.noise, args.evaluations, args.axes, args.cells
        for land, noise, count, axes, cells in product(*options):
            case = Case(land, count, noise, args.scatter, args.target, axes, cells)
            print(f"\n{land}, noise {noise}, {count} evaluations, {args.runs} runs")
            print(f"{axes} axes of {cells} cells, {cells**axes} in all")
            print(TARGET_HEAD if args.target else HEAD)
            for name in args.schemes:
                claims = list(
                    pool.map(partial(simulate, name, case), range(args.runs), chunksize=5)
                )
                row = _target_row(claims, case) if args.target else _row(claims, case)
                print(f"{name:29}{row}", flush=True)
    print(f"\n{time.monotonic() - begun:.0f} s on {args.processes} processes")


HEAD = (
    f"{'':29}{'true value of its best':>22}{'its claim is too good by':>26}"
    f"{'shown, in deviations':>22}{'covered: best':>15}{'all':>7}{'gain':>7}"
)
TARGET_HEAD = f"{'':29}{'ended':>7}{'not reached':>13}{'evaluations':>13}"


def _row(claims: Sequence[Claim], case: Case) -> str:
    truth = _with_error([c.truth for c in claims], "{:.5f}")
    gap = _with_error([1000 * (c.truth - c.claimed) for c in claims], "{:.2f}")
    shown = _with_error([(c.truth - c.shown) / case.noise for c in claims], "{:+.2f}")
    best, everyone = (
        statistics.fmean(values)
        for values in ([c.best_covered for c in claims], [c.covered for c in claims])
    )
    gains = [c.gain_covered for c in claims if c.gain_covered is not None]
    gain = f"{statistics.fmean(gains or [0.0]):7.3f}"
    told = f"{shown:>22}{best:15.3f}{everyone:7.3f}{gain}" if gains else ""
    return f"{truth:>22}{gap + ' e-3':>26}{told}"


def _target_row(claims: Sequence[Claim], case: Case) -> str:
    assert case.target is not None
    ended = [claim for claim in claims if claim.shown <= case.target]
    missed = [claim.truth > case.target + case.noise for claim in ended]
    runs = [claim.evaluations for claim in ended]
    if not ended:
        return f"{'0 %':>7}"
    return (
        f"{100 * len(ended) / len(claims):5.0f} %{100 * statistics.fmean(missed):11.1f} %"
        f"{statistics.fmean(runs):13.1f}"
    )


def _with_error(values: Sequence[float], form: str) -> str:
    """A mean and its standard error."""
    error = statistics.stdev(values) / math.sqrt(len(values))
    return f"{form.format(statistics.fmean(values))} ± {form.format(error).lstrip('+')}"


if __name__ == "__main__":
    main()
