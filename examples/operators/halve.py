"""An operator of one's own: --operators examples/operators/halve.py:Halve,perturb."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.genome.screening import RefusedError
from evolve.genome.syntax import literals, replaced
from evolve.operators.base import Context, Parent, Proposal, ProposalError


class Halve:
    """Halves one whole number among the module-level constants."""

    name = "halve"
    arity = 1  # parents
    needs_model = False  # True if it asks `context.ask`, a language model
    mends = False  # True if its parent is a genome that failed early
    aims = False  # True if it wants a cell of the archive in `context.target`
    learns = False  # True if it wants the results of genomes like the parent, `context.relatives`

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        source = parents[0].source
        numbers = [n for n in literals(source) if type(n.value) is int and n.value > 1]
        for index in context.rng.permutation(len(numbers)):
            number = numbers[int(index)]
            child = replaced(source, [(number.span, str(number.value // 2))])
            try:
                context.screen(child)  # refuses what was tried before or cannot run
            except RefusedError:
                continue
            return Proposal(child, f"{number.name} {number.value} -> {number.value // 2}")
        raise ProposalError("there is no whole number left to halve")
