"""What litellm's table knows of models: prices, the length of replies, which are OpenAI's."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from evolve.models.litellm_loader import load_litellm
from evolve.models.model_spec import is_free
from evolve.models.prices import FREE, Price, look_up_model, look_up_price

REASONING_TOKENS = 16_000  # room for the reasoning of a model that is known to reason


def find_price(
    name: str, api_base: str | None, environment: Mapping[str, str] = os.environ
) -> Price | None:
    """The price of a model: nothing on this machine, else by the table; None if it is unknown.

    A server of one's own has no price there, whatever its models are called.
    """
    if is_free(name, api_base, environment):
        return FREE
    return None if api_base else look_up_price(name, load_litellm().model_cost)


@dataclass(frozen=True)
class ReplyRoom:
    """How long the replies of a model may be.

    Attributes:
        extra: Tokens beside the answer that a reply may have, for reasoning.
        most: Most tokens that the model can give in one reply; infinite if unknown.
    """

    extra: int = 0
    most: float = math.inf

    def limit(self, answer: int) -> int:
        """The limit of a reply whose answer may have so many tokens."""
        return int(min(answer + self.extra, self.most))


def find_reply_room(name: str, api_base: str | None) -> ReplyRoom:
    """The length of a model's replies, by the table."""
    entry = {} if api_base else look_up_model(name, load_litellm().model_cost)
    most = entry.get("max_output_tokens")
    extra = REASONING_TOKENS if entry.get("supports_reasoning") else 0
    return ReplyRoom(extra, most if isinstance(most, int) and most > 0 else math.inf)


def is_openai_model(name: str) -> bool:
    """Whether OpenAI has a model of that name."""
    entry = load_litellm().model_cost.get(name.rpartition("/")[2], {})
    return str(entry.get("litellm_provider", "")).endswith("openai")
