"""The language models of a run: each with its weight, its server, its key and its price."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.edits.forms import parse_forms
from evolve.models.access import check_hosted_model, find_server_key
from evolve.models.catalogue import find_price, is_openai_model
from evolve.models.client import LiteLLM
from evolve.models.model_spec import (
    LOCAL,
    NO_KEY,
    OPENAI_LIKE,
    ModelSpec,
    check_address,
    has_own_server,
    name_key_variable,
    read_provider,
)
from evolve.models.prices import PriceList
from evolve.settings import OptionError, Settings


@dataclass(frozen=True)
class ConfiguredModel:
    """A language model of a run.

    Attributes:
        model: Model to ask.
        weight: How often it is drawn, relative to the weights of the others.
        server: Description of the server that is asked; empty if all are at their providers.
    """

    model: LiteLLM
    weight: float
    server: str = ""


def check_model_options(
    models: Sequence[str],
    api_base: str | None,
    prices: Sequence[str],
    forms: Sequence[str] = (),
    agents: Sequence[str] = (),
) -> None:
    """Check the options about models, before anything of them is stored.

    Args:
        models: All models of the run, as NAME[:WEIGHT][@URL].
        api_base: Address for the models on a server of one's own that name none, if it is given.
        prices: Prices that are given.
        forms: Forms of replies that are given.
        agents: Names of the run's coding agents, which may have a price, too.

    Raises:
        OptionError: An option is malformed, or refers to no model.
    """
    specs = [ModelSpec.parse(text) for text in models]
    names = [spec.name for spec in specs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise OptionError(f"model {twice[0]} is named twice: give it once, with a weight")
    if api_base is not None:
        check_address(api_base)
        if not any(has_own_server(spec.name) and spec.address is None for spec in specs):
            raise OptionError(
                "--api-base is for models on a server of your own, named openai/NAME, "
                "hosted_vllm/NAME, ollama_chat/NAME or the like, and no --model is one"
            )
    named = [("--price", name, (*names, *agents)) for name in PriceList.parse(prices).named]
    named += [("--form", name, tuple(names)) for name in parse_forms(forms) if name]
    for flag, name, possible in named:
        if name not in possible:
            known = f"the models are {', '.join(names)}" if names else "there is no --model"
            raise OptionError(f"{flag} names {name}, and {known}")


def build_models(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> list[ConfiguredModel]:
    """Build the language models of a run.

    A key goes to the server that it is for and to no other: OPENAI_API_KEY goes to no server of
    one's own while a model of the run is asked at OpenAI.

    Args:
        settings: Settings of the run.
        environment: Environment variables with the keys.

    Raises:
        OptionError: An option is malformed, a hosted model has no key or no known provider, or a
            cap on cost cannot be kept, since a price is unknown.
    """
    specs = [ModelSpec.parse(text) for text in settings.models]
    prices = PriceList.parse(settings.prices)
    base = check_address(settings.api_base) if settings.api_base else None
    mixed = len({spec.choose_server(base) for spec in specs}) > 1
    at_openai = any(_is_asked_at_openai(spec, base) for spec in specs)
    models = []
    for spec in specs:
        name, server = spec.name, spec.choose_server(base)
        if server is None and read_provider(name) not in LOCAL:
            check_hosted_model(name, environment)
        price = prices.named.get(name) or find_price(name, server, environment) or prices.other
        if settings.max_cost is not None and price is None:
            raise OptionError(
                f"--max-cost cannot be kept: the price of {name} is unknown. Give it with "
                f"--price {name}=IN:OUT, in dollars a million tokens, or leave --max-cost out"
            )
        key, where = None, ("its provider" if mixed or settings.api_base else "")
        if server is not None:
            variable = name_key_variable(name)
            withheld = at_openai and variable == "OPENAI_API_KEY"
            key = NO_KEY if withheld else find_server_key(name, environment)
            where = server + (_describe_key(key, variable) if environment.get(variable) else "")
        model = LiteLLM(
            name,
            api_base=server,
            api_key=key,
            price=price,
            environment=environment,
            timeout=settings.model_timeout,
        )
        models.append(ConfiguredModel(model, spec.weight, where))
    return models


def _describe_key(key: str, variable: str) -> str:
    """Say whether the key that is there goes to a server of one's own."""
    if key != NO_KEY:
        return f", with {variable}"
    return (
        f", without {variable}, which is OpenAI's: hosted_vllm/NAME@URL takes a key of its own, "
        "HOSTED_VLLM_API_KEY"
    )


def _is_asked_at_openai(spec: ModelSpec, base: str | None) -> bool:
    if spec.choose_server(base) is not None:
        return False
    provider = read_provider(spec.name)
    return provider in OPENAI_LIKE or (not provider and is_openai_model(spec.name))
