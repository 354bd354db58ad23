"""What the search wants to be proposed next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archive import Cell
from evolve.operators import Operator
from evolve.search.bandit import Arm
from population import Individual


@dataclass(frozen=True)
class Plan:
    """One proposal to be made.

    Attributes:
        number: Number of the proposal in its run, from 0.
        operator: Operator that makes the child.
        model: Name of the language model to ask, or of the coding agent; empty if the operator
            asks nobody.
        parents: Parents of the child, as many as the operator's arity.
        rng: The proposal's own generator, a function of the run's seed and the number alone.
        target: Cell of the archive that the child should reach; None if any will do.
        place: Place in the order of everything that the search was asked and told, from 1; 0 if
            that is not kept.
        offline: Whether no language model might be asked.
        form: Form in which the language model is to reply; empty if there is no choice.
        without: Names of the agents that could not work then; "" stands for what asks nobody.
    """

    number: int
    operator: Operator
    model: str
    parents: tuple[Individual, ...]
    rng: np.random.Generator
    target: Cell | None = None
    place: int = 0
    offline: bool = False
    form: str = ""
    without: tuple[str, ...] = ()

    @property
    def arm(self) -> Arm:
        """The arm of the bandit that was drawn."""
        return Arm(self.operator.name, self.model).in_form(self.form)

    @property
    def parent_ids(self) -> tuple[int, ...]:
        """The parents' ids."""
        return tuple(parent.id for parent in self.parents)
