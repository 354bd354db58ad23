"""What a child is worth to the bandit that chose how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from archive import AddStatus
from population import Individual, Measurement
from population.beliefs import Beliefs

# For a new best beyond noise, for a child that is fitter than its parents beyond noise, and for one
# that only fills a cell: it is no fitter than the seed, so the QD score does not rise. What became
# an elite otherwise has `Beliefs.elite_credit`. Else operators that make something of poor parents
# seem the best.
NEW_BEST, FITTER, FILLER = 1.0, 0.5, 0.05


@dataclass(frozen=True)
class Credit:
    """What a child's first run changed, for which it is credited once its score is believed.

    Attributes:
        added: What the archive made of it.
        best: The fittest before it; None if there was none.
        first: Its first run.
    """

    added: AddStatus
    best: Individual | None
    first: Measurement

    def weigh(
        self, child: Individual, beliefs: Beliefs, reference: Individual, *, improves: bool
    ) -> float:
        """The worth of the child, 0 to 1.

        Args:
            child: The child, with all its runs.
            beliefs: What is known of the noise.
            reference: The seed over which the QD score counts gains, with all its runs.
            improves: Whether it is fitter than its parents, beyond luck.
        """
        if not child.scored:
            return 0.0
        if self.best is not None and beliefs.is_beyond_luck(child, self.best):
            return NEW_BEST
        elite = self.added is not AddStatus.NOT_ADDED
        if beliefs.discounts_fillers and child.fitness <= reference.fitness:
            return FILLER if elite else 0.0
        return FITTER if improves else beliefs.elite_credit if elite else 0.0
