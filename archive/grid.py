"""The MAP-Elites archive: the fittest individual of each cell of a grid over one or more measures.

J.-B. Mouret and J. Clune, "Illuminating search spaces by mapping elites" (arXiv 1504.04909, 2015).
The words (elite, measures, dims, objective, coverage, QD score, add status) are those of pyribs.
Unlike there, every scored individual is kept, so that an elite can be revised: a repeated run that
shows it to be lucky makes it a runner-up, and the grid can be rebinned without loss.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import product

from deap import base

from archive.axis import Axis
from population.individual import Direction, Individual

Cell = tuple[int, ...]
"""A cell's index on each axis, in the order of the axes, each from 0 (lowest values)."""

MOST_CELLS = 4096  # 64 x 64 or 16 x 16 x 16: no run has children for more, and no picture room
FEWEST_ON_AXIS = 2  # with one cell an axis would tell nothing apart


class AddStatus(IntEnum):
    """What adding an individual changed. A true status means that it became an elite."""

    NOT_ADDED = 0  # it is a runner-up, or was the elite of this cell before
    IMPROVE_EXISTING = 1  # it replaced another elite
    NEW = 2  # its cell was empty


@dataclass(frozen=True)
class ArchiveStats:
    """The progress of a search, as its archive shows it.

    Attributes:
        num_elites: Number of filled cells.
        coverage: Filled cells as a share of all cells, 0 to 1.
        qd_score: Sum of the elites' gains over the reference, in the metric's unit; those that
            are worse count 0.
        norm_qd_score: `qd_score` divided by the number of cells.
        obj_best: Objective of the fittest elite; None if the archive is empty.
        obj_mean: Mean objective of the elites; None if the archive is empty.
    """

    num_elites: int
    coverage: float
    qd_score: float
    norm_qd_score: float
    obj_best: float | None
    obj_mean: float | None


class Archive:
    """A grid over one or more axes that keeps every scored individual and knows each cell's elite.

    Of equally fit individuals the one with the lower id is the elite, so the archive depends on
    which individuals it holds, not on the order in which they came. As in pyribs, its length and
    its iteration are those of the elites; `individuals` is everyone.

    Args:
        axes: The grid's axes, at least one, each with a name of its own.

    Raises:
        ValueError: There is no axis, or two share a name.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = tuple(axes)
        if not self.axes:
            raise ValueError("an archive needs at least one axis")
        names = [axis.name for axis in self.axes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two of the archive's axes are called `{name}`")
        self._members: dict[Cell, dict[int, Individual]] = {}
        self._elites: dict[Cell, Individual] = {}
        self._cells: dict[int, Cell] = {}

    def add(self, individual: Individual) -> AddStatus:
        """Add an individual, or replace the version of it (by id) that was added before.

        O(1), except that a revision which makes an elite worse or moves it looks through its cell.

        Raises:
            ValueError: It has no score, its measures have no cell, or its direction is not that of
                the rest. The archive is then as it was.
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

        if self._elites[cell] is not individual:
            return AddStatus.NOT_ADDED
        if elite is not None and elite.id == individual.id:
            return AddStatus.NOT_ADDED
        return AddStatus.NEW if elite is None else AddStatus.IMPROVE_EXISTING

    def _remove(self, individual_id: int, cell: Cell) -> None:
        """Remove an older version; the fittest of the others becomes the elite of its cell."""
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
            ValueError: A measure is missing or has no place on its axis.
        """
        measures = individual.measures
        try:
            return tuple([axis.index_of(measures[axis.name]) for axis in self.axes])
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
        """The cells around a cell, diagonal ones included, within the grid and in their order.

        On n axes there are up to 3**n - 1.
        """
        around = [
            range(max(index - 1, 0), min(index + 2, axis.cells))
            for index, axis in zip(cell, self.axes, strict=True)
        ]
        return [near for near in product(*around) if near != cell]

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
    def dims(self) -> tuple[int, ...]:
        """The number of cells on each axis; shape (number of axes,)."""
        return tuple(axis.cells for axis in self.axes)

    @property
    def cells(self) -> int:
        """The number of cells, filled or not."""
        return math.prod(self.dims)

    @property
    def coverage(self) -> float:
        """Filled cells as a share of all cells, 0 to 1."""
        return len(self) / self.cells

    def qd_score(self, reference: float) -> float:
        """The sum over the elites of their gain over `reference`, in the metric's unit.

        An elite that is worse than the reference counts 0: filling a cell never lowers the score,
        and raises it only if its elite beats the reference. Scores compare only under one
        reference: fix it when the run begins.
        """
        gains = (elite.direction.gain(_objective(elite), reference) for elite in self)
        return sum(max(gain, 0.0) for gain in gains)

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

    def rebin(self, axes: Sequence[Axis]) -> Archive:
        """Make an archive of the same individuals over other axes.

        Over some of this archive's own axes it is a projection: the elite of each cell is the
        fittest over all the axes that were left out.

        Raises:
            ValueError: An individual has no place on the new axes.
        """
        archive = Archive(axes)
        for individual in self.individuals:
            archive.add(individual)
        return archive

    def pareto_front(self, measures: Mapping[str, Direction]) -> list[Individual]:
        """The individuals that nobody dominates in fitness and the named measures, fittest first.

        Args:
            measures: Measures that count, each with its good direction, such as
                {"size": Direction.MINIMIZE, "throughput": Direction.MAXIMIZE}.

        Raises:
            KeyError: An individual lacks one of the measures.
        """
        from deap import tools  # it loads a library for hypervolumes, which takes longer than deap

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


def default_cells(evaluations: int, axes: int = 2) -> int:
    """Choose the number of cells on each axis by the number of evaluations.

    What counts is the number of cells in all: a grid with more cells than it gets individuals
    keeps nearly everything and selects nothing. In simulations on two axes 36 cells worked well for
    about 100 evaluations, 16 suit fewer than 60, and 64 more than 300. With more axes each gets
    fewer cells, so that about as many are there in all.

    Args:
        evaluations: Number of individuals that the search will measure.
        axes: Number of axes.
    """
    total = 16 if evaluations < 60 else 36 if evaluations <= 300 else 64
    return max(round(math.pow(total, 1 / axes)), FEWEST_ON_AXIS)


def check_cells(cells: Sequence[int]) -> None:
    """Check that a grid is not too fine.

    Args:
        cells: Number of cells on each axis.

    Raises:
        ValueError: The grid has more than `MOST_CELLS` cells.
    """
    total = math.prod(cells)
    if total > MOST_CELLS:
        product_of = " x ".join(map(str, cells))
        raise ValueError(
            f"{product_of + ' = ' if len(cells) > 1 else ''}{total:,} cells are too many: an "
            f"archive has at most {MOST_CELLS:,}, and selects best with fewer than it gets children"
        )
