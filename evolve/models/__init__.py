"""Language models: one, several as one, their access, and what they may cost."""

from evolve.models.access import find_advice
from evolve.models.availability import Availability
from evolve.models.client import LiteLLM
from evolve.models.configuration import ConfiguredModel, build_models, check_model_options
from evolve.models.cost_budget import CostBudget
from evolve.models.ensemble import Ensemble
from evolve.models.errors import (
    AccessError,
    BudgetSpentError,
    ModelError,
    RateLimitError,
    SlowReplyError,
    TooLongError,
)
from evolve.models.model_spec import ModelSpec
from evolve.models.outages import OUTAGE, RECOVERY, summarise_outages
from evolve.models.prices import Price
from evolve.models.tokenizer import count_tokens

__all__ = [
    "OUTAGE",
    "RECOVERY",
    "AccessError",
    "Availability",
    "BudgetSpentError",
    "ConfiguredModel",
    "CostBudget",
    "Ensemble",
    "LiteLLM",
    "ModelError",
    "ModelSpec",
    "Price",
    "RateLimitError",
    "SlowReplyError",
    "TooLongError",
    "build_models",
    "check_model_options",
    "count_tokens",
    "find_advice",
    "summarise_outages",
]
