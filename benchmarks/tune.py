"""How well `tune` finds constants: simulated genomes of known truth, runs with noise.

    python benchmarks/tune.py [--runs 40] [--noise 0.001 0.003] [--literals 8 14]
    pip install optuna && python benchmarks/tune.py     # with the sampler of Optuna beside it

A genome has 8 to 14 constants of all kinds (rates, decay rates, widths, powers of two, switches).
Their optimum is some steps away; every two of them have a valley in common, a third of them decide
nearly everything, a rate that is far too high ends in a loss that is many times too large, and
there are ripples all over. The best genome is worth 0.03 more than the seed, so that the larger
noise is a tenth of it. Where the product of depth, width, batches and powers is more than 1.6 times
the seed's, a genome runs out of memory and has no result.

Every search gets the same number of runs. `perturb` and `tune` take the best so far as the parent;
`tune` is told all results, and draws as `perturb` does until there are enough. `TPE` is Optuna's
Tree-structured Parzen Estimator (multivariate; J. Bergstra et al. 2011) over a range of each
constant from an eighth to eight times the seed's, after five changes of one constant; failures are
told to it as pruned, which it takes for bad. `CMA-ES` is DEAP's (N. Hansen and A. Ostermeier 2001),
around the seed in the same steps; failures are as bad as the worst so far. `random` draws every
constant around the seed's. Printed are the means of what the best so far is truly worth, in
thousandths below the seed, after 20, 40 and 80 runs (more is better), how many of the runs failed,
and the CPU time of a proposal.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from deap import base, cma

from evolve.genome import RefusedError, find_literals, replace_spans
from evolve.genome.syntax import Literal
from evolve.operators import Context, Operator, Parent, ProposalError, Relative
from evolve.operators.perturb import Perturb, perturb_literal
from evolve.operators.tune import FEWEST_RELATIVES, Tune
from population import Direction, Individual

CHECKPOINTS = 20, 40, 80
ROOM = math.log(1.6)
LARGE = "DEPTH", "WIDTH", "BATCH", "POWER"  # what memory depends on
STEP = 0.7  # of a constant for Optuna, in its logarithm
REACH = 3  # steps either way


def _log(value: float) -> float:
    return math.log(max(value, 1e-9))


# How a constant is drawn, what its value means to the loss, and how far off its optimum may be.
KINDS: dict[str, tuple[Callable[[Any], str], Callable[[float], float], float]] = {
    "RATE": (lambda rng: f"{10 ** rng.uniform(-3.5, -0.5):.1g}", _log, 1.0),
    "BETA": (lambda rng: rng.choice(["0.9", "0.95", "0.99"]), lambda v: -_log(1 - v), 0.8),
    "DECAY": (lambda rng: rng.choice(["0.0", "0.01", "0.1"]), lambda v: _log(v + 0.003), 1.5),
    "DEPTH": (lambda rng: str(rng.integers(2, 9)), _log, 0.5),
    "WIDTH": (lambda rng: str(32 * rng.integers(3, 21)), _log, 1.0),
    "BATCH": (lambda rng: str(2 ** rng.integers(4, 9)), _log, 1.0),
    "POWER": (lambda rng: f"2**{rng.integers(14, 20)}", _log, 1.0),
    "FLAG": (lambda rng: rng.choice(["True", "False"]), lambda v: 1.5 * v, 0.7),
    "STEPS": (lambda rng: str(rng.integers(10, 300)), _log, 1.0),
    "SHARE": (lambda rng: f"{rng.uniform(0.1, 0.9):.1f}", lambda v: 4 * v, 0.6),
}
DRAWN = ["RATE", "RATE", "RATE", *KINDS][:12]


class Genomes:
    """Genomes of one skeleton and what each is truly worth."""

    def __init__(self, rng: np.random.Generator, fewest: int, most: int) -> None:
        count = int(rng.integers(fewest, most + 1))
        kinds = [DRAWN[i % len(DRAWN)] for i in rng.permutation(-(-count // 12) * 12)[:count]]
        self._meanings = [KINDS[kind][1] for kind in kinds]
        lines = [f"{kind}_{i} = {KINDS[kind][0](rng)}\n" for i, kind in enumerate(kinds)]
        self.seed = "".join(lines)
        start = self._natural(self.seed)
        self._optimum = start + rng.normal(0.0, [KINDS[kind][2] for kind in kinds])
        self._order = rng.permutation(count)
        pairs = (count + 1) // 2
        self._weights = rng.lognormal(0.0, 1.0, pairs)
        self._singles = np.sqrt(rng.lognormal(0.0, 1.0, count))
        self._steepness = rng.uniform(1.0, 5.0, pairs)
        self._signs = rng.choice([-1.0, 1.0], pairs)
        self._ripples = rng.normal(0.0, 2.5, (8, count))
        self._phases = rng.uniform(0.0, 2 * math.pi, 8)
        rates = [i for i, kind in enumerate(kinds) if kind == "RATE"][:1]
        self._cliffs = [(i, max(start[i], self._optimum[i]) + 1.2) for i in rates]
        large = [i for i, kind in enumerate(kinds) if kind in LARGE]
        self._memory = lambda place: place[large].sum()
        self._room = self._memory(start) + ROOM
        self._unit = 1.0
        self._unit = 0.03 / max(self._loss(start) - self._loss(self._optimum), 0.1)
        self._start = self._loss(start)

    def loss(self, source: str) -> float | None:
        """The true loss: 0 for the seed, None for what fails."""
        place = self._natural(source)
        return None if self._memory(place) > self._room else self._loss(place) - self._start

    def _natural(self, source: str) -> np.ndarray:
        names: dict[str, Any] = {}
        exec(source, {}, names)
        return np.array([m(float(v)) for m, v in zip(self._meanings, names.values(), strict=True)])

    def _loss(self, place: np.ndarray) -> float:
        off = ((place - self._optimum) * self._singles)[self._order]
        first, second = off[::2], np.zeros(len(self._weights))
        second[: len(off) // 2] = off[1::2] * self._signs[: len(off) // 2]
        along, across = (first + second) / 2, (first - second) / 2
        far = along**2 + self._steepness * across**2
        valleys = self._weights @ (far / (1.0 + far)) / self._weights.sum()
        ripples = 0.01 * np.cos(self._ripples @ place + self._phases).sum()
        cliffs = sum(min(5 * max(place[i] - edge, 0.0), 15.0) for i, edge in self._cliffs)
        return self._unit * float(valleys + ripples + cliffs)


class Tries:
    """The runs of one search, and what its next child may be made of."""

    def __init__(self, seed: str, rng: np.random.Generator) -> None:
        self.seed, self.rng = seed, rng
        self.tried: list[Relative] = []

    @property
    def best(self) -> Relative:
        scored = [one for one in self.tried if one.objective is not None]
        return min(scored, key=lambda one: one.objective or 0.0)

    def screen(self, source: str) -> None:
        if any(source == one.source for one in self.tried):
            raise RefusedError("it was tried")

    def child_of_best(self, operator: Operator) -> str:
        source = self.best.source
        parent = Parent(Individual(0, "", (), "seed", "", 0, Direction.MINIMIZE), source)
        context = Context(None, self.rng, self.screen, relatives=self.tried)  # type: ignore[arg-type]
        try:
            return operator.propose([parent], context).source
        except ProposalError:
            return self.random_child()

    def random_child(self) -> str:
        """Every constant up to three steps from the seed's."""
        source = self.seed
        for _ in range(self.rng.integers(1, 4)):
            found = find_literals(source)
            source = replace_spans(
                source, [(one.span, perturb_literal(one, self.rng)) for one in found]
            )
        return source


def searcher(operator: Operator) -> Callable[[Tries], Callable[[], str]]:
    """A search whose children are all an operator's, of the best so far."""
    return lambda tries: lambda: tries.child_of_best(operator)


def by_chance(tries: Tries) -> Callable[[], str]:
    return tries.random_child


def by_optuna(tries: Tries) -> Callable[[], str]:
    """A search by Optuna's TPE, of which every child is a trial."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")  # "multivariate is experimental"
    found = find_literals(tries.seed)
    ranges = {str(i): _range(one, optuna.distributions) for i, one in enumerate(found)}
    start = {str(i): one.value if isinstance(one.value, bool) else 0 for i, one in enumerate(found)}
    sampler = optuna.samplers.TPESampler(
        multivariate=True, n_startup_trials=FEWEST_RELATIVES, seed=int(tries.rng.integers(2**31))
    )
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(start)
    for i in tries.rng.choice(len(found), FEWEST_RELATIVES - 1, replace=False):
        own = start[str(i)]
        moved = not own if isinstance(own, bool) else int(tries.rng.choice([-1, 1]))
        study.enqueue_trial({**start, str(i): moved})
    asked = study.ask(ranges)  # the seed, which has run

    def child() -> str:
        nonlocal asked
        result = tries.tried[-1].objective
        study.tell(asked, result, optuna.trial.TrialState.PRUNED if result is None else None)
        asked = study.ask(ranges)
        return replace_spans(
            tries.seed,
            [(one.span, _text(one, asked.params[str(i)])) for i, one in enumerate(found)],
        )

    return child


def by_cma(tries: Tries) -> Callable[[], str]:
    """A search by DEAP's CMA-ES, a generation after the other."""
    np.random.seed(int(tries.rng.integers(2**31)))  # noqa: NPY002, DEAP draws from this one alone
    found = find_literals(tries.seed)
    strategy = cma.Strategy(centroid=[0.0] * len(found), sigma=1.0)
    waiting: list[Point] = []
    ended: list[Point] = []
    losses = [0.0]

    def child() -> str:
        nonlocal waiting, ended
        if ended:
            result = tries.tried[-1].objective
            losses.append(max(losses) if result is None else result)
            ended[-1].fitness.values = (losses[-1],)
        if not waiting:
            if ended:
                strategy.update(ended)
            waiting, ended = strategy.generate(Point), []
        ended.append(waiting.pop())
        return replace_spans(
            tries.seed,
            [(one.span, _moved(one, step)) for one, step in zip(found, ended[-1], strict=True)],
        )

    return child


class Point(list[float]):
    """Steps from the seed's constants, as DEAP wants them."""

    def __init__(self, steps: Sequence[float]) -> None:
        super().__init__(steps)
        self.fitness = Loss()


class Loss(base.Fitness):  # type: ignore[misc]
    weights = (-1.0,)


def _moved(literal: Literal, step: float) -> str:
    """A constant so many steps from its value."""
    if isinstance(literal.value, bool):
        return str(literal.value ^ (step > 0.5))
    return _text(literal, round(step) if _counts(literal) else step)


def _range(literal: Literal, of: Any) -> Any:
    """What Optuna may draw for a constant: another switch, or steps from the seed's value."""
    if isinstance(literal.value, bool):
        return of.CategoricalDistribution([False, True])
    return (of.IntDistribution if _counts(literal) else of.FloatDistribution)(-REACH, REACH)


def _counts(literal: Literal) -> bool:
    return isinstance(literal.value, int) and (literal.exponent or literal.value <= 8)


def _text(literal: Literal, drawn: float) -> str:
    value = literal.value
    if isinstance(value, bool):
        return str(drawn)
    if _counts(literal):
        return str(max(value + int(drawn), 1))
    factor = math.exp(STEP * drawn)
    if isinstance(value, int):
        return str(max(round(value * factor), 1))
    if 0.5 < value < 1.0:
        return repr(1.0 - min((1.0 - value) * factor, 0.99))
    return repr((value or 0.03) * factor)


SEARCHES: dict[str, Callable[[Tries], Callable[[], str]]] = {
    "tune": searcher(Tune()),
    "perturb": searcher(Perturb()),
    "TPE": by_optuna,
    "CMA-ES": by_cma,
    "random": by_chance,
}


@dataclass(frozen=True)
class Result:
    """What a search was worth at the checkpoints, how many runs failed, CPU seconds a proposal."""

    losses: list[float]
    failed: int
    seconds: float


def search(name: str, noise: float, fewest: int, most: int, seed: int) -> Result:
    genomes = Genomes(np.random.default_rng([seed, 0]), fewest, most)
    rng = np.random.default_rng([seed, 1])
    tries = Tries(genomes.seed, rng)
    losses, spent = [], 0.0
    child, draw = genomes.seed, SEARCHES[name](tries)
    while True:
        loss = genomes.loss(child)
        tries.tried.append(Relative(child, None if loss is None else loss + rng.normal(0.0, noise)))
        if len(tries.tried) in CHECKPOINTS:
            losses.append(genomes.loss(tries.best.source) or 0.0)
            if len(losses) == len(CHECKPOINTS):
                failed = sum(one.objective is None for one in tries.tried)
                return Result(losses, failed, spent / len(tries.tried))
        begun = time.process_time()
        child = draw()
        spent += time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.001, 0.003])
    parser.add_argument("--literals", type=int, nargs=2, default=[8, 14], metavar=("FROM", "TO"))
    parser.add_argument("--searches", nargs="+", choices=list(SEARCHES), default=_usable())
    args = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for noise in args.noise:
            print(f"\nnoise {noise}, {args.runs} runs")
            heads = [*(f"after {n}" for n in CHECKPOINTS), "failed", "CPU"]
            print(" " * 10 + "".join(f"{head:>15}" for head in heads))
            for name in args.searches:
                one = partial(search, name, noise, *args.literals)
                _print_row(name, list(pool.map(one, range(args.runs), chunksize=2)))


def _usable() -> list[str]:
    return [name for name in SEARCHES if name != "TPE" or find_spec("optuna")]


def _print_row(name: str, results: Sequence[Result]) -> None:
    cells = [
        f"{-1000 * statistics.fmean(losses):.2f} ± "
        f"{1000 * statistics.stdev(losses) / math.sqrt(len(losses)):.2f}"
        for losses in zip(*(result.losses for result in results), strict=True)
    ]
    cells.append(f"{statistics.fmean(result.failed for result in results):.1f}")
    cells.append(f"{1000 * statistics.fmean(result.seconds for result in results):.0f} ms")
    print(f"{name:10}" + "".join(f"{cell:>15}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
