"""The language models of a run: each with its weight, its server, its key and its price."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.models.client import LiteLLM, is_openais, known_price, server_key
from evolve.models.model_spec import (
    NO_KEY,
    OPENAI_LIKE,
    ModelSpec,
    checked_address,
    has_own_server,
    key_variable,
    provider,
)
from evolve.models.prices import PriceList
from evolve.settings import OptionError, Settings


@dataclass(frozen=True)
class Configured:
    """A language model of a run.

    Attributes:
        model: to ask.
        weight: how often it is drawn, relative to the others.
        server: where it is asked, in words; empty if all are asked at their providers.
    """

    model: LiteLLM
    weight: float
    server: str = ""


def check_model_options(models: Sequence[str], api_base: str | None, prices: Sequence[str]) -> None:
    """Check what the user says of models, before anything of it is stored.

    Args:
        models: all models of the run, NAME[:WEIGHT][@URL].
        api_base: the address of the other servers of one's own, if it is given now.
        prices: those that are given now.

    Raises:
        OptionError: something is malformed, or speaks of no model.
    """
    specs = [ModelSpec.parse(text) for text in models]
    names = [spec.name for spec in specs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise OptionError(f"model {twice[0]} is named twice: give it once, with a weight")
    if api_base is not None:
        checked_address(api_base)
        if not any(has_own_server(spec.name) and spec.address is None for spec in specs):
            raise OptionError(
                "--api-base is for models on a server of your own, named openai/NAME, "
                "hosted_vllm/NAME, ollama_chat/NAME or the like, and no --model is one"
            )
    for name in PriceList.parse(prices).named:
        if name not in names:
            known = f"the models are {', '.join(names)}" if names else "there is no --model"
            raise OptionError(f"--price names {name}, and {known}")


def configured(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Configured]:
    """The language models of a run.

    A key goes to the server that it is for and to no other: OPENAI_API_KEY to no server of one's
    own while a model of the run is asked at OpenAI.

    Args:
        settings: of the run.
        environment: where the keys are.

    Raises:
        OptionError: an option is malformed, or a cap on cost cannot be kept, since a price is
            unknown.
    """
    specs = [ModelSpec.parse(text) for text in settings.models]
    prices = PriceList.parse(settings.prices)
    base = checked_address(settings.api_base) if settings.api_base else None
    mixed = len({spec.server(base) for spec in specs}) > 1
    at_openai = any(_is_asked_at_openai(spec, base) for spec in specs)
    models = []
    for spec in specs:
        name, server = spec.name, spec.server(base)
        price = prices.named.get(name) or known_price(name, server, environment) or prices.other
        if settings.max_cost is not None and price is None:
            raise OptionError(
                f"--max-cost cannot be kept: the price of {name} is unknown. Give it with "
                f"--price {name}=IN:OUT, in dollars a million tokens, or leave --max-cost out"
            )
        key, where = None, ("its provider" if mixed or settings.api_base else "")
        if server is not None:
            variable = key_variable(name)
            withheld = at_openai and variable == "OPENAI_API_KEY"
            key = NO_KEY if withheld else server_key(name, environment)
            where = server + (_key_words(key, variable) if environment.get(variable) else "")
        model = LiteLLM(name, api_base=server, api_key=key, price=price, environment=environment)
        models.append(Configured(model, spec.weight, where))
    return models


def _key_words(key: str, variable: str) -> str:
    """Whether a key that there is goes to a server of one's own."""
    if key != NO_KEY:
        return f", with {variable}"
    return (
        f", without {variable}, which is OpenAI's: hosted_vllm/NAME@URL takes a key of its own, "
        "HOSTED_VLLM_API_KEY"
    )


def _is_asked_at_openai(spec: ModelSpec, base: str | None) -> bool:
    if spec.server(base) is not None:
        return False
    return provider(spec.name) in OPENAI_LIKE or (not provider(spec.name) and is_openais(spec.name))
