"""Placeholder of the lead so that the tree imports: whoever builds `tune` replaces this file."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.operators.base import Context, Parent, Proposal, ProposalError


def skeleton(source: str) -> str:
    return source


class Tune:
    name = "tune"
    arity = 1
    needs_model = False
    mends = False
    aims = False

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        raise ProposalError("not built yet")
