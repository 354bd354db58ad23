"""Optimisers from other libraries as operators: Optuna's TPE and GPSampler, DEAP's CMA-ES.

Each proposes values for the constants of a run's seed, the same constants that `perturb` and `tune`
change. They are operators of a run with `--strategy random`, in which the seed is the parent of
every child, so that a run of theirs is screened, measured, recorded and resumed as any other:

    python -m evolve --strategy random --operators benchmarks/search_optimizers.py:TPE

Nothing is kept between two proposals: each makes its optimiser anew from the results so far, which
the operator is given. The first children are drawn as `perturb` draws them, as many as `tune`
waits for before it learns, so that all begin alike. A failure counts as bad as the worst result so
far.
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from deap import base, cma
from numpy.typing import NDArray

from evolve.genome import find_literals
from evolve.genome.masking import read_values
from evolve.genome.syntax import Literal
from evolve.operators import Context, Operator, Parent, Proposal, ProposalError
from evolve.operators.constant_space import FEWEST_RELATIVES, compute_loss
from evolve.operators.perturb import SPREAD, Perturb, write_proposal
from evolve.operators.proposal import TRIES, take_first_new

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

REACH = math.log(8.0) / SPREAD  # steps of a number either way: from an eighth to eight times
WHOLE_REACH = 3  # steps of an integer that goes up and down by one or by doubling
ZERO_SHARE = 0.5  # steps at the low end of a float's range that stand for zero
SMALL, LARGE = 0.01, 0.32  # range of a float whose value is zero now, besides zero
SIGMA = 0.5  # first standard deviation of CMA-ES, in steps

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coordinate:
    """A literal as a coordinate: 0 is its value in the seed, 1 a typical step of `perturb`.

    Attributes:
        literal: Literal of the seed.
        low: Lower end of its range, in steps.
        high: Upper end of its range, in steps.
        whole: Whether only whole steps count.
    """

    literal: Literal
    low: float
    high: float
    whole: bool = False

    @classmethod
    def of(cls, literal: Literal) -> Self:
        """Make the coordinate of a literal."""
        value = literal.value
        if isinstance(value, bool):
            return cls(literal, -int(value), 1 - int(value), whole=True)
        if _counts(literal):
            least = 0 if value <= 1 else 1
            return cls(literal, max(-WHOLE_REACH, least - int(value)), WHOLE_REACH, whole=True)
        if _doubles(literal):
            return cls(literal, -WHOLE_REACH, WHOLE_REACH, whole=True)
        if isinstance(value, int) or 0.5 < value < 1.0:
            return cls(literal, -REACH, REACH)
        if value == 0.0:
            return cls(literal, -ZERO_SHARE, math.log(LARGE / SMALL) / SPREAD)
        return cls(literal, -REACH - ZERO_SHARE, REACH)

    def write(self, position: float) -> str:
        """The literal's text at a position, which is moved into the range first."""
        steps = min(max(position, self.low), self.high)
        value, factor = self.literal.value, math.exp(SPREAD * steps)
        if isinstance(value, bool):
            return str(bool(round(int(value) + steps)))
        if _counts(self.literal):
            return str(int(value) + round(steps))
        if _doubles(self.literal):
            return str(max(1, int(value * 2.0 ** round(steps))))
        if isinstance(value, int):
            grain = min(value & -value, 16)  # widths stay multiples of what they were multiples of
            return str(max(grain, round(value * factor / grain) * grain))
        if value == 0.0:
            return repr(float(f"{SMALL * factor:.3g}")) if steps > 0 else "0.0"
        if 0.5 < value < 1.0:
            return f"{1.0 - float(f'{min((1.0 - value) * factor, 0.99):.3g}'):.6g}"
        return "0.0" if steps < -REACH else repr(float(f"{value * factor:.3g}"))

    def locate(self, value: float) -> float:
        """The position of a value of the literal, within its range."""
        own = self.literal.value
        if self.whole:
            steps = math.log2(value / own) if _doubles(self.literal) else value - own
            return round(min(max(steps, self.low), self.high))
        if own == 0.0:
            steps = math.log(value / SMALL) / SPREAD if value > 0 else self.low
        elif 0.5 < own < 1.0:
            steps = math.log(max(1.0 - value, 1e-9) / (1.0 - own)) / SPREAD
        else:
            steps = math.log(value / own) / SPREAD if value > 0 else self.low
        return min(max(steps, self.low), self.high)


def _counts(literal: Literal) -> bool:
    """Whether an integer goes up and down by one."""
    value = literal.value
    return isinstance(value, int) and (literal.exponent or value <= 8)


def _doubles(literal: Literal) -> bool:
    """Whether an integer is doubled and halved."""
    value = literal.value
    return isinstance(value, int) and not _counts(literal) and value & (value - 1) == 0


@dataclass(frozen=True)
class Trial:
    """A genome that has run.

    Attributes:
        values: Values of its constants.
        point: Its position on each coordinate, shape (coordinates,).
        loss: Its objective, oriented so that less is better.
    """

    values: tuple[float, ...]
    point: Array
    loss: float


class Optimizer(Operator):
    """Proposes the seed with other constants, as an optimiser chooses them.

    Subclasses say where to look next.
    """

    learns = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        if parent.individual.parents:
            raise ProposalError(f"{self.name} works around the seed: use --strategy random")
        trials, space = read_trials(parent, context), list_coordinates(parent.source)
        if len(trials) < FEWEST_RELATIVES:
            return Perturb().propose(parents, context)
        draws = (
            _write(parent.source, space, point) for point in self.suggest(space, trials, context)
        )
        try:
            return take_first_new(draws, context.screen)
        except ProposalError:  # it wants again and again what was tried
            return Perturb().propose(parents, context)

    @abstractmethod
    def suggest(
        self, space: Sequence[Coordinate], trials: Sequence[Trial], context: Context
    ) -> Iterator[Sequence[float]]:
        """Points to try next, the most promising first.

        Args:
            space: Coordinates of the search space.
            trials: Results so far, the seed's first, in the order in which they were proposed.
            context: What the proposal may use besides.
        """


def list_coordinates(source: str) -> list[Coordinate]:
    """The coordinates of a genome's constants, in the order of the text."""
    return [Coordinate.of(literal) for literal in find_literals(source)]


def read_trials(seed: Parent, context: Context) -> list[Trial]:
    """The results so far, the seed's first, in the order in which they were proposed."""
    space = list_coordinates(seed.source)
    own, *latest_first = context.relatives
    relatives = [own, *reversed(latest_first)]
    losses = [compute_loss(one, seed.individual.direction) for one in relatives]
    worst = max(loss for loss in losses if math.isfinite(loss))
    rows = [read_values(one.source) for one in relatives]
    return [
        Trial(
            row,
            np.array([c.locate(value) for c, value in zip(space, row, strict=True)]),
            min(loss, worst),
        )
        for row, loss in zip(rows, losses, strict=True)
    ]


def _write(source: str, space: Sequence[Coordinate], point: Sequence[float]) -> Proposal:
    texts = [(one.literal, one.write(at)) for one, at in zip(space, point, strict=True)]
    changes = [(literal, text) for literal, text in texts if text != literal.span.text]
    return write_proposal(source, changes, "")


class OptunaSampler(Optimizer):
    """A sampler of Optuna, of which every genome that has run is a trial."""

    def suggest(
        self, space: Sequence[Coordinate], trials: Sequence[Trial], context: Context
    ) -> Iterator[Sequence[float]]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        ranges = {str(i): _range(one) for i, one in enumerate(space)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = self.new_sampler(int(context.rng.integers(2**31)))
        study = optuna.create_study(sampler=sampler)
        for trial in trials:
            params = {
                str(i): _to_optuna(one, at)
                for i, (one, at) in enumerate(zip(space, trial.point, strict=True))
            }
            study.add_trial(
                optuna.trial.create_trial(params=params, distributions=ranges, value=trial.loss)
            )
        for _ in range(TRIES):
            drawn = study.ask(ranges).params
            yield [float(drawn[str(i)]) for i in range(len(space))]

    @abstractmethod
    def new_sampler(self, seed: int) -> BaseSampler:
        """Make the sampler, without random draws of its own at the start."""


def _range(one: Coordinate) -> BaseDistribution:
    from optuna import distributions

    if isinstance(one.literal.value, bool):
        return distributions.CategoricalDistribution([int(one.low), int(one.high)])
    if one.whole:
        return distributions.IntDistribution(int(one.low), int(one.high))
    return distributions.FloatDistribution(one.low, one.high)


def _to_optuna(one: Coordinate, at: float) -> Any:
    return round(at) if one.whole else float(at)


class TPE(OptunaSampler):
    """Tree-structured Parzen estimator (J. Bergstra et al. 2011), multivariate."""

    name = "TPE"
    summary = "Optuna's TPESampler over the constants of the seed"

    def new_sampler(self, seed: int) -> BaseSampler:
        from optuna.samplers import TPESampler

        return TPESampler(n_startup_trials=0, multivariate=True, seed=seed)


class GP(OptunaSampler):
    """Gaussian process with log expected improvement, as Optuna 4 and later have it."""

    name = "GPSampler"
    summary = "Optuna's GPSampler over the constants of the seed"

    def new_sampler(self, seed: int) -> BaseSampler:
        import torch
        from optuna.samplers import GPSampler

        torch.set_num_threads(1)  # for so little work more of them cost twenty times the time
        return GPSampler(n_startup_trials=0, deterministic_objective=False, seed=seed)


class CMAES(Optimizer):
    """Evolution strategy with covariance matrix adaptation (N. Hansen and A. Ostermeier 2001).

    The generations so far are drawn again and matched with the results: the draws of a generation
    follow from the seed of the run and the generation's number. A draw that was tried before, after
    rounding to constants, is left out, since the run would refuse it.
    """

    name = "CMA-ES"
    summary = "DEAP's CMA-ES over the constants of the seed"

    def suggest(
        self, space: Sequence[Coordinate], trials: Sequence[Trial], context: Context
    ) -> Iterator[Sequence[float]]:
        losses = {trial.values: trial.loss for trial in trials}
        source, seed = context.parents[0].source, _read_run_seed(context)
        used = {trial.values for trial in trials[:FEWEST_RELATIVES]}
        strategy = cma.Strategy(centroid=[0.0] * len(space), sigma=SIGMA)
        for generation in range(len(trials)):
            population: list[Point] = []
            rng = np.random.default_rng([seed, generation])
            while len(population) < strategy.lambda_:
                draw = rng.standard_normal(len(space))
                point = strategy.centroid + strategy.sigma * strategy.BD @ draw
                values = read_values(_write(source, space, point).source)
                if values in used:
                    continue
                if values in losses:
                    used.add(values)
                    population.append(Point(point, losses[values]))
                else:
                    yield point  # only what is new gets here; if it is refused, the next draw
            strategy.update(population)


class Loss(base.Fitness):  # type: ignore[misc]
    """DEAP's comparison of losses."""

    weights = (-1.0,)


class Point(list[float]):
    """A point with its loss, as DEAP's strategies want it."""

    def __init__(self, point: Array, loss: float) -> None:
        super().__init__(point)
        self.fitness = Loss((loss,))


def _read_run_seed(context: Context) -> int:
    """The seed of the run, from which the proposal's generator was made with its number."""
    sequence: Any = context.rng.bit_generator.seed_seq
    return int(sequence.entropy[0])


OPTIMIZERS: Mapping[str, type[Optimizer]] = {"TPE": TPE, "GP": GP, "CMAES": CMAES}
