"""What a strategy is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from archive import AddStatus, Archive
from population import Individual
from population.beliefs import Beliefs
from population.estimate import Prior
from population.selection import Offspring, ParentSelector, Uniform


class Strategy(ABC):
    """Decides who may be a parent and which children are kept.

    The defaults draw parents uniformly, keep a child that is fitter than the incumbent, expect
    nothing of a child and take every run at its word.

    Args:
        selector: Parent selector that the user chose; a strategy with a single parent ignores it.

    Attributes:
        name: Name of the strategy on the command line.
        summary: What it does, in a few words of help.
    """

    name: str
    summary: str

    def __init__(self, selector: ParentSelector) -> None:
        self.selector = selector

    @abstractmethod
    def pool(
        self, archive: Archive, seed: Individual, incumbent: Individual
    ) -> Sequence[Individual]:
        """The individuals that may be parents now.

        Args:
            archive: The archive, which holds everyone who has scored.
            seed: The first seed genome.
            incumbent: The fittest so far.
        """

    def select(
        self,
        pool: Sequence[Individual],
        offspring: Mapping[int, Offspring],
        unit: float,
        rng: np.random.Generator,
    ) -> Individual:
        """Draw one parent of the pool; the arguments are those of `ParentSelector.select`."""
        return Uniform().select(pool, offspring, unit, rng)

    def keeps(self, added: AddStatus, child: Individual, incumbent: Individual) -> bool:
        """Whether a child that was just measured is kept.

        Args:
            added: What the archive made of it.
            child: The child with its score.
            incumbent: The fittest before it.
        """
        return bool(child.fitness > incumbent.fitness)

    def prior(self, parent: Individual, beliefs: Beliefs) -> Prior | None:
        """What to expect of a child before it runs; None expects nothing.

        Args:
            parent: The fittest parent that has scored.
            beliefs: What is known of the noise and of the gains.
        """
        return None

    def doubts(self, best: Individual, rival: Individual, beliefs: Beliefs, *, spent: bool) -> bool:
        """Whether the best so far should run once more before it is believed.

        Args:
            best: The fittest so far.
            rival: The fittest of the others whose score is believed.
            beliefs: What is known of the noise and of the gains.
            spent: Whether the runs that are meant for repeats have been made.
        """
        return False

    def believes(self, individual: Individual, beliefs: Beliefs) -> bool:
        """Whether the score of an individual may be announced.

        Args:
            individual: An individual that has scored.
            beliefs: What is known of the noise and of the gains.
        """
        return True
