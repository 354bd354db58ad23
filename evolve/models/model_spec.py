"""A model as `--model` names it: its provider, its weight and its address.

A hosted model is asked at its provider, with the provider's key, and nowhere else. A server of
one's own, or a service with OpenAI's interface, has an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from evolve.settings import OptionError

# first parts of names for which litellm asks a server at any address
OPENAI_LIKE = ("openai", "text-completion-openai", "custom_openai")  # their key is OPENAI_API_KEY
LOCAL = ("ollama", "ollama_chat", "llamafile", "lm_studio", "lemonade", "docker_model_runner")
OWN_SERVERS = (*OPENAI_LIKE, *LOCAL, "hosted_vllm", "xinference", "litellm_proxy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_KEY = "none"  # clients want a key, also for servers that want none

# on Bedrock a name ends in a number that is no weight: -v1:0, or openai.gpt-oss-120b-1:0
TAG = r"(-v\d+:\d+|\.[a-z][^/:]*-\d+:0)?"
MODEL = re.compile(
    rf"(?P<name>[^:].*?{TAG})(:(?P<weight>\d*\.?\d+))?(@(?P<address>https?://.*))?", re.IGNORECASE
)
WEIGHT_LAST = re.compile(r".*(:\d+|/[^/]*):\d*\.?\d+")  # an address with a weight behind it


@dataclass(frozen=True)
class ModelSpec:
    """A model as `--model NAME[:WEIGHT][@URL]` names it.

    Attributes:
        name: Name of the model for litellm, such as "anthropic/...", or "openai/NAME" on a server
            of one's own.
        weight: How often the model is drawn among several, relative to their weights.
        address: Address of the server to ask; None if the name does not say.
    """

    name: str
    weight: float = 1.0
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelSpec:
        """Read NAME[:WEIGHT][@URL]; a tag as in `ollama/qwen3:8b` or `...-v1:0` is part of NAME.

        Raises:
            OptionError: The name is empty, the weight is not above 0, or the address is malformed
                or given for a hosted model.
        """
        match = MODEL.fullmatch(text.strip())
        if match is None:
            raise OptionError("the name of a model is empty")
        name, weight, server = match["name"], float(match["weight"] or 1), match["address"]
        if weight <= 0:
            raise OptionError(f"the weight of model {name} should be above 0")
        if server is None:
            return cls(name, weight)
        if WEIGHT_LAST.fullmatch(server.partition("//")[2]):
            raise OptionError(f"model {name} has its weight before its address: NAME:WEIGHT@URL")
        check_address_allowed(name)
        return cls(name, weight, check_address(server))

    def choose_server(self, api_base: str | None) -> str | None:
        """The address to ask: its own, or else that of `--api-base`; None is its provider's."""
        return self.address or (api_base if has_own_server(self.name) else None)


def read_provider(name: str) -> str:
    """The first part of a model's name, which names its provider; empty if there is none."""
    return name.partition("/")[0] if "/" in name else ""


def has_own_server(name: str) -> bool:
    """Whether a model of that name may be asked at any address."""
    return read_provider(name) in OWN_SERVERS


def check_address_allowed(name: str) -> None:
    """Refuse an address for a hosted model, whose key only its provider may see.

    Raises:
        OptionError: The model is hosted.
    """
    if not has_own_server(name):
        raise OptionError(
            f"model {name} is hosted, and only its provider may see its key: a server of your own "
            "is named openai/NAME, hosted_vllm/NAME, ollama_chat/NAME or the like"
        )


def check_address(text: str) -> str:
    """Return the address of a server if it may be stored and shown.

    Raises:
        OptionError: The text is no address, or it holds a password.
    """
    if "@" in text or "?" in text or "#" in text:
        raise OptionError(
            "the address of a model's server (--api-base, or after the @ of --model) is stored "
            "with the run, so it may hold no password and no query: leave them out, and put the "
            "key in the environment, as OPENAI_API_KEY of openai/NAME or HOSTED_VLLM_API_KEY of "
            "hosted_vllm/NAME"
        )
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # raised for a malformed port
        valid = False
    if not valid:
        raise OptionError(
            f"the address of a model's server is http://HOST:PORT/v1 or the like, not {text}"
        )
    return text


def name_key_variable(name: str) -> str:
    """The environment variable with the key for a model on a server of one's own."""
    who = (
        "openai"
        if read_provider(name) in OPENAI_LIKE
        else read_provider(name).removesuffix("_chat")
    )
    return f"{who.upper()}_API_KEY"


def is_free(name: str, address: str | None, environment: Mapping[str, str]) -> bool:
    """Whether a model runs on this machine and so costs nothing."""
    who = read_provider(name)
    if who not in LOCAL or name.endswith("cloud"):  # ollama's tag for models that run elsewhere
        return False
    variable = f"{who.removesuffix('_chat').upper()}_API_BASE"  # as litellm reads it
    address = address or environment.get(variable)
    return not address or urlsplit(address).hostname in LOOPBACK
