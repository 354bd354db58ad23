"""The operator `recombine`: a mix of two parents' constants and definitions."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.genome import find_constants, find_definitions, replace_spans
from evolve.genome.dependencies import fit_definitions
from evolve.genome.parsing import INVALID
from evolve.genome.syntax import Span
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.proposal import TRIES, Proposal, ProposalError, take_first_new

EXPECTED = "expected: the better of two versions in some places, if these fit together"


class Recombine(Operator):
    """Takes each constant and each top-level definition from one of two parents, at random.

    A definition brings along the constants and definitions that it uses and the other side lacks.
    """

    name = "recombine"
    summary = "constants and definitions of two parents"
    arity = 2

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        first, second = parents
        differing = _find_differing(first.source, second.source)
        if len(differing) < 2:
            raise ProposalError(
                f"genomes {first.individual.id} and {second.individual.id} differ in fewer than "
                "two constants or definitions: every mix of them is one of them"
            )

        def draw() -> Proposal:
            taken = [part for part in differing if context.rng.random() < 0.5]
            mixed = replace_spans(first.source, [(old, new) for _, old, new in taken])
            child = fit_definitions(mixed, first.source, second.source)
            names = ", ".join(name for name, _, _ in taken) or "nothing"
            words = f"{names} from {second.individual.id}, the rest as it was"
            return Proposal(child, words, EXPECTED)

        return take_first_new((draw() for _ in range(TRIES)), context.screen)


def _find_differing(first: str, second: str) -> list[tuple[str, Span, str]]:
    """(name, span in the first, text in the second) of what both have and have differently."""
    try:
        pairs = [(find(first), find(second)) for find in (find_constants, find_definitions)]
    except INVALID as error:
        raise ProposalError(f"a parent is no Python: {error}") from error
    return [
        (name, span, theirs[name].text)
        for ours, theirs in pairs
        for name, span in ours.items()
        if name in theirs and theirs[name].text != span.text
    ]
