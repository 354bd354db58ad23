"""Access to models: which key goes where, and what to do where a key or a name is refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from evolve.models.catalogue import is_openai_model
from evolve.models.litellm_loader import load_litellm
from evolve.models.model_spec import NO_KEY, name_key_variable, read_provider
from evolve.settings import OptionError
from trainer.log import REASON, shorten

LOGS_IN = ("github_copilot", "chatgpt")  # providers that ask the user to log in, and have no key
ALTERNATIVES = {  # further variables in which litellm looks for a key
    "COHERE_API_KEY": ("CO_API_KEY",),
    "FIREWORKS_AI_API_KEY": ("FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
    "HUGGINGFACE_API_KEY": ("HF_TOKEN",),
    "OPENROUTER_API_KEY": ("OR_API_KEY",),
    "PERPLEXITYAI_API_KEY": ("PERPLEXITY_API_KEY",),
    "TOGETHERAI_API_KEY": ("TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN"),
}
ADVICE = {  # by what an error in the record says, the first that fits
    r"context.?(size|length|window)|too many tokens|too long": (
        "its context is too small for the requests; give it more, or less with --context-tokens"
    ),
    r"^Timeout": "it is slower than --model-timeout allows, or hangs",
    r"^RateLimit": "its server takes no requests for now",
    r"^(BadRequest|UnprocessableEntity|UnsupportedParams)": "check what its server takes",
}
MALFORMED = (400, 405, 415, 422, 501)  # statuses of what would be refused again
FILTERED = re.compile(r"content.?(filter|management|policy)|safety", re.I)  # this request alone
NO_CREDIT = re.compile(r"insufficient_quota|exceeded your current quota|credit balance", re.I)


def find_server_key(name: str, environment: Mapping[str, str]) -> str:
    """The key for a server of one's own; OPENAI_API_KEY only if OpenAI has no model of that name.

    Args:
        name: Name of the model.
        environment: Environment variables with the keys.
    """
    variable = name_key_variable(name)
    is_theirs = variable == "OPENAI_API_KEY" and is_openai_model(name)
    return NO_KEY if is_theirs else environment.get(variable) or NO_KEY


def check_hosted_model(name: str, environment: Mapping[str, str]) -> None:
    """Check that a hosted model has a provider that litellm knows, and a key.

    Where credentials may come from elsewhere, as those of a cloud's own machines, only the provider
    is checked.

    Args:
        name: Name of the model.
        environment: Environment variables with the keys.

    Raises:
        OptionError: The provider is unknown, or its key is not there.
    """
    if read_provider(name) in LOGS_IN:
        return
    litellm = load_litellm()
    try:
        litellm.get_llm_provider(name)
    except Exception as error:  # litellm raises the exceptions of every provider's client
        providers = [one.value for one in litellm.LlmProviders]
        raise OptionError(_say_unknown(name, providers)) from error
    lacking = litellm.validate_environment(name)["missing_keys"]
    keys = {key: (key, *ALTERNATIVES.get(key, ())) for key in lacking if _is_key(key)}
    found = any(environment.get(variable) for names in keys.values() for variable in names)
    if lacking and len(keys) == len(lacking) and not found:
        raise OptionError(
            f"model {name} needs a key, and the environment has none: set {' or '.join(lacking)}"
        )


def _say_unknown(name: str, providers: Sequence[str]) -> str:
    close = difflib.get_close_matches(read_provider(name), providers, 1)
    guess = f" (did you mean {close[0]}/{name.partition('/')[2]}?)" if close else ""
    return (
        f"litellm knows no provider of model {name}{guess}: a hosted model is named PROVIDER/NAME, "
        "such as anthropic/claude-sonnet-4-5, and one on a server of your own openai/NAME@URL"
    )


def _is_key(variable: str) -> bool:
    return variable.endswith(("_API_KEY", "_TOKEN"))


def find_advice(error: str) -> str:
    """What to do about a request's error as the record has it."""
    for pattern, advice in ADVICE.items():
        if re.search(pattern, error, re.IGNORECASE):
            return advice
    return "check the model's name, its key and its address"


def find_remedy(status: int | None, message: str, name: str, has_own_server: bool) -> str:
    """What to do about an error that no retry will mend; empty if it is none.

    Args:
        status: HTTP status of the answer; None if there was none.
        message: What the server said.
        name: Name of the model.
        has_own_server: Whether it is asked at an address that the user gave.
    """
    if status == 402 or NO_CREDIT.search(message):
        return f"the account of {name} has no credit left; add some at its provider"
    if status in (401, 403):
        known = has_own_server or not read_provider(name)
        key = name_key_variable(name) if known else f"{read_provider(name).upper()}_API_KEY"
        return f"the key of {name} is refused (HTTP {status}); check {key}"
    if status == 404:
        at = "its address, which mostly ends in /v1" if has_own_server else "its provider"
        return f"{name} is unknown to its server (HTTP 404); check the model's name and {at}"
    if status in MALFORMED and not FILTERED.search(message):
        said = shorten(message, REASON)
        return f"{name} refuses the request (HTTP {status}: {said}); check what its server takes"
    return ""
