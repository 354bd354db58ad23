"""The operators that ask a language model for a change of one parent.

They differ in their instruction alone; see `evolve/operators/prompts/instructions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.conversation import ask_for_edit
from evolve.operators.prompts import instructions
from evolve.operators.prompts.forecasts import foresee_constants
from evolve.operators.prompts.requests import write_mutation_request
from evolve.operators.proposal import Proposal


@dataclass(frozen=True, kw_only=True)
class Mutation(Operator):
    """Asks a language model for a change of one parent.

    Attributes:
        name: Name of the operator.
        summary: What the operator does, in a few words for `--help`.
        instruction: Kind of change to ask for.
        prose: The same where the genome is a text for people; empty if nothing differs.
        mends: Whether the parent is a genome that failed early.
        aims: Whether the child is to reach a cell of the archive.
        learns: Whether models of the constants' effect are made from the parent's relatives, for a
            hint that the request carries.
        maps: Whether the hint is about the cells of the archive.
    """

    name: str
    summary: str
    instruction: str
    prose: str = ""
    mends: bool = False
    aims: bool = False
    learns: bool = False
    maps: bool = False
    needs_model = True
    takes_forms = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        (parent,) = parents
        instruction = self._choose_instruction(context)
        if self.aims:
            hint = foresee_constants(parent, context)
            context = replace(context, target=f"{context.target} {hint}".strip())
        return ask_for_edit(
            lambda room: write_mutation_request(parent, instruction, room), parent.source, context
        )

    def _choose_instruction(self, context: Context) -> str:
        if self.aims and not context.target:
            return instructions.TWEAK  # the archive has no other cell
        return (context.task.language == "prose" and self.prose) or self.instruction


TWEAK = Mutation(name="tweak", summary="one small idea", instruction=instructions.TWEAK)
REWORK = Mutation(
    name="rework",
    summary="a structural change",
    instruction=instructions.REWORK,
    prose=instructions.REWORK_PROSE,
)
SIMPLIFY = Mutation(
    name="simplify",
    summary="the same score with less",
    instruction=instructions.SIMPLIFY,
    prose=instructions.SIMPLIFY_PROSE,
)
AIM = Mutation(
    name="aim",
    summary="towards a cell of the archive",
    instruction=instructions.AIM,
    aims=True,
    learns=True,
    maps=True,
)
REPAIR = Mutation(
    name="repair",
    summary="mends a child that failed early",
    instruction=instructions.REPAIR,
    prose=instructions.REPAIR_PROSE,
    mends=True,
)
