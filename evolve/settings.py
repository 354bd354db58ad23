"""What a run is asked to do; kept in its record, so that `resume` needs no option again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from evolve.options import option, parse_count, parse_positive
from evolve.search_settings import SearchSettings
from population.beliefs import RULES
from population.errors import UserError

AGENTS = "coding agents (each makes a child in a session of its own)"
MODELS = "language models (without --model the offline operators work alone)"


class OptionError(UserError, ValueError):
    """An option of a run is impossible; the message says why."""


@dataclass(frozen=True)
class Settings(SearchSettings):
    """The settings of a run: each field is an option of the command line with the same meaning.

    Attributes:
        models: NAME[:WEIGHT][@URL] of the language models; empty leaves the offline operators.
        api_base: Address of the models on a server of one's own that name none, or None.
        prices: NAME=IN:OUT of a model, or IN:OUT of all whose price is unknown, in dollars for a
            million tokens.
        context_tokens: Most tokens that a request may have, all its messages together.
        max_cost: Dollars after which no model is asked any more; None is no limit.
        forms: MODEL=FORM of a model, or FORM of all others; empty leaves them to be learnt.
        offline_after: Seconds without an answer from any model, or without a child for a free
            device, after which the offline operators go on.
        model_timeout: Seconds without any progress of a reply, after which it is given up.
        agents: NAME[@MODEL][:WEIGHT] or [NAME[:WEIGHT]=]COMMAND of the coding agents.
        agent_env: Names of environment variables that the agents see, their keys among them.
        agent_seconds: Wall-clock seconds of an agent's session; None chooses.
        max_proposals: Most sessions of the agents in all; None is no limit.
        rules: Version of the rules by which results are judged, which a run keeps; no option.
    """

    models: tuple[str, ...] = option(
        (),
        "--model",
        MODELS,
        "a model by litellm's name, such as anthropic/claude-sonnet-4-5, with its key in the "
        "environment, or openai/NAME@URL on a server of your own; repeat it for several: if their "
        "weights differ they are drawn by these, else by the gains that they made",
        metavar="NAME[:WEIGHT][@URL]",
        repeatable=True,
        default="none",
        resumable=True,
    )
    api_base: str | None = option(
        None,
        "--api-base",
        MODELS,
        "the server of every model on a server of your own (openai/..., hosted_vllm/..., "
        "ollama_chat/...) that has no @URL; hosted models are asked at their providers",
        metavar="URL",
        default="none",
        resumable=True,
    )
    prices: tuple[str, ...] = option(
        (),
        "--price",
        MODELS,
        "the price of a model, or of all models whose price is unknown, in dollars for a million "
        "tokens in and out; repeatable",
        metavar="[NAME=]IN:OUT",
        repeatable=True,
        default="what litellm knows",
        resumable=True,
    )
    context_tokens: int = option(
        30_000,
        "--context-tokens",
        MODELS,
        "tokens that a request has at most",
        metavar="N",
        parse=parse_count,
        resumable=True,
    )
    max_cost: float | None = option(
        None,
        "--max-cost",
        MODELS,
        "dollars that models and agents may take in all",
        metavar="USD",
        parse=parse_positive,
        default="no limit",
        resumable=True,
    )
    forms: tuple[str, ...] = option(
        (),
        "--form",
        MODELS,
        "the form in which a model replies, or all models; repeatable",
        metavar="[MODEL=]FORM",
        repeatable=True,
        listing="evolve.edits.forms:describe_forms",
        default="free, and where free replies give few children what gives more",
        resumable=True,
    )
    offline_after: float = option(
        60.0,
        "--offline-after",
        MODELS,
        "seconds after which nothing waits for a model: without an answer from any, the offline "
        "operators go on alone until one answers; a device that is free for so long gets a child "
        "of theirs, whatever the models answered meanwhile",
        metavar="S",
        parse=parse_positive,
        default="60",
        resumable=True,
    )
    model_timeout: float = option(
        300.0,
        "--model-timeout",
        MODELS,
        "seconds that a model may take to begin a reply, and for each further part of it; the "
        "whole may take four times as long",
        metavar="S",
        parse=parse_positive,
        default="300",
        resumable=True,
    )
    agents: tuple[str, ...] = option(
        (),
        "--agent",
        AGENTS,
        "a coding agent that proposes children beside models and operators, drawn as these are: "
        "one that is known by name, with @MODEL if you choose its model, or a program of your own, "
        "whose words may have {brief}, {dir} and {genome} in them; repeatable; it works in the "
        "sandbox, with the network open",
        metavar="NAME|COMMAND",
        repeatable=True,
        listing="evolve.agents.presets:describe_agents",
        default="none",
        resumable=True,
    )
    agent_env: tuple[str, ...] = option(
        (),
        "--agent-env",
        AGENTS,
        "environment variables that every agent sees, such as its key; those that a known agent "
        "reads its own key from it sees anyway",
        metavar="VAR,...",
        separated=True,
        default="none",
        resumable=True,
    )
    agent_seconds: float | None = option(
        None,
        "--agent-seconds",
        AGENTS,
        "seconds of an agent's session, after which it is asked to end and killed 10 s later",
        metavar="S",
        parse=parse_positive,
        default="600, or as long as two children may take if that is less",
        resumable=True,
    )
    max_proposals: int | None = option(
        None,
        "--max-proposals",
        AGENTS,
        "sessions of the agents in all, for those whose price nobody knows",
        metavar="N",
        parse=parse_count,
        default="no limit",
        resumable=True,
    )
    rules: int = RULES

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """The settings out of JSON; what is unknown is left out."""
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
        if price := values.get("price"):  # as older versions have stored it
            kept["prices"] = (price,)
        kept.setdefault("bounds", ("fixed",))  # older versions never moved them
        kept.setdefault("rules", 1)  # and judged results in one way
        return cls(**kept)
