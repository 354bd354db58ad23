"""The MAP-Elites archive: of every cell of a grid over two measures, the fittest individual.

J.-B. Mouret and J. Clune, "Illuminating search spaces by mapping elites" (arXiv 1504.04909, 2015).
The words (elite, measures, objective, coverage, QD score, add status) are those of pyribs. Unlike
there, every scored individual is kept, so that an elite can be revised: a repeated run that shows
it to be lucky makes it a runner-up, and the grid can be cut anew without loss.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from deap import base, tools

from archive.axis import Axis
from population.individual import Direction, Individual

Cell = tuple[int, int]
"""A cell's indices on the first and the second axis, each from 0 (lowest values)."""


class AddStatus(IntEnum):
    """What adding an individual changed. A true status means that it took a cell."""

    NOT_ADDED = 0  # it took no cell: it is a runner-up, or held this cell before
    IMPROVE_EXISTING = 1  # it took a cell from another elite
    NEW = 2  # it took a cell that was empty


@dataclass(frozen=True)
class ArchiveStats:
    """How far the search has come.

    Attributes:
        num_elites: filled cells.
        coverage: filled cells as a share of all cells, 0 to 1.
        qd_score: sum over the elites of their gain over the reference, in the metric's unit.
        norm_qd_score: `qd_score` divided by the number of cells.
        obj_best: the fittest elite's objective; None if the archive is empty.
        obj_mean: the mean objective of the elites; None if the archive is empty.
    """

    num_elites: int
    coverage: float
    qd_score: float
    norm_qd_score: float
    obj_best: float | None
    obj_mean: float | None


class Archive:
    """A grid of two axes that keeps every scored individual and knows the fittest of each cell.

    Of equally fit individuals the one with the lower id is the elite, so the archive depends on
    which individuals it holds, not on the order in which they came. As in pyribs, its length and
    its iteration are those of the elites; `individuals` is everyone.

    Args:
        axes: the grid's two axes, of different names.

    Raises:
        ValueError: the axes share a name.
    """

    def __init__(self, axes: tuple[Axis, Axis]) -> None:
        if axes[0].name == axes[1].name:
            raise ValueError(f"the archive's two axes are both called `{axes[0].name}`")
        self.axes = axes
        self._members: dict[Cell, dict[int, Individual]] = {}
        self._elites: dict[Cell, Individual] = {}
        self._cells: dict[int, Cell] = {}

    def add(self, individual: Individual) -> AddStatus:
        """Adds an individual, or replaces the version of it (by id) that was added before.

        O(1), except that a revision which makes an elite worse or moves it looks through its cell.

        Raises:
            ValueError: it has no score, its measures have no cell, or it is of another direction
                than the rest. The archive is then as it was.
        """
        if individual.objective is None:
            raise ValueError(f"individual {individual.id} has no score: only scored ones are added")
        if self.direction not in (None, individual.direction):
            raise ValueError(f"the archive holds individuals to {self.direction}, not {individual}")
        cell = self.cell_of(individual)
        elite = self._elites.get(cell)

        previous = self._cells.get(individual.id)
        if previous is not None:
            self._remove(individual.id, previous)
        self._cells[individual.id] = cell
        self._members.setdefault(cell, {})[individual.id] = individual
        rival = self._elites.get(cell)
        if rival is None or _rank(individual) > _rank(rival):
            self._elites[cell] = individual

        took = self._elites[cell] is individual and (elite is None or elite.id != individual.id)
        if not took:
            return AddStatus.NOT_ADDED
        return AddStatus.NEW if elite is None else AddStatus.IMPROVE_EXISTING

    def _remove(self, individual_id: int, cell: Cell) -> None:
        """Takes an older version out; its cell goes to the fittest of the others."""
        members = self._members[cell]
        del members[individual_id]
        if self._elites[cell].id != individual_id:
            return
        if members:
            self._elites[cell] = max(members.values(), key=_rank)
        else:
            del self._elites[cell], self._members[cell]

    def cell_of(self, individual: Individual) -> Cell:
        """The cell that the individual's measures fall into, whether it is in the archive or not.

        Raises:
            ValueError: a measure is missing or has no place on its axis.
        """
        measures = individual.measures
        first, second = self.axes
        try:
            return first.index(measures[first.name]), second.index(measures[second.name])
        except KeyError as error:
            raise ValueError(f"individual {individual.id} has no measure {error}") from None
        except ValueError as error:
            raise ValueError(f"individual {individual.id}: {error}") from None

    @property
    def elites(self) -> list[Individual]:
        """The fittest of each filled cell, ordered by cell."""
        return [elite for _, elite in sorted(self._elites.items(), key=lambda item: item[0])]

    @property
    def individuals(self) -> list[Individual]:
        """The latest version of everyone that was added, ordered by id."""
        return [self._members[cell][key] for key, cell in sorted(self._cells.items())]

    def elite_of(self, cell: Cell) -> Individual | None:
        """The elite of a cell; None if the cell is empty."""
        return self._elites.get(cell)

    def neighbours(self, cell: Cell) -> list[Cell]:
        """The up to eight cells around a cell, within the grid."""
        first, second = self.axes
        return [
            (x, y)
            for x in range(max(cell[0] - 1, 0), min(cell[0] + 2, first.cells))
            for y in range(max(cell[1] - 1, 0), min(cell[1] + 2, second.cells))
            if (x, y) != cell
        ]

    def members(self, cell: Cell) -> list[Individual]:
        """Everyone in a cell, the fittest (its elite) first."""
        return sorted(self._members.get(cell, {}).values(), key=_rank, reverse=True)

    def __len__(self) -> int:
        return len(self._elites)

    def __iter__(self) -> Iterator[Individual]:
        return iter(self.elites)

    @property
    def best(self) -> Individual | None:
        """The fittest of all; None if the archive is empty."""
        return max(self._elites.values(), key=_rank, default=None)

    @property
    def direction(self) -> Direction | None:
        """The individuals' direction; None if the archive is empty."""
        return next((elite.direction for elite in self._elites.values()), None)

    @property
    def cells(self) -> int:
        """The number of cells, filled or not."""
        return self.axes[0].cells * self.axes[1].cells

    @property
    def coverage(self) -> float:
        """Filled cells as a share of all cells, 0 to 1."""
        return len(self) / self.cells

    def qd_score(self, reference: float) -> float:
        """The sum over the elites of their gain over `reference`, in the metric's unit.

        An elite that is worse than the reference counts below 0, so filling a cell raises the
        score only if its elite beats the reference. Scores compare only under one reference: fix
        it when the run begins.
        """
        return sum(elite.direction.gain(_objective(elite), reference) for elite in self)

    def norm_qd_score(self, reference: float) -> float:
        """`qd_score` divided by the number of cells: grids of different sizes compare."""
        return self.qd_score(reference) / self.cells

    def stats(self, reference: float) -> ArchiveStats:
        """Coverage, QD score against `reference` and the objectives' best and mean."""
        best = self.best
        return ArchiveStats(
            num_elites=len(self),
            coverage=self.coverage,
            qd_score=self.qd_score(reference),
            norm_qd_score=self.norm_qd_score(reference),
            obj_best=best.objective if best else None,
            obj_mean=statistics.fmean(map(_objective, self)) if len(self) else None,
        )

    def rebin(self, axes: tuple[Axis, Axis]) -> Archive:
        """A new archive over other axes with everyone of this one.

        Raises:
            ValueError: someone has no place on the new axes.
        """
        archive = Archive(axes)
        for individual in self.individuals:
            archive.add(individual)
        return archive

    def pareto_front(self, measures: Mapping[str, Direction]) -> list[Individual]:
        """Everyone whom nobody beats in fitness and all the named measures, the fittest first.

        Args:
            measures: which measures count and which way each is good, such as
                {"size": Direction.MINIMIZE, "throughput": Direction.MAXIMIZE}.

        Raises:
            KeyError: an individual lacks one of the measures.
        """
        goals = measures.values()
        weights = (1.0, *(-1.0 if goal is Direction.MINIMIZE else 1.0 for goal in goals))
        fitness_class = type("ParetoFitness", (base.Fitness,), {"weights": weights})

        def point(index: int, individual: Individual) -> _Point:
            known = individual.measures
            values = (*individual.fitness.wvalues, *(known[name] for name in measures))
            return _Point(index, fitness_class(values))

        everyone = self.individuals
        front = tools.ParetoFront(similar=lambda a, b: False)  # equals are all on the front
        front.update([point(*numbered) for numbered in enumerate(everyone)])
        return sorted((everyone[at.index] for at in front), key=_rank, reverse=True)


@dataclass(frozen=True)
class _Point:
    """An individual in the space of the Pareto front, which deep-copies what it keeps."""

    index: int
    fitness: base.Fitness


def _objective(elite: Individual) -> float:
    assert elite.objective is not None  # `add` refuses the unscored
    return elite.objective


def _rank(individual: Individual) -> tuple[base.Fitness, int]:
    """Higher is fitter; of equals the older one, with the lower id, ranks higher."""
    return individual.fitness, -individual.id


def default_cells(evaluations: int) -> int:
    """Cells an axis that suit a budget: too fine a grid keeps everything and selects nothing.

    In simulations on 36 cells about 100 evaluations worked well; 4 x 4 suits fewer than 60, and
    8 x 8 more than 300.
    """
    if evaluations < 60:
        return 4
    return 6 if evaluations <= 300 else 8
