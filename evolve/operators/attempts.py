"""An operator at work: whatever it does, a proposal or the reason why there is none comes of it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolve.genome import Identity, RefusedError
from evolve.models import BudgetSpentError, ModelError
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.proposal import Proposal, ProposalError


@dataclass(frozen=True)
class Made:
    """What came of an operator's attempt.

    Attributes:
        proposal: the child, which has passed the screen, or None.
        identity: what the child is known by, or None.
        reason: why there is none, or empty.
        unreachable: whether that is because the language model failed.
        defect: the traceback, if the operator itself failed; else empty.
    """

    proposal: Proposal | None
    identity: Identity | None
    reason: str = ""
    unreachable: bool = False
    defect: str = ""


def make(operator: Operator, parents: Sequence[Parent], context: Context) -> Made:
    """Let an operator make a child, and screen it, whoever wrote the operator.

    An operator that fails is no reason to end a run of a night: its traceback comes back.
    """
    try:
        proposal = operator.propose(parents, context)
        identity = context.screen(proposal.source)
        proposal = replace(proposal, description=" ".join(proposal.description.split()))
    except ProposalError as error:
        return Made(None, None, str(error), error.unreachable)
    except (ModelError, BudgetSpentError) as error:
        return Made(None, None, str(error), unreachable=True)
    except RefusedError as error:
        return Made(None, None, f"what {operator.name} made is refused: {error}")
    except Exception as error:
        reason = f"the operator {operator.name} failed: {type(error).__name__}: {error}"
        return Made(None, None, reason, defect=traceback.format_exc())
    return Made(proposal, identity)
