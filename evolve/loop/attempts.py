"""A plan carried out: a child that passed the screen, or the reason why there is none."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from archive.rows import ModelCall
from evolve.genome import Identity, RefusedError
from evolve.models import BudgetSpentError, ModelError
from evolve.operators import Context, Proposal, ProposalError
from evolve.search.plan import Plan


@dataclass(frozen=True)
class Attempt:
    """How a plan ended.

    Attributes:
        plan: The plan.
        proposal: The child, which has passed the screen; None if there is none.
        identity: Hashes that the child is known by; None if there is no child.
        reason: Reason why there is no child; else empty.
        unreachable: Whether there is none because no language model answered.
        defect: Traceback of an operator that failed; else empty.
        calls: Requests to language models, in order.
        screened: Numbers of genomes that had been seen at each screening, in order.
        seconds: Wall-clock of the attempt, in seconds.
    """

    plan: Plan
    proposal: Proposal | None = None
    identity: Identity | None = None
    reason: str = ""
    unreachable: bool = False
    defect: str = ""
    calls: Sequence[ModelCall] = ()
    screened: Sequence[int] = ()
    seconds: float = 0.0

    @property
    def number(self) -> int:
        """The proposal's number."""
        return self.plan.number

    @property
    def form(self) -> str:
        """The form of the model's replies; empty if there was no choice, or no reply."""
        return self.plan.form if self.calls and not self.unreachable else ""

    @property
    def model(self) -> str:
        """Name of the model whose reply was used, which may not be the one of the plan.

        Empty if none was asked, as for parents whose changes merge without a conflict.
        """
        return self.calls[-1].model if self.calls else ""


def carry_out(
    plan: Plan,
    context: Context,
    *,
    calls: Sequence[ModelCall] = (),
    screened: Sequence[int] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Attempt:
    """Let a plan's operator make a child and screen it, whoever wrote the operator.

    Args:
        plan: The plan.
        context: The parents' genomes, and what the operator may use besides.
        calls: Requests to language models; `context.ask` appends to it.
        screened: Numbers of genomes that were seen; `context.screen` appends to it.
        clock: Clock in seconds.
    """
    begun = clock()
    attempt = _try(plan, context)
    return replace(attempt, calls=tuple(calls), screened=tuple(screened), seconds=clock() - begun)


def _try(plan: Plan, context: Context) -> Attempt:
    operator = plan.operator
    try:
        proposal = operator.propose(context.parents, context)
        identity = context.screen(proposal.source)
        proposal = replace(proposal, description=" ".join(proposal.description.split()))
    except ProposalError as error:
        return Attempt(plan, reason=str(error), unreachable=error.unreachable)
    except (ModelError, BudgetSpentError) as error:
        return Attempt(plan, reason=str(error), unreachable=True)
    except RefusedError as error:
        return Attempt(plan, reason=f"what {operator.name} made is refused: {error}")
    except Exception as error:  # a defect of one operator must not end a run of a night
        reason = f"the operator {operator.name} failed: {type(error).__name__}: {error}"
        return Attempt(plan, reason=reason, defect=traceback.format_exc())
    return Attempt(plan, proposal, identity)
