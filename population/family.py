"""The family tree of a run's individuals. Ancestors have lower ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from population.individual import Individual


class Family:
    """The family tree of a run, which is followed from children to parents and back.

    Args:
        individuals: All individuals by id; a live view of the search's, which grows.
    """

    def __init__(self, individuals: Mapping[int, Individual]) -> None:
        self._individuals = individuals
        self._children: dict[int, list[int]] = {}

    def add(self, individual: Individual) -> None:
        """Note that an individual is the child of its parents."""
        for parent in individual.parents:
            self._children.setdefault(parent, []).append(individual.id)

    def descends(self, younger: int, older: int) -> bool:
        """Whether an individual descends from another, both by id."""
        above, seen = [younger], {younger}
        while above:
            for parent in self._individuals[above.pop()].parents:
                if parent == older:
                    return True
                if parent > older and parent not in seen:
                    seen.add(parent)
                    above.append(parent)
        return False

    def line(self, number: int) -> Iterator[Individual]:
        """An individual and its ancestors by the first parent, nearest first, without the seed."""
        one = self._individuals[number]
        while one.parents:
            yield one
            one = self._individuals[one.parents[0]]

    def find_nearest_scored(self, ids: Sequence[int]) -> Individual | None:
        """The fittest of some individuals, or of the nearest ancestors that have scored."""
        while ids:
            scored = [self._individuals[i] for i in ids if self._individuals[i].scored]
            if scored:
                return max(scored, key=lambda one: one.fitness)
            ids = [parent for i in ids for parent in self._individuals[i].parents]
        return None

    def near(self, number: int, limit: int) -> list[Individual]:
        """The latest children and siblings of an individual, the oldest first."""
        ids = set(self._children.get(number, ())[-limit:])
        for parent in self._individuals[number].parents:
            ids.update(self._children[parent][-limit - 1 :])
        return [self._individuals[i] for i in sorted(ids - {number})[-limit:]]

    def relatives(
        self, number: int, alike: Callable[[Individual], bool], limit: int
    ) -> list[Individual]:
        """An individual and those like it, the nearest first, the latest of equally near ones.

        They are searched for breadth-first, from parents to children and back, through individuals
        that are alike.

        Args:
            number: Id of the individual.
            alike: Predicate that says whether another individual is like it.
            limit: Number of individuals to look at, so that the work does not grow with the run.
        """
        found, seen = deque([self._individuals[number]]), {number}
        near = [self._individuals[number]]
        while found:
            one = found.popleft()
            for other in chain(one.parents, reversed(self._children.get(one.id, ()))):
                if other in seen:
                    continue
                if len(seen) >= limit:
                    return near
                seen.add(other)
                if alike(self._individuals[other]):
                    near.append(self._individuals[other])
                    found.append(self._individuals[other])
        return near


def find_seed(individuals: Mapping[int, Individual], one: Individual) -> Individual:
    """The first seed ancestor of an individual: by its first parent, and that one's, and so on."""
    while one.parents:
        one = individuals[one.parents[0]]
    return one
