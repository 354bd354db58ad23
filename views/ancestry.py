"""The family tree of one genome as a graph with a genome a line, like `git log --graph`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from population import Individual

STORY = 5  # lines


@dataclass(frozen=True)
class Node:
    """A genome in its line.

    Attributes:
        individual: The genome.
        lane: Number of the column that its dot is in, from 0.
        row: Number of its line, from 0; the youngest genome is on top.
    """

    individual: Individual
    lane: int
    row: int


@dataclass(frozen=True)
class Edge:
    """A line from a genome down to one of its parents.

    Attributes:
        child: The genome.
        parent: Its parent.
        lane: Column in which the line runs between the two.
    """

    child: Node
    parent: Node
    lane: int


@dataclass(frozen=True)
class Ancestry:
    """A genome and all its ancestors.

    Attributes:
        nodes: Nodes, the youngest first.
        edges: Edges between them.
        lanes: Number of columns.
    """

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    lanes: int


def trace_ancestry(individuals: Mapping[int, Individual], number: int) -> Ancestry:
    """Lay out a genome and its ancestors.

    A genome stands in the column of its first child that is not taken by then; a line runs in the
    column of the child for its first parent, and of the parent for its other one.

    Args:
        individuals: Everyone by id.
        number: Id of the genome.
    """
    lanes: list[int | None] = [number]  # the genome that each column waits for
    widest, places = 1, dict[int, tuple[int, int]]()
    runs_in: dict[tuple[int, int], int] = {}
    for row, one in enumerate(sorted(_list_ancestors(individuals, number), reverse=True)):
        lane = lanes.index(one)
        lanes = [None if waits == one else waits for waits in lanes]
        places[one] = (lane, row)
        for place, parent in enumerate(individuals[one].parents):
            known = lanes.index(parent) if parent in lanes else None
            if place == 0:
                runs_in[one, parent] = lane
                lanes[lane] = parent
            elif known is not None:
                runs_in[one, parent] = known
            else:
                free = lanes.index(None) if None in lanes else len(lanes)
                lanes[free : free + 1] = [parent]
                runs_in[one, parent] = free
        widest = max(widest, len(lanes))
    nodes = {one: Node(individuals[one], *place) for one, place in places.items()}
    edges = [Edge(nodes[child], nodes[parent], lane) for (child, parent), lane in runs_in.items()]
    return Ancestry(list(nodes.values()), edges, widest)


def _list_ancestors(individuals: Mapping[int, Individual], number: int) -> set[int]:
    """The ids of a genome and all its ancestors."""
    found, above = {number}, [number]
    while above:
        new = set(individuals[above.pop()].parents) - found
        found |= new
        above += new
    return found


def tell_story(ancestry: Ancestry, gains: Mapping[int, float | None]) -> list[Individual]:
    """The steps to a genome that gained most, at most `STORY`, in their order.

    The genome's own step is always among them, whatever it gained.

    Args:
        ancestry: The genome and its ancestors.
        gains: How much fitter each is than its fittest parent, by id; None if unknown.
    """
    steps = [node.individual for node in ancestry.nodes if node.individual.parents]
    if not steps:
        return []
    youngest, *others = steps
    gained = [one for one in others if (gains.get(one.id) or 0.0) > 0]
    gained.sort(key=lambda one: gains[one.id] or 0.0, reverse=True)
    return sorted([youngest, *gained[: STORY - 1]], key=lambda one: one.id)
