"""A coding agent as `--agent` names it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from evolve.agents.presets import PRESETS
from evolve.settings import OptionError

KNOWN = re.compile(r"(?P<name>[\w-]+)(@(?P<model>.+?))?(:(?P<weight>\d*\.?\d+))?")
OWN = re.compile(
    r"((?P<name>[A-Za-z][\w.-]*)(:(?P<weight>\d*\.?\d+))?=)?(?P<command>.+)", re.DOTALL
)
COMMAND = re.compile(r"[\s{}/=]")  # what no name has, and a command has


@dataclass(frozen=True)
class AgentSpec:
    """A coding agent as `--agent` names it.

    Attributes:
        name: Name of the agent in the record: of a known one "claude" or "claude@MODEL", of a
            command the one that it was given, else its program's.
        weight: How often the agent is drawn among several, relative to their weights.
        preset: Name of the known agent; empty for a command.
        model: Name of the model that a known agent is to use; empty leaves that to the agent.
        command: Words of the command; empty for a known agent.
    """

    name: str
    weight: float = 1.0
    preset: str = ""
    model: str = ""
    command: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AgentSpec:
        """Read NAME[@MODEL][:WEIGHT], or [NAME[:WEIGHT]=]COMMAND.

        Raises:
            OptionError: No agent is known by that name, the command cannot be read, or the weight
                is not above 0.
        """
        known = KNOWN.fullmatch(text.strip())
        if known is not None and known["name"] in PRESETS:
            name, model = known["name"], known["model"] or ""
            full = f"{name}@{model}" if model else name
            return cls(full, _parse_weight(full, known["weight"]), preset=name, model=model)
        if not COMMAND.search(text.strip()):
            raise OptionError(
                f"there is no coding agent {text}; there are {', '.join(PRESETS)}. A program of "
                "your own is written out: --agent 'NAME=PROGRAM ... {brief} {dir}'"
            )
        own = OWN.fullmatch(text.strip())
        assert own is not None, "a text with a character that is no blank has a command"
        try:
            command = tuple(shlex.split(own["command"]))
        except ValueError as error:
            raise OptionError(f"the command of --agent {text} cannot be read: {error}") from error
        if not command:
            raise OptionError(f"--agent {text} names no program")
        name = own["name"] or command[0].rpartition("/")[2]
        return cls(name, _parse_weight(name, own["weight"]), command=command)


def _parse_weight(name: str, text: str | None) -> float:
    weight = 1.0 if text is None else float(text)
    if weight <= 0:
        raise OptionError(f"the weight of agent {name} should be above 0")
    return weight
