"""An archive as a flat picture shows it: on one or two of its axes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive import Archive, Axis, Cell
from archive.axis import Bounds

MOST_AXES = 2
NOTHING_YET = "no experiment has scored yet"  # what every picture says of an empty archive


@dataclass(frozen=True)
class Projection:
    """The elites of an archive on one or two of its axes, the fittest over the others in each cell.

    Attributes:
        shown: Archive of the elites over the chosen axes.
        hidden: Axes that were left out.
        filled: Number of cells that are filled in the whole archive.
        cells: Number of the whole archive's cells.
        seeds: Cells, over the chosen axes, that seed genomes fall into.
        beyond: Cells, over the chosen axes, whose elite lies beyond an edge of one of them.
        aims: Number of proposals that aimed at each empty cell, over the chosen axes, in vain.
    """

    shown: Archive
    hidden: tuple[Axis, ...]
    filled: int
    cells: int
    seeds: frozenset[Cell]
    beyond: frozenset[Cell]
    aims: Mapping[Cell, int]

    @property
    def across(self) -> Axis:
        """The axis that goes to the right."""
        return self.shown.axes[0]

    @property
    def up(self) -> Axis | None:
        """The axis that goes up; None for a strip of cells along one axis."""
        return self.shown.axes[1] if len(self.shown.axes) > 1 else None

    @property
    def counts(self) -> str:
        """How much is filled, and over what the best is shown, in words."""
        hidden = " and ".join(axis.label for axis in self.hidden)
        over = f", the best over {hidden} shown" if hidden else ""
        return f"{self.filled} of {self.cells} cells filled{over}"


def project(
    archive: Archive, names: Sequence[str] = (), targets: Sequence[Bounds] = ()
) -> Projection:
    """Project an archive as it is now; later changes do not show.

    Args:
        archive: Archive with any number of axes.
        names: Names of the axes to show, the one across first; empty takes the first two, or the
            only one.
        targets: Bounds of the cells that proposals aimed at, on the archive's axes as they were.

    Raises:
        ValueError: More than two axes are named, one of them twice, or one that is not there.
    """
    known = {axis.name: axis for axis in archive.axes}
    names = names or list(known)[:MOST_AXES]
    if len(names) > MOST_AXES or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(
            f"a heatmap shows one or two of the axes {', '.join(known)}, not {', '.join(names)}"
        )
    shown = Archive([known[name] for name in names])
    for elite in archive:
        shown.add(elite)
    return Projection(
        shown,
        tuple(axis for axis in archive.axes if axis.name not in names),
        len(archive),
        archive.cells,
        frozenset(shown.cell_of(one) for one in archive.individuals if not one.parents),
        frozenset(
            shown.cell_of(elite)
            for elite in shown
            if not all(axis.holds(elite.measures[axis.name]) for axis in shown.axes)
        ),
        _count_aims(archive, shown, targets),
    )


def _count_aims(archive: Archive, shown: Archive, targets: Sequence[Bounds]) -> Counter[Cell]:
    """The number of proposals that aimed at each empty cell, by the middles of their targets."""
    names = [axis.name for axis in archive.axes]
    aims: Counter[Cell] = Counter()
    for target in targets:
        if len(target) == len(names):
            bounds = dict(zip(names, target, strict=True))
            cell = tuple(axis.index_of(_middle(axis, *bounds[axis.name])) for axis in shown.axes)
            aims[cell] += shown.elite_of(cell) is None
    return +aims


def _middle(axis: Axis, low: float, high: float) -> float:
    return math.sqrt(low * high) if axis.log else (low + high) / 2
