"""Language models through litellm, which is imported when the first one is made and not before."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import re
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from archive.rows import ModelCall
from evolve.models.model_spec import NO_KEY, is_free, key_variable, refuse_foreign
from evolve.models.prices import FREE, Price, table_price
from evolve.models.rate_limits import pause
from trainer.secrets import Secrets

if TYPE_CHECKING:
    import tiktoken

TIMEOUT = 300.0  # seconds for one request
MAX_RETRIES = 3  # of a request at which the server stumbled, after a pause each
SLOWEST = 4  # times the timeout may an answer take that comes in drops
MAX_TOKENS = 10**9  # a count above is a mistake
BYTES_A_TOKEN = 4  # about, where the server does not count
REPLY_TOKENS = 1500  # what a reply is taken to have when a run's cost is estimated
TOO_LONG = re.compile(r"context.?(size|length|window)|too many tokens", re.IGNORECASE)


class ModelError(Exception):
    """A model gave no reply; `call` is the failed request for the record."""

    def __init__(self, message: str, call: ModelCall) -> None:
        super().__init__(message)
        self.call = call


class LimitError(ModelError):
    """The server takes no more requests for now (HTTP 429), which is no failure.

    Attributes:
        seconds: after which it wants to be asked again; None if it does not say.
    """

    def __init__(self, message: str, call: ModelCall, seconds: float | None) -> None:
        super().__init__(message, call)
        self.seconds = seconds


class TooLongError(ModelError):
    """The request has more tokens than the model takes."""


class LiteLLM:
    """One model behind litellm.

    Args:
        name: litellm's name of it.
        api_base: the address of a server of one's own, or None for the provider's.
        api_key: that server's; None takes it from the environment, unless it is OpenAI's.
        price: what it costs; None is what `known_price` knows.
        environment: where the keys are, kept out of all that is sent, recorded and told.
        timeout: seconds that an attempt may wait for the server's next byte.
        max_retries: attempts after the first one, if the server stumbles. What takes too long is
            not tried again.
        patience: seconds until an attempt is given up, bytes or not; None is some timeouts.
        clock, sleep: seconds.
        jitter: a random number from 0 to 1, for the pauses between attempts.

    Raises:
        OptionError: there is an address, and the model is hosted elsewhere.
    """

    def __init__(
        self,
        name: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        environment: Mapping[str, str] = os.environ,
        timeout: float = TIMEOUT,
        max_retries: int = MAX_RETRIES,
        patience: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if api_base is not None:
            refuse_foreign(name)
        self.name = name
        self.price = price or known_price(name, api_base, environment)
        self._api_base, self._api_key = api_base, api_key
        self._environment, self._secrets = environment, Secrets(environment)
        self._timeout, self._max_retries = timeout, max_retries
        self._patience = SLOWEST * timeout if patience is None else patience
        self._clock, self._sleep, self._jitter = clock, sleep, jitter

    def __call__(self, messages: Sequence[dict[str, str]]) -> ModelCall:
        """Send chat messages, as far as they hold no secret, and wait for the reply.

        Raises:
            LimitError: the server takes no more requests for now.
            TooLongError: the model does not take so many tokens.
            ModelError: there is no reply, after some retries if the server stumbled.
        """
        start = self._clock()
        sent = [
            {key: self._secrets.hide_in_code(text) for key, text in message.items()}
            for message in messages
        ]
        prompt = json.dumps(sent)
        for attempt in range(1, self._max_retries + 2):
            try:
                response = self._completion(sent)
                if not response.choices:
                    raise ValueError("the answer has no choices")
                (choice, *_), usage = response.choices, getattr(response, "usage", None)
                reply = self._readable(_text(choice.message))
                tokens_in = _tokens(getattr(usage, "prompt_tokens", None), prompt)
                tokens_out = _tokens(getattr(usage, "completion_tokens", None), reply)
            except Exception as error:  # litellm raises the exceptions of every provider's client
                if attempt <= self._max_retries and _stumbled(error):
                    self._sleep(pause(attempt, self._jitter))
                    continue
                raise self._error(error, prompt, self._clock() - start) from error
            break
        cost = self.price.of(tokens_in, tokens_out) if self.price else None
        seconds, cut = self._clock() - start, choice.finish_reason == "length"
        return ModelCall(self.name, prompt, reply, tokens_in, tokens_out, cost, seconds, cut=cut)

    def _error(self, error: Exception, prompt: str, seconds: float) -> ModelError:
        message = self._safe(f"{type(error).__name__}: {error}")
        call = ModelCall(self.name, prompt, seconds=seconds, error=message)
        text = f"model {self.name} did not answer: {message}"
        if getattr(error, "status_code", None) == 429:
            return LimitError(text, call, _seconds_told(error))
        known = isinstance(error, _litellm().ContextWindowExceededError)
        if known or (getattr(error, "status_code", None) == 400 and TOO_LONG.search(message)):
            return TooLongError(text, call)
        return ModelError(text, call)

    def _completion(self, messages: list[dict[str, str]]) -> Any:
        """What the server answers.

        litellm's timeout is for the next byte, so that a server which sends one now and then is
        waited for without an end; the patience is for all of it.
        """
        options: dict[str, Any] = {}
        if self._api_base:
            key = self._api_key or server_key(self.name, self._environment)
            options = {"api_base": self._api_base, "api_key": key}
        completion, done = _litellm().completion, SimpleQueue[Any]()

        def ask() -> None:
            try:
                answer = completion(
                    model=self.name,
                    messages=messages,
                    timeout=self._timeout,
                    max_retries=0,  # not every provider's client has them: they are made here
                    **options,
                )
            except BaseException as error:
                done.put(error)
            else:
                done.put(answer)

        threading.Thread(target=ask, daemon=True).start()
        try:
            answer = done.get(timeout=self._patience)
        except Empty:
            raise TimeoutError(f"no whole answer within {self._patience:g} s") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def estimate(
        self, messages: Sequence[dict[str, str]], reply_tokens: int = REPLY_TOKENS
    ) -> float | None:
        """What such a request will cost, in dollars; None if the price is unknown."""
        if self.price is None:
            return None
        count = _litellm().token_counter(model="gpt-4", messages=list(messages))
        return self.price.of(count, reply_tokens)

    def _readable(self, reply: str) -> str:
        """A reply that can be written to a file, and has no key in it that a server sent back."""
        reply = reply.encode(errors="replace").decode()  # JSON can carry half a surrogate pair
        return self._secrets.hide_in_code(reply)

    def _safe(self, text: str) -> str:
        text = text.partition("Traceback (most recent call last)")[0]  # for litellm's developers
        text = self._secrets.hide(text)
        printable = "".join(c if c.isprintable() else " " for c in text)
        return " ".join(printable.split())[:500]


def _stumbled(error: Exception) -> bool:
    """Whether the server may answer the same request in a moment; one that hangs may not."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and (status >= 500 or status == 409)


def _seconds_told(error: Exception) -> float | None:
    """How long the server of a refused request wants to be left alone, if it says."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    if not headers:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        told = str(headers.get(name, ""))
        with suppress(ValueError):
            seconds = float(told) / unit
            return max(seconds, 0.0) if math.isfinite(seconds) else None
        with suppress(ValueError, TypeError):
            date = parsedate_to_datetime(told)
            return max((date - datetime.now(UTC)).total_seconds(), 0.0)
    return None


def _text(message: Any) -> str:
    """What a message says, with the arguments of the tools that it calls."""
    calls = [call.function for call in message.tool_calls or ()]
    calls += filter(None, [getattr(message, "function_call", None)])
    texts = [message.content or "", *(call.arguments or "" for call in calls)]
    return "\n".join(t if isinstance(t, str) else json.dumps(t) for t in texts if t)


def _tokens(counted: object, text: str) -> int:
    """The server's count if it is one; else a guess, since tokens that are 0 cost nothing."""
    if isinstance(counted, int) and 0 < counted < MAX_TOKENS:
        return counted
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def known_price(
    name: str, api_base: str | None, environment: Mapping[str, str] = os.environ
) -> Price | None:
    """What a model costs, as far as anybody knows: nothing on this machine, else by the table.

    A server of one's own has no price there, whatever its models are called.
    """
    if is_free(name, api_base, environment):
        return FREE
    return None if api_base else table_price(name, _litellm().model_cost)


def server_key(name: str, environment: Mapping[str, str]) -> str:
    """The key for a server of one's own; OPENAI_API_KEY only if no model of OpenAI has that name.

    Args:
        name: of the model.
        environment: where the keys are.
    """
    variable = key_variable(name)
    theirs = variable == "OPENAI_API_KEY" and is_openais(name)
    return NO_KEY if theirs else environment.get(variable) or NO_KEY


def is_openais(name: str) -> bool:
    """Whether OpenAI has a model of that name, as litellm's table knows."""
    entry = _litellm().model_cost.get(name.rpartition("/")[2], {})
    return str(entry.get("litellm_provider", "")).endswith("openai")


def count_tokens(text: str) -> int:
    """The tokens of a text, by a tokenizer that comes with litellm; models differ a little."""
    return len(_encoding().encode(text, disallowed_special=()))


@lru_cache(1)
def _encoding() -> tiktoken.Encoding:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # litellm brings the vocabulary along, and this says where: nothing is downloaded
    import tiktoken
    from litellm.litellm_core_utils import default_encoding  # noqa: F401

    return tiktoken.get_encoding("cl100k_base")


def _litellm() -> Any:
    # Without this litellm fetches its price table over the network when it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm  # three seconds and 160 MB

    # What a server sends in another form than it should is no news to the user.
    warnings.filterwarnings("ignore", category=UserWarning, module="pydantic")
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    litellm.suppress_debug_info = True
    return litellm
