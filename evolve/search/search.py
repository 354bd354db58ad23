"""The search itself, as ask and tell: what to try next, and what a result means. No disk, no clock.

The same calls with the same results give the same search. So a run is resumed by replaying the
events of its record.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from archive import AddStatus, Archive, Axis
from evolve.edits.forms import FREE
from evolve.operators import Operator
from evolve.search.axes import refit_axes
from evolve.search.bandit import Arm, Chooser, Outcome, device_price
from evolve.search.credit import Credit
from evolve.search.form_chooser import FormChooser
from evolve.search.partners import Partners
from evolve.search.plan import Plan
from evolve.search.repairs import Repairs
from evolve.search.strategies import Strategy
from evolve.search.targets import choose_target
from population import Individual, Measurement
from population.beliefs import Beliefs
from population.estimate import Noise, Prior
from population.family import Family
from population.selection import Offspring

EARLY = 0.5  # share of the budget: a child that failed earlier was hardly trained
MOST_CLOSING = 5  # repeats at the end of a search, when those that are meant for it are used up
MOST_RETRIES = 2  # repeats of a score that may fail before nobody waits for another


class Search:
    """The state of a search: everyone that was tried, the archive, the family tree.

    Args:
        strategy: Strategy that decides who may be a parent and which children are kept.
        operators: Operators by name.
        models: Weights of the language models by name; empty leaves the operators without one.
        agents: Weights of the coding agents by name.
        chooser: Chooser of operators, models and agents.
        seed: Seed of all the run's randomness.
        budget: Seconds that a child may train, without start-up and evaluation.
        movable_axes: Names of the axes that are refitted to what is found.
        max_repeats: Runs that may go into repeating what seems to be the best; a lead beyond luck
            is repeated even then.
        beliefs: Rules by which results are judged, before any result; None takes the latest.
        forms: Chooser of the forms of models' replies; None leaves them free.

    Attributes:
        beliefs: What the results so far say of the noise and of the gains.
        individuals: Everyone that was tried, by id, with the results so far.
        family: The family tree of them.
        archive: The archive; None until the seeds are measured.
        incumbent: The fittest so far; None until the archive is open.
        reference: The first seed that scored; None until the archive is open.
    """

    def __init__(
        self,
        *,
        strategy: Strategy,
        operators: Mapping[str, Operator],
        models: Mapping[str, float],
        chooser: Chooser,
        agents: Mapping[str, float] | None = None,
        seed: int,
        budget: float = 0.0,
        movable_axes: Collection[str] = (),
        max_repeats: float = math.inf,
        beliefs: Beliefs | None = None,
        forms: FormChooser | None = None,
    ) -> None:
        self._forms = forms or FormChooser()
        self._strategy, self._chooser = strategy, chooser
        self._partners = Partners(operators, models, agents or {}, chooser, self._forms, seed)
        self._operators = self._partners.operators
        self._seed = seed
        self._budget = budget
        self._movable_axes = frozenset(movable_axes)
        self._crossed: set[frozenset[int]] = set()
        self._dollars: dict[int, float] = {}
        self._drawn: dict[int, Arm] = {}
        self._max_repeats = max_repeats
        self._repeats = 0
        self._uncredited: dict[int, Credit] = {}  # children whose score is not believed yet
        self._offspring: dict[int, Offspring] = {}
        self.beliefs = beliefs or Beliefs()
        self.individuals: dict[int, Individual] = {}
        self.family = Family(self.individuals)
        mender = next((op for op in operators.values() if op.mends and models), None)
        self._repairs = Repairs(mender, self._operators, self.individuals)
        self.archive: Archive | None = None
        self.incumbent: Individual | None = None
        self.reference: Individual | None = None

    @property
    def has_offline(self) -> bool:
        """Whether an operator was chosen that needs neither a language model nor an agent."""
        return self._partners.has_offline

    def can_draw(self, *, offline: bool, without: Collection[str]) -> bool:
        """Whether an operator can be drawn, without a last resort; see `ask`."""
        return self._partners.can_draw(offline=offline, without=without)

    # -- how it begins ------------------------------------------------------------------------

    def open_archive(self, axes: tuple[Axis, ...]) -> None:
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
        start_up = max(m.seconds for m in self.reference.scored) - self._budget
        self._repairs.early = EARLY * self._budget + max(start_up, 0.0)
        self.incumbent = max(seeds, key=lambda seed: seed.fitness)

    def refit_axes(self) -> tuple[Axis, ...] | None:
        """Refit the archive's axes to what was found; None if they fit. Nothing is lost by it."""
        assert self.archive is not None
        assert self.reference is not None
        inside = [self.individuals[self.reference.id], *([self.best] if self.best else [])]
        axes = refit_axes(self.archive.axes, self.archive.individuals, inside, self._movable_axes)
        if axes is not None:
            self.archive = self.archive.rebin(axes)
        return axes

    # -- ask ----------------------------------------------------------------------------------

    def ask(
        self,
        number: int,
        *,
        place: int = 0,
        offline: bool = False,
        without: Collection[str] = (),
    ) -> Plan:
        """Draw an operator, a model or an agent, and parents for a proposal.

        Args:
            number: Number of the proposal in its run.
            place: Place in the order of everything that the search is asked and told.
            offline: Whether operators that need a language model are left out.
            without: Names of the agents that are left out; the name "" leaves out what asks nobody.
        """
        plan = self._draw_plan(number, offline, without)
        return replace(plan, place=place, offline=offline, without=tuple(without))

    def _draw_plan(self, number: int, offline: bool, without: Collection[str]) -> Plan:
        assert self.archive is not None
        assert self.reference is not None
        assert self.incumbent is not None
        rng = np.random.default_rng([self._seed, number])
        if self._repairs.mender and not offline and (broken := self._repairs.take()):
            arm = self._partners.draw_for(number, self._repairs.mender, rng)
            return self._plan(number, arm, [broken], rng)
        pool = self._strategy.pool(self.archive, self.reference, self.incumbent)
        for arity in (2, 1):
            most = min(arity, len(pool))
            arm = self._partners.draw(number, most, rng, offline=offline, without=without)
            parents = self._parents(self._operators[arm.operator].arity, pool, rng)
            if parents:
                return self._plan(number, arm, parents, rng)
        raise AssertionError("a single parent can always be drawn")

    def _plan(
        self, number: int, arm: Arm, parents: Sequence[Individual], rng: np.random.Generator
    ) -> Plan:
        operator = self._operators[arm.operator]
        assert self.archive is not None
        target = choose_target(self.archive, parents[0], rng) if operator.aims else None
        if len(parents) > 1:
            self._crossed.add(frozenset(parent.id for parent in parents))
        form = (arm.form or FREE) if operator.takes_forms and arm.model else ""
        return Plan(number, operator, arm.model, tuple(parents), rng, target, form=form)

    def _parents(
        self, arity: int, pool: Sequence[Individual], rng: np.random.Generator
    ) -> list[Individual]:
        """Draw the parents: of two, none descends from the other, and the pair is a new one.

        Empty if there is no such pair.
        """
        left = list(pool)
        while left:
            first = self._strategy.select(left, self._offspring, self.beliefs.unit, rng)
            if arity == 1:
                return [first]
            left.remove(first)
            partners = [one for one in pool if self._may_cross(first, one)]
            if partners:
                second = self._strategy.select(partners, self._offspring, self.beliefs.unit, rng)
                return [first, second]
        return []

    def _may_cross(self, first: Individual, second: Individual) -> bool:
        younger, older = max(first.id, second.id), min(first.id, second.id)
        return (
            younger != older
            and frozenset((first.id, second.id)) not in self._crossed
            and not self.family.descends(younger, older)
        )

    def prior(self, parents: Sequence[int]) -> Prior | None:
        """The prior of a child of some individuals, by their ids; it is fixed at its birth."""
        parent = self.family.find_nearest_scored(parents)
        return None if parent is None else self._strategy.prior(parent, self.beliefs)

    def doubtful(self, *, closing: bool = False) -> Individual | None:
        """The best so far, if it should run once more before it is announced; else None.

        Args:
            closing: Whether the search ends, so that some more runs may go into repeats.
        """
        best = self._find_contender()
        if best is None or not best.parents:
            return None
        rival = self._find_rival(best)
        spent = self._repeats >= self._max_repeats + (MOST_CLOSING if closing else 0)
        return best if self._strategy.doubts(best, rival, self.beliefs, spent=spent) else None

    def _find_contender(self) -> Individual | None:
        """The fittest, without those whose repeats have failed again and again."""
        best = self.best
        if best is None or not _is_hopeless(best):
            return best
        assert self.archive is not None
        others = (one for one in self.archive.individuals if not _is_hopeless(one))
        return max(others, key=lambda one: (one.fitness, -one.id), default=None)

    def _find_rival(self, best: Individual) -> Individual:
        """The fittest of the others whose score is believed, else the reference."""
        assert self.reference is not None
        repeated = (self.individuals[number] for number in self.beliefs.noise.repeats)
        believed = (
            one
            for one in repeated
            if one.id != best.id and self._strategy.believes(one, self.beliefs)
        )
        reference = self.individuals[self.reference.id]
        return max(believed, key=lambda one: (one.fitness, -one.id), default=reference)

    # -- tell ---------------------------------------------------------------------------------

    def add_individual(
        self,
        individual: Individual,
        dollars: float = 0.0,
        *,
        drawn: Arm | None = None,
        form: str = "",
    ) -> None:
        """Add a genome that will be measured.

        Args:
            individual: The new individual.
            dollars: Cost of its proposal in dollars.
            drawn: Arm that is credited with it; None is its operator with its model.
            form: Form of the model's reply; empty if there was no choice.
        """
        self._forms.record_child(individual.id, individual.model, form)
        self.individuals[individual.id] = individual
        self.family.add(individual)
        self._dollars[individual.id] = dollars
        arm = drawn or Arm(individual.operator, individual.model).in_form(form)
        self._drawn[individual.id] = arm
        self._note_drawn(arm, individual.parents)
        for parent in individual.parents:
            record = self._offspring.get(parent, Offspring())
            self._offspring[parent] = replace(record, children=record.children + 1)

    def add_refusal(
        self, arm: Arm, parents: Sequence[int], dollars: float = 0.0, *, form: str = ""
    ) -> None:
        """Learn of a proposal that gave no child, its cost in dollars, and its replies' form."""
        self._forms.record_refusal(arm.model, form)
        self._note_drawn(arm, parents)
        self._chooser.tell(arm, Outcome(0.0, dollars, measured=False))

    def _note_drawn(self, arm: Arm, parents: Sequence[int]) -> None:
        self._repairs.note_drawn(arm.operator, parents)
        if len(parents) > 1:
            self._crossed.add(frozenset(parents))

    def tell(self, number: int, measurement: Measurement) -> bool:
        """Learn a measurement of an individual.

        Args:
            number: Id of the individual.
            measurement: The measurement.

        Returns:
            Whether the individual is kept: it became an elite, or the incumbent.
        """
        before = self.individuals[number]
        individual = before.measured(measurement)
        self.individuals[number] = individual
        self._repeats += bool(before.measurements and before.parents)
        self._learn(before, measurement)
        self._repairs.notice(individual, measurement)
        if self.archive is None:
            return not before.scored and individual.objective is not None  # a seed's first score
        added, kept = AddStatus.NOT_ADDED, False
        best = self.best
        if individual.objective is not None:
            added = self.archive.add(individual)
            assert self.incumbent is not None
            kept = self._strategy.keeps(added, individual, self.incumbent)
            self.incumbent = self.archive.best
        if not before.measurements and individual.parents:
            self._uncredited[number] = Credit(added, best, measurement)
        waits = self.beliefs.credits_when_confirmed and self.doubtful() is individual
        if number in self._uncredited and not waits:
            self._reward(individual, self._uncredited.pop(number))
        return kept

    def _reward(self, child: Individual, credit: Credit) -> None:
        """Credit the parents and the arm of a child whose score is believed."""
        parents = [self.individuals[parent] for parent in child.parents]
        if child.scored and all(child.fitness > parent.fitness for parent in parents):
            for parent in parents:
                record = self._offspring[parent.id]
                self._offspring[parent.id] = replace(record, wins=record.wins + 1)
        if child.operator not in self._operators:
            return
        assert self.reference is not None
        reference = self.individuals[self.reference.id]
        improves = self.is_improvement(child)
        worth = credit.weigh(child, self.beliefs, reference, improves=improves)
        price = device_price(credit.first.device) * credit.first.seconds
        outcome = Outcome(worth, self._dollars.get(child.id, 0.0) + price)
        self._chooser.tell(self._drawn[child.id], outcome)
        self._forms.record_worth(child.id, outcome)

    def _learn(self, before: Individual, measurement: Measurement) -> None:
        """Learn from a run about the noise, and about the gains that children make."""
        if measurement.fitness is None:
            return
        parent = self.family.find_nearest_scored(before.parents)
        self.beliefs = self.beliefs.with_run(before, measurement.fitness, parent)

    # -- what is known ------------------------------------------------------------------------

    @property
    def best(self) -> Individual | None:
        """The fittest so far, by the best guess of its fitness."""
        return self.archive.best if self.archive else None

    @property
    def champion(self) -> Individual | None:
        """The fittest of those whose score the strategy believes, seeds among them."""
        best = self.best
        if best is None or not best.parents or self._strategy.believes(best, self.beliefs):
            return best
        return self._find_rival(best)

    def is_improvement(self, individual: Individual) -> bool:
        """Whether an individual is fitter than all its parents that scored, beyond luck."""
        parents = [self.individuals[number] for number in individual.parents]
        scored = [parent for parent in parents if parent.scored]
        if not individual.scored or not scored:
            return False
        return all(self.beliefs.is_beyond_luck(individual, parent) for parent in scored)

    def gain(self, individual: Individual) -> float:
        """How much fitter an individual is than its fittest parent; 0 if one did not score."""
        parents = [self.individuals[number] for number in individual.parents]
        scored = [parent for parent in parents if parent.scored]
        if not individual.scored or not scored:
            return 0.0
        return min(_gain(individual, parent) for parent in scored)

    @property
    def noise(self) -> Noise:
        """What repeated runs have shown of the noise of a run."""
        return self.beliefs.noise


def _is_hopeless(individual: Individual) -> bool:
    """Whether repeats of a score have failed too often to go on with them."""
    return len(individual.scored) == 1 and len(individual.measurements) > MOST_RETRIES


def _gain(one: Individual, other: Individual) -> float:
    """How much fitter one scored individual is than another, in the metric's unit."""
    assert one.objective is not None
    assert other.objective is not None
    return one.direction.gain(one.objective, other.objective)
