"""The coding agents of a run: each with its program, its weight and its price."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.agents.programs import Program, find_program
from evolve.agents.spec import AgentSpec
from evolve.models.model_spec import ModelSpec
from evolve.models.prices import Price, PriceList
from evolve.settings import OptionError, Settings

LONGEST = 600.0  # seconds of a session, unless two children take less or the user says so


@dataclass(frozen=True)
class ConfiguredAgent:
    """A coding agent of a run.

    Attributes:
        spec: The agent as `--agent` names it.
        program: How its program is started.
        price: Price of its tokens, where it reports no dollars; None if it is unknown.
    """

    spec: AgentSpec
    program: Program
    price: Price | None = None

    @property
    def name(self) -> str:
        """The name of the agent in the record."""
        return self.spec.name


def check_agent_options(settings: Settings) -> None:
    """Check the options about agents, before anything of them is stored.

    Raises:
        OptionError: An agent is unknown or named twice, or has the name of a model.
    """
    names = [AgentSpec.parse(text).name for text in settings.agents]
    models = [ModelSpec.parse(text).name for text in settings.models]
    twice = [name for name, count in Counter([*names, *models]).items() if count > 1]
    if set(twice) & set(names):
        raise OptionError(
            f"two proposers are called {twice[0]}: give one agent another name, as in "
            f"--agent 'NAME=COMMAND'"
        )
    if not names:
        given = [
            flag
            for flag, value in (
                ("--agent-env", settings.agent_env),
                ("--agent-seconds", settings.agent_seconds),
                ("--max-proposals", settings.max_proposals),
            )
            if value
        ]
        if given:
            raise OptionError(f"{given[0]} is for coding agents, and there is no --agent")


def build_agents(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> list[ConfiguredAgent]:
    """Find the programs of a run's coding agents.

    Raises:
        OptionError: A program is not there, a variable is not set, or a cap on cost cannot be kept.
    """
    check_agent_options(settings)
    prices, agents = PriceList.parse(settings.prices), []
    for spec in map(AgentSpec.parse, settings.agents):
        program = find_program(
            spec, settings.agent_env, environment, sandboxed=settings.sandbox != "none"
        )
        price = prices.named.get(spec.name)
        unpriced = price is None and program.preset.reports != "dollars"
        if settings.max_cost is not None and unpriced and settings.max_proposals is None:
            raise OptionError(
                f"--max-cost cannot be kept: agent {spec.name} reports no dollars. Give the price "
                f"of its tokens with --price {spec.name}=IN:OUT, in dollars a million tokens, or "
                "cap its sessions with --max-proposals N"
            )
        agents.append(ConfiguredAgent(spec, program, price))
    return agents


def weigh_agents(agents: Sequence[str]) -> dict[str, float]:
    """The weights of agents by name, as `--agent` gives them."""
    return {spec.name: spec.weight for spec in map(AgentSpec.parse, agents)}


def limit_session(settings: Settings, overhead: float) -> float:
    """Seconds that a session may take: as the user says, else at most as long as two children.

    Args:
        settings: Settings of the run.
        overhead: Seconds of a child besides its budget, at most.
    """
    return settings.agent_seconds or min(LONGEST, 2 * (settings.budget + overhead))
