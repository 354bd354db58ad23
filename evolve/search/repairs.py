"""Children of language models that failed early, and wait for a repair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evolve.operators import Operator
from population import Individual, Measurement, Status

MENDABLE = (Status.CRASH, Status.OOM)
MAX_REPAIRS = 2  # in a row


class Repairs:
    """Knows which genomes are worth a repair.

    Args:
        mender: Operator that mends; None if there is none, or no language model for it.
        operators: All operators by name.
        individuals: Everyone by id, which grows meanwhile.

    Attributes:
        mender: Operator that mends; None if nothing is mended.
        early: Seconds before which a failure is early, so that the child was hardly trained.
    """

    def __init__(
        self,
        mender: Operator | None,
        operators: Mapping[str, Operator],
        individuals: Mapping[int, Individual],
    ) -> None:
        self.mender, self.early = mender, 0.0
        self._operators, self._individuals = operators, individuals
        self._waiting: list[int] = []
        self._begun: set[int] = set()

    def notice(self, individual: Individual, measurement: Measurement) -> None:
        """Let an individual wait for a repair, if its latest measurement makes it worth one."""
        operator = self._operators.get(individual.operator)
        early = measurement.seconds < self.early
        if self.mender is None or operator is None or operator.is_offline or not early:
            return
        fresh = individual.id not in self._begun and self._count_in_row(individual) < MAX_REPAIRS
        if individual.status in MENDABLE and fresh:
            self._waiting.append(individual.id)

    def _count_in_row(self, individual: Individual) -> int:
        """The number of repairs that an individual comes from, one after the other."""
        assert self.mender is not None
        repairs = 0
        while individual.operator == self.mender.name:
            repairs, individual = repairs + 1, self._individuals[individual.parents[0]]
        return repairs

    def take(self) -> Individual | None:
        """The genome that has waited longest, which no longer waits; None if none waits."""
        if self.mender is None or not self._waiting:
            return None
        return self._individuals[self._waiting.pop(0)]

    def note_drawn(self, operator: str, parents: Sequence[int]) -> None:
        """Note that an operator was drawn for some parents."""
        if self.mender is not None and operator == self.mender.name:
            self._begun.add(parents[0])
            self._waiting = [number for number in self._waiting if number != parents[0]]
