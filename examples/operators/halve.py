"""An operator of one's own: --operators examples/operators/halve.py:Halve,perturb."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.genome import find_literals, replace_spans
from evolve.operators import Context, Operator, Parent, Proposal, take_first_new


class Halve(Operator):
    """Halves one whole number among the module-level constants."""

    name = "halve"

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        source = parents[0].source
        numbers = [n for n in find_literals(source) if type(n.value) is int and n.value > 1]
        context.rng.shuffle(numbers)
        children = (
            Proposal(
                replace_spans(source, [(n.span, str(n.value // 2))]),
                f"{n.name} {n.value} -> {n.value // 2}",
            )
            for n in numbers
        )
        return take_first_new(children, context.screen)  # the first that was not tried before
