"""The base of all operators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from evolve.operators.context import Context, Parent
from evolve.operators.proposal import Proposal


class Operator(ABC):
    """A way to make a child.

    A subclass gives its name and `propose`, and whichever of the other attributes differ.

    Attributes:
        name: Name of the operator in options and records.
        summary: What the operator does, in a few words for `--help`.
        arity: Number of parents, 1 or 2.
        needs_model: Whether the operator asks a language model, `context.ask`.
        needs_agent: Whether it lets a coding agent work, `context.work`.
        mends: Whether its parent is a genome that failed early. Such an operator is not drawn, but
            used whenever there is such a genome.
        aims: Whether it wants a cell of the archive to reach, `context.target`.
        learns: Whether it wants the results of genomes that differ from the parent in constants
            alone, `context.relatives`.
        reads_means: Whether the results of these are the means of their runs, for a model that
            smooths by itself; else best guesses, which are drawn towards what was expected.
        since: Version of a run's rules from which on it is as it is now.
        former: The operator of that name before; None if there was none: runs that began then take
            their decisions without it.
        takes_forms: Whether a language model may be asked for a reply in `context.form`.
        maps: Whether it wants the archive's cells with what is to be beaten there, `context.cells`.
    """

    name: str
    summary: str = ""
    arity: int = 1
    needs_model: bool = False
    needs_agent: bool = False
    mends: bool = False
    aims: bool = False
    learns: bool = False
    reads_means: bool = False
    maps: bool = False
    takes_forms: bool = False
    since: int = 1
    former: Operator | None = None

    @property
    def is_offline(self) -> bool:
        """Whether it needs neither a language model nor a coding agent."""
        return not (self.needs_model or self.needs_agent)

    def as_of(self, rules: int) -> Operator | None:
        """The operator as it was under a version of a run's rules; None if it was not there yet."""
        if self.since <= rules:
            return self
        return self.former.as_of(rules) if self.former else None

    @abstractmethod
    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        """Make one child of `arity` parents.

        Raises:
            ProposalError: No valid child was found.
        """
