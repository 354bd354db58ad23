"""What a model's server answers, as litellm hands it over: replies and errors."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from evolve.models.litellm_loader import load_litellm

MAX_TOKENS = 10**9  # a count above is a mistake of the server
BYTES_PER_TOKEN = 4  # about, where the server does not count
FULL_SHARE = 0.75  # a reply that was cut below this share of its limit has filled the context
WRAPPINGS = re.compile(r"\A(?:(?:litellm\.)?\w+(?:Error|Exception)(?::| -) )+")
TOO_LONG = re.compile(r"context.?(size|length|window)|too many tokens", re.IGNORECASE)
LIMIT_TOO_HIGH = re.compile(  # in an error about lengths: the reply's is a part of it
    r"max_(completion_)?tokens|output tokens|(in the|for the) completion", re.IGNORECASE
)
LIMIT_UNKNOWN = re.compile(
    r"(unsupported|unrecognized|unknown|not supported).*max_(completion_)?tokens"
    r"|max_(completion_)?tokens\W+(is|are) not supported",
    re.IGNORECASE | re.DOTALL,
)
SCHEMA = re.compile(r"response_format|json.?schema|grammar|structured.?output", re.IGNORECASE)
STREAM = re.compile(r"\bstream", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """The answer of a server.

    Attributes:
        text: Text of the reply.
        tokens_in: Tokens of the request.
        tokens_out: Tokens of the reply.
        cut: Whether the reply was cut at its length limit.
        full: Whether it was cut since the model's context had no more room.
    """

    text: str
    tokens_in: int
    tokens_out: int
    cut: bool
    full: bool = False


def read_answer(response: Any, prompt: str, limit: float = 0.0) -> Answer:
    """Read litellm's response; any exception says that it has another form than it should.

    Args:
        response: What litellm gives.
        prompt: Text of the request.
        limit: Most tokens that the reply was allowed; 0 if that is unknown.
    """
    if not response.choices:
        raise ValueError("the answer has no choices")
    choice, usage = response.choices[0], getattr(response, "usage", None)
    text = _read_message(choice.message)
    tokens_in = _read_count(getattr(usage, "prompt_tokens", None), prompt)
    tokens_out = _read_count(getattr(usage, "completion_tokens", None), text)
    cut = choice.finish_reason == "length"
    full = cut and tokens_out < FULL_SHARE * limit
    return Answer(text, tokens_in, tokens_out, cut and not full, full)


def _read_message(message: Any) -> str:
    """The text of a message, with the arguments of the tools that it calls.

    If there is nothing else, it is the reasoning, marked as such.
    """
    calls = [call.function for call in message.tool_calls or ()]
    calls += filter(None, [getattr(message, "function_call", None)])
    texts = [message.content or "", *(call.arguments or "" for call in calls)]
    text = "\n".join(t if isinstance(t, str) else json.dumps(t) for t in texts if t)
    reasoning = getattr(message, "reasoning_content", None)
    if not text.strip() and reasoning:
        text = f"<think>\n{reasoning}"
    return text.encode(errors="replace").decode()  # JSON can carry half a surrogate pair


def _read_count(count: object, text: str) -> int:
    """The server's count of tokens if it is one; else a guess, since 0 tokens would be free."""
    if isinstance(count, int) and 0 < count < MAX_TOKENS:
        return count
    return estimate_tokens(text)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text, on the high side."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def read_status(error: Exception) -> int | None:
    """The HTTP status of an answer; None if there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def describe_error(error: Exception) -> str:
    """Describe an error with its kind once, though litellm wraps it into three of them."""
    text = str(error).partition("Traceback (most recent call last)")[0]
    kind = "TimeoutError" if isinstance(error, TimeoutError) else type(error).__name__
    return f"{kind}: {WRAPPINGS.sub('', text)}"


def is_server_error(error: Exception) -> bool:
    """Whether the server may answer the same request in a moment; one that hangs may not."""
    status = read_status(error)
    return status is not None and (status >= 500 or status == 409)


def is_too_long(error: Exception) -> bool:
    """Whether the request, maybe with the limit of its reply, is too long for the model."""
    if isinstance(error, load_litellm().ContextWindowExceededError):
        return True
    return read_status(error) in (400, 413) and bool(TOO_LONG.search(str(error)))


def is_timeout(error: Exception) -> bool:
    """Whether an answer did not come in time."""
    return isinstance(error, TimeoutError) or read_status(error) == 408


def is_limit_unknown(error: Exception) -> bool:
    """Whether the server does not know the option with the reply's limit."""
    return read_status(error) == 400 and bool(LIMIT_UNKNOWN.search(str(error)))


def is_limit_too_high(error: Exception) -> bool:
    """Whether the server accepts no reply as long as the limit, after this request or at all."""
    return read_status(error) == 400 and bool(LIMIT_TOO_HIGH.search(str(error)))


def is_schema_refused(error: Exception) -> bool:
    """Whether the server does not take the schema of a reply."""
    return read_status(error) in (400, 422, 501) and bool(SCHEMA.search(str(error)))


def is_stream_refused(error: Exception) -> bool:
    """Whether the server does not send replies in parts, or does not know an option of that."""
    return read_status(error) in (400, 422, 501) and bool(STREAM.search(str(error)))


def read_retry_after(error: Exception) -> float | None:
    """The seconds after which a server wants to be asked again; None if it does not say."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    if not headers:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = str(headers.get(name, ""))
        with suppress(ValueError):
            seconds = float(value) / unit
            return max(seconds, 0.0) if math.isfinite(seconds) else None
        with suppress(ValueError, TypeError):
            date = parsedate_to_datetime(value)
            return max((date - datetime.now(UTC)).total_seconds(), 0.0)
    return None
