"""A model's name as `--model` gives it: who answers to it, and at which address.

A hosted model is asked at its provider, with the provider's key, and nowhere else. A server of
one's own, or a service that speaks OpenAI's language, has an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from evolve.settings import OptionError

# beginnings of names by which litellm asks a server at any address
OPENAI_LIKE = ("openai", "text-completion-openai", "custom_openai")  # the key is OPENAI_API_KEY
LOCAL = ("ollama", "ollama_chat", "llamafile", "lm_studio", "lemonade", "docker_model_runner")
OWN_SERVERS = (*OPENAI_LIKE, *LOCAL, "hosted_vllm", "xinference", "litellm_proxy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_KEY = "none"  # clients want a key, also for servers that want none

# on Bedrock a name ends in a number, which is no weight: -v1:0, or openai.gpt-oss-120b-1:0
TAG = r"(-v\d+:\d+|\.[a-z][^/:]*-\d+:0)?"
MODEL = re.compile(
    rf"(?P<name>[^:].*?{TAG})(:(?P<weight>\d*\.?\d+))?(@(?P<address>https?://.*))?", re.IGNORECASE
)
WEIGHT_LAST = re.compile(r".*(:\d+|/[^/]*):\d*\.?\d+")  # of an address, where it cannot be meant


@dataclass(frozen=True)
class ModelSpec:
    """A model as `--model NAME[:WEIGHT][@URL]` names it.

    Attributes:
        name: litellm's name, such as "anthropic/...", or "openai/NAME" of a server of one's own.
        weight: how often it is drawn among several, relative to theirs.
        address: of the server that is asked; None if the name does not say.
    """

    name: str
    weight: float = 1.0
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelSpec:
        """Read NAME[:WEIGHT][@URL]; a tag as in `ollama/qwen3:8b` or `...-v1:0` is of the name.

        Raises:
            OptionError: the name is empty, the weight is not above 0, or the address is none, or
                that of another server than the provider's.
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
        refuse_foreign(name)
        return cls(name, weight, checked_address(server))

    def server(self, api_base: str | None) -> str | None:
        """The address that it is asked at, by its own or by `--api-base`; None: its provider's."""
        return self.address or (api_base if has_own_server(self.name) else None)


def provider(name: str) -> str:
    """The beginning of a model's name that says who answers; empty if it does not say."""
    return name.partition("/")[0] if "/" in name else ""


def has_own_server(name: str) -> bool:
    """Whether a model of that name may be asked at any address."""
    return provider(name) in OWN_SERVERS


def refuse_foreign(name: str) -> None:
    """Refuse to ask a hosted model at another server than its provider's.

    Raises:
        OptionError: it is hosted; its key is nobody else's to see.
    """
    if not has_own_server(name):
        raise OptionError(
            f"model {name} is hosted, and only its provider may see its key: a server of your own "
            "is named openai/NAME, hosted_vllm/NAME, ollama_chat/NAME or the like"
        )


def checked_address(text: str) -> str:
    """The address of a server, if it is one that may be stored and shown.

    Raises:
        OptionError: it is none, or it holds a password.
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
    except ValueError:  # of the port
        valid = False
    if not valid:
        raise OptionError(
            f"the address of a model's server is http://HOST:PORT/v1 or the like, not {text}"
        )
    return text


def key_variable(name: str) -> str:
    """The environment's variable with the key of a server of one's own."""
    who = "openai" if provider(name) in OPENAI_LIKE else provider(name).removesuffix("_chat")
    return f"{who.upper()}_API_KEY"


def is_free(name: str, address: str | None, environment: Mapping[str, str]) -> bool:
    """Whether a model runs on this very machine, and so costs nothing."""
    who = provider(name)
    if who not in LOCAL or name.endswith("cloud"):  # ollama's tag of what it runs elsewhere
        return False
    variable = f"{who.removesuffix('_chat').upper()}_API_BASE"  # as litellm reads it
    address = address or environment.get(variable)
    return not address or urlsplit(address).hostname in LOOPBACK
