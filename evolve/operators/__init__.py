"""The operators: each turns one or two parents into the source text of one child."""

from evolve.operators.base import Operator
from evolve.operators.context import AskModel, Cells, Context, LetAgentWork, Parent, Relative
from evolve.operators.prompts.packing import Section, estimate_tokens
from evolve.operators.proposal import Proposal, ProposalError, take_first_new
from evolve.operators.registry import (
    OPERATORS,
    describe_operators,
    parse_operator,
    resolve_operator_path,
)

__all__ = [
    "OPERATORS",
    "AskModel",
    "Cells",
    "Context",
    "LetAgentWork",
    "Operator",
    "Parent",
    "Proposal",
    "ProposalError",
    "Relative",
    "Section",
    "describe_operators",
    "estimate_tokens",
    "parse_operator",
    "resolve_operator_path",
    "take_first_new",
]
