"""Language models through litellm, which is imported when the first one is made and not before."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.record import ModelCall
from evolve.settings import OptionError

TIMEOUT = 300.0  # seconds for one request
MAX_RETRIES = 3  # of one request, with backoff, by litellm's client
REPLY_TOKENS = 1500  # what a reply is taken to have when a run's cost is estimated
SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


class ModelError(Exception):
    """A model gave no reply; `call` is the failed request for the record."""

    def __init__(self, message: str, call: ModelCall) -> None:
        super().__init__(message)
        self.call = call


@dataclass(frozen=True)
class ModelSpec:
    """A model as `--model NAME[:WEIGHT]` names it.

    Attributes:
        name: litellm's name, such as "anthropic/..." or "openai/NAME" with an api base.
        weight: how often it is drawn among several, relative to theirs.
    """

    name: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> ModelSpec:
        """Read NAME or NAME:WEIGHT; a tag such as `ollama/qwen3:8b` is part of the name.

        Raises:
            OptionError: the name is empty or the weight is not above 0.
        """
        match = re.fullmatch(r"(?P<name>[^:].*?)(:(?P<weight>\d*\.?\d+))?", text.strip())
        if match is None:
            raise OptionError("the name of a model is empty")
        weight = float(match["weight"] or 1)
        if weight <= 0:
            raise OptionError(f"the weight of model {match['name']} should be above 0")
        return cls(match["name"], weight)


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    tokens_in: float
    tokens_out: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read IN:OUT.

        Raises:
            OptionError: it is no pair of numbers.
        """
        try:
            tokens_in, tokens_out = map(float, text.split(":"))
        except ValueError as error:
            raise OptionError(
                f"a price is IN:OUT in dollars a million tokens, not {text}"
            ) from error
        if not (0 <= tokens_in < math.inf and 0 <= tokens_out < math.inf):
            raise OptionError(f"a price is a number from 0, not {text}")
        return cls(tokens_in, tokens_out)

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """The cost of a call, in dollars."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


class LiteLLM:
    """One model behind litellm.

    Args:
        name: litellm's name of it.
        api_base: the address of an OpenAI-compatible server, or None for the provider's own.
        price: what it costs; None takes litellm's table, which may not know it.
        environment: where the keys are, kept out of every message.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        price: Price | None = None,
        environment: Mapping[str, str] = os.environ,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.price = price or _known_price(name, own_server=api_base is not None)
        self._api_base = api_base
        self._secrets = sorted(  # the longest first, since one may be the beginning of another
            (v for k, v in environment.items() if SECRET.search(k) and len(v) >= 8),
            key=len,
            reverse=True,
        )
        self._timeout = timeout
        self._clock = clock

    def __call__(self, messages: Sequence[dict[str, str]]) -> ModelCall:
        """Send chat messages and wait for the reply.

        Raises:
            ModelError: there is none after some retries.
        """
        options: dict[str, Any] = {"api_base": self._api_base} if self._api_base else {}
        if self._api_base and self.name.startswith("openai/"):
            options["api_key"] = os.environ.get("OPENAI_API_KEY", "none")  # local servers want one
        start = self._clock()
        prompt = json.dumps(list(messages))
        try:
            response = _litellm().completion(
                model=self.name,
                messages=list(messages),
                timeout=self._timeout,
                max_retries=MAX_RETRIES,
                **options,
            )
            reply = response.choices[0].message.content or ""
            reply = reply.encode(errors="replace").decode()  # JSON can carry half a surrogate pair
            tokens_in = int(response.usage.prompt_tokens)
            tokens_out = int(response.usage.completion_tokens)
        except Exception as error:  # litellm raises the exceptions of every provider's client
            message = self._safe(f"{type(error).__name__}: {error}")
            call = ModelCall(self.name, prompt, seconds=self._clock() - start, error=message)
            raise ModelError(f"model {self.name} did not answer: {message}", call) from error
        cost = self.price.of(tokens_in, tokens_out) if self.price else None
        seconds = self._clock() - start
        return ModelCall(self.name, prompt, reply, tokens_in, tokens_out, cost, seconds)

    def estimate(self, messages: Sequence[dict[str, str]]) -> float | None:
        """What such a request will cost, in dollars; None if the price is unknown."""
        if self.price is None:
            return None
        count = _litellm().token_counter(model="gpt-4", messages=list(messages))
        return self.price.of(count, REPLY_TOKENS)

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:500]


def _known_price(name: str, own_server: bool) -> Price | None:
    """The price in litellm's table; a server of one's own has none there, whatever its model."""
    if own_server:
        return None
    entry = _litellm().model_cost.get(name.removeprefix("openai/")) or {}
    if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    return Price(entry["input_cost_per_token"] * 1e6, entry["output_cost_per_token"] * 1e6)


def _litellm() -> Any:
    # Without this litellm fetches its price table over the network when it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm  # three seconds and 160 MB

    litellm.suppress_debug_info = True
    return litellm
