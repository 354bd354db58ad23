"""The search itself, ask and tell: what to try next, and what a result means. No disk, no clock.

The same calls with the same results give the same search, which is how a run is resumed: its record
is told again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from deap import base

from archive import Archive, Axis
from evolve.operators import OPERATORS
from evolve.operators.base import Operator
from population import Individual, Measurement, Status
from population.estimate import Gains, Noise, Prior
from population.selection import Offspring
from trainer.task import AxisSpec

MENDABLE = (Status.CRASH, Status.OOM)
MAX_REPAIRS = 2  # in a row


@dataclass(frozen=True)
class Plan:
    """What to propose next.

    Attributes:
        number: of the proposal, from 0.
        operator: that shall make the child.
        parents: of the child, as many as the operator wants.
        rng: the proposal's own generator, a function of the run's seed and the number alone.
    """

    number: int
    operator: Operator
    parents: tuple[Individual, ...]
    rng: np.random.Generator


class Search:
    """The state of a search: everyone that was tried, the archive, who is whose child.

    Args:
        toolbox: the strategy's tools, see `evolve.strategies`.
        operators: the operators with how often each is drawn, relative to the others.
        seed: of all randomness.
        early: seconds before which a failure is early: the genome goes back to be mended.
    """

    def __init__(
        self,
        *,
        toolbox: base.Toolbox,
        operators: Mapping[Operator, float],
        seed: int,
        early: float = 0.0,
    ) -> None:
        self._toolbox = toolbox
        self._operators = {op: weight for op, weight in operators.items() if not op.mends}
        self._mender = next((operator for operator in operators if operator.mends), None)
        self._seed = seed
        self._early = early
        self._broken: list[int] = []
        self._mended: set[int] = set()
        self._noise = Noise()
        self._gains = Gains()
        self._lead = 0.0  # of the best over the best before it
        self._offspring: dict[int, Offspring] = {}
        self.individuals: dict[int, Individual] = {}
        self.archive: Archive | None = None
        self.incumbent: Individual | None = None
        self.reference: Individual | None = None

    # -- how it begins ------------------------------------------------------------------------

    def open_archive(self, axes: tuple[Axis, Axis]) -> None:
        """Begin with the seeds that have scored; the first of them is the reference.

        Raises:
            ValueError: none has.
        """
        seeds = [i for i in self.individuals.values() if not i.parents and i.scored]
        if not seeds:
            raise ValueError("no seed genome has scored")
        self.archive = Archive(axes)
        for seed in seeds:
            self.archive.add(seed)
        self.reference = seeds[0]
        self.incumbent = max(seeds, key=lambda seed: seed.fitness)

    # -- ask ----------------------------------------------------------------------------------

    def ask(self, number: int, *, offline: bool = False) -> Plan:
        """Draw an operator and its parents for proposal `number`.

        Args:
            number: counts the run's proposals.
            offline: leave out the operators that need a language model.
        """
        assert self.archive is not None
        rng = np.random.default_rng([self._seed, number])
        if self._broken and self._mender is not None and not offline:
            return Plan(number, self._mender, (self.individuals[self._broken.pop(0)],), rng)
        pool = self._toolbox.pool(self.archive, self.reference, self.incumbent)
        choices = {
            operator: weight
            for operator, weight in self._operators.items()
            if operator.arity <= len(pool) and not (offline and operator.needs_model)
        } or {OPERATORS["perturb"]: 1.0}  # one parent and no model: it works whatever was chosen
        weights = np.array(list(choices.values()))
        operator = list(choices)[int(rng.choice(len(weights), p=weights / weights.sum()))]
        parents: list[Individual] = []
        for _ in range(operator.arity):
            rest = [individual for individual in pool if individual not in parents]
            parents.append(self._toolbox.select(rest, self._offspring, self._unit, rng))
        return Plan(number, operator, tuple(parents), rng)

    def prior(self, parents: Sequence[int]) -> Prior | None:
        """What to expect of a child of some individuals, by their ids; to be fixed at its birth."""
        parent = self._nearest(parents)
        return None if parent is None else self._toolbox.prior(parent, self._gains, self.noise)

    def doubtful(self) -> Individual | None:
        """The best so far, if it should run once more before that is believed; else None."""
        best = self.best
        if best is None or not best.parents:
            return None
        return best if self._toolbox.doubts(best, self._lead, self.noise) else None

    # -- tell ---------------------------------------------------------------------------------

    def born(self, individual: Individual) -> None:
        """Take note of a genome that will be measured."""
        self.individuals[individual.id] = individual
        if self._mender is not None and individual.operator == self._mender.name:
            self._mended.add(individual.parents[0])
        for parent in individual.parents:
            record = self._offspring.get(parent, Offspring())
            self._offspring[parent] = replace(record, children=record.children + 1)

    def tell(self, number: int, measurement: Measurement) -> bool:
        """Take note of a measurement of individual `number`.

        Returns:
            Whether the individual is kept by it: it took a cell, or became the incumbent.
        """
        before = self.individuals[number]
        individual = before.measured(measurement)
        self.individuals[number] = individual
        self._learn(before, measurement)
        if self._is_mendable(individual, measurement):
            self._broken.append(number)
        if self.archive is None or individual.objective is None:
            return not before.scored and individual.objective is not None  # a seed's first score
        added = self.archive.add(individual)
        assert self.incumbent is not None
        kept = bool(self._toolbox.kept(added, individual, self.incumbent))
        best = self.archive.best
        assert best is not None
        assert best.objective is not None
        former = self.individuals[self.incumbent.id]
        if best.id != former.id and former.objective is not None:
            self._lead = best.direction.gain(best.objective, former.objective)
        self.incumbent = best
        parents = [self.individuals[parent] for parent in individual.parents]
        if not before.scored and all(individual.fitness > parent.fitness for parent in parents):
            for parent in parents:
                record = self._offspring[parent.id]
                self._offspring[parent.id] = replace(record, wins=record.wins + 1)
        return kept

    def _learn(self, before: Individual, measurement: Measurement) -> None:
        """What a run says of the noise, and of the gains that children make."""
        if measurement.fitness is None:
            return
        self._noise.add(before.values, measurement.fitness)
        parent = self._nearest(before.parents)
        if not before.values and parent is not None and parent.objective is not None:
            self._gains.add(parent.direction.gain(measurement.fitness, parent.objective))

    def _nearest(self, ids: Sequence[int]) -> Individual | None:
        """The fittest of some individuals, or of the nearest ancestors that have scored."""
        while ids:
            scored = [self.individuals[i] for i in ids if self.individuals[i].scored]
            if scored:
                return max(scored, key=lambda one: one.fitness)
            ids = [parent for i in ids for parent in self.individuals[i].parents]
        return None

    def _is_mendable(self, individual: Individual, measurement: Measurement) -> bool:
        """Whether a language model's child failed so early that it is worth a repair."""
        operator = OPERATORS.get(individual.operator)
        early = measurement.seconds < self._early
        if self._mender is None or operator is None or not operator.needs_model or not early:
            return False
        repairs, one = 0, individual
        while one.operator == self._mender.name:
            repairs, one = repairs + 1, self.individuals[one.parents[0]]
        fresh = individual.id not in self._mended
        return individual.status in MENDABLE and fresh and repairs < MAX_REPAIRS

    # -- what is known ------------------------------------------------------------------------

    @property
    def best(self) -> Individual | None:
        """The fittest so far, by the mean of its runs within the search."""
        return self.archive.best if self.archive else None

    @property
    def _unit(self) -> float:
        """A gap between two genomes that counts, in the metric's unit; 0 if none is known yet."""
        expected = self._gains.expected(self.noise)
        return max(3 * self.noise, 2 * expected[1]) if expected else 0.0

    @property
    def noise(self) -> float:
        """The pooled standard deviation of repeated runs, in the metric's unit; 0 if unknown."""
        return self._noise.deviation


def axes_around(
    specs: Sequence[AxisSpec], measures: Mapping[str, float], cells: int
) -> tuple[Axis, Axis]:
    """The archive's axes: the task's own bounds, or bounds around what a seed measured.

    Args:
        specs: the task's two axes.
        measures: the seed's, by axis name.
        cells: on each axis.

    Raises:
        ValueError: the bounds do not make an axis, for example around a measure of zero.
    """

    def axis(spec: AxisSpec) -> Axis:
        low, high = spec.bounds or tuple(factor * measures[spec.name] for factor in spec.around)
        return Axis(spec.name, spec.label, spec.unit, low, high, cells, spec.log)

    first, second = specs
    return axis(first), axis(second)
