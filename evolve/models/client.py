"""A language model behind litellm."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from archive.rows import ModelCall
from evolve.models.access import find_remedy, find_server_key
from evolve.models.answers import (
    Answer,
    describe_error,
    estimate_tokens,
    is_limit_too_high,
    is_limit_unknown,
    is_schema_refused,
    is_server_error,
    is_stream_refused,
    is_timeout,
    is_too_long,
    read_answer,
    read_retry_after,
    read_status,
)
from evolve.models.catalogue import ReplyRoom, find_price, find_reply_room
from evolve.models.context_window import ContextWindow
from evolve.models.errors import (
    AccessError,
    ModelError,
    RateLimitError,
    SlowReplyError,
    TooLongError,
)
from evolve.models.litellm_loader import load_litellm
from evolve.models.model_spec import check_address_allowed
from evolve.models.prices import Price
from evolve.models.rate_limits import compute_backoff
from evolve.models.reply_times import TIMEOUT, ReplyTimes
from evolve.models.streaming import UnfinishedError, receive_reply
from trainer.log import shorten, strip_unseen
from trainer.secrets import Secrets

LONGEST_ERROR = 500  # characters of an error in the record
MAX_RETRIES = 3  # further attempts after an error of the server, with a pause before each
USUAL_REPLY = 1500  # tokens of a reply, where a run's cost is estimated
REPLY_LIMIT = 4000  # most tokens of a reply that is a text of a page or two
LIMIT_OPTIONS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": ""}  # and the next
GRACE = 5.0  # seconds by which the client's own time limit is longer than ours
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
Schema = Mapping[str, Any]


class LiteLLM:
    """A language model behind litellm, which is imported when the first one is made.

    Args:
        name: Name of the model for litellm.
        api_base: Address of a server of one's own; None is the provider's.
        api_key: Key for that server; None takes it from the environment, unless it is OpenAI's.
        price: Price of the model; None looks it up, see `find_price`.
        environment: Environment variables with the keys, which are removed from all that is sent,
            recorded and shown.
        timeout: Seconds that the first part of a reply may take, and each further one; the whole
            may take four times as long.
        max_retries: Attempts after the first one, if the server fails. An answer that did not come
            in time is not asked for again.
        clock: Function that gives the time in seconds.
        sleep: Function that waits for some seconds.
        jitter: Function that draws a random number from 0 to 1, for the pauses between attempts.

    Raises:
        OptionError: There is an address, and the model is hosted elsewhere.
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
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if api_base is not None:
            check_address_allowed(name)
        self.name = name
        self.price = price or find_price(name, api_base, environment)
        self._api_base, self._api_key = api_base, api_key
        self._environment, self._secrets = environment, Secrets(environment)
        self._max_retries = max_retries
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._times, self._window = ReplyTimes(timeout), ContextWindow()
        self._limit_option = "max_tokens"
        self._takes_schemas = True
        self._stream_options: dict[str, Any] = STREAMED

    def __call__(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int = REPLY_LIMIT,
        schema: Schema | None = None,
    ) -> ModelCall:
        """Send chat messages, without any secret in them, and wait for the reply.

        Args:
            messages: Chat messages, each with "role" and "content".
            max_tokens: Most tokens that the answer may have. A model that is known to reason gets
                more, and one with a small context window less.
            schema: JSON schema that the reply is to follow; None is no schema. A server that takes
                none is asked without it.

        Raises:
            RateLimitError: The server takes no more requests for now.
            TooLongError: The model does not take so many tokens.
            AccessError: The key, the account, the model's name or the request is refused.
            SlowReplyError: The reply did not come in time.
            ModelError: There is no reply, after some retries if the server failed.
        """
        sent = [
            {key: self._secrets.hide_in_code(text) for key, text in message.items()}
            for message in messages
        ]
        prompt, begun = json.dumps(sent), self._clock()
        answer = self._find_answer(sent, prompt, self._room.limit(max_tokens), schema, begun)
        return ModelCall(
            self.name,
            prompt,
            self._secrets.hide_in_code(answer.text),
            answer.tokens_in,
            answer.tokens_out,
            self.price.compute_cost(answer.tokens_in, answer.tokens_out) if self.price else None,
            self._clock() - begun,
            cut=answer.cut,
            full=answer.full,
        )

    def estimate(
        self, messages: Sequence[dict[str, str]], reply_tokens: int = USUAL_REPLY
    ) -> float | None:
        """Estimate the cost of such a request, in dollars; None if the price is unknown."""
        if self.price is None:
            return None
        count = load_litellm().token_counter(model="gpt-4", messages=list(messages))
        return self.price.compute_cost(count, reply_tokens)

    @cached_property
    def _room(self) -> ReplyRoom:
        return find_reply_room(self.name, self._api_base)

    def _find_answer(
        self,
        messages: list[dict[str, str]],
        prompt: str,
        wanted: int,
        schema: Schema | None,
        begun: float,
    ) -> Answer:
        """Send a request until it is answered, or until that is given up.

        Args:
            messages: Chat messages.
            prompt: The messages as one text.
            wanted: Most tokens that the reply should have.
            schema: JSON schema of the reply; None is no schema.
            begun: Time at which the model was asked first.
        """
        size, failures = estimate_tokens(prompt), 0
        while True:
            limit, option = self._window.fit_reply(size, wanted), self._limit_option
            streamed, form = self._stream_options, schema if self._takes_schemas else None
            options = {**streamed, **self._describe_reply(limit, option, form)}
            try:
                response = self._complete(messages, options)
                return read_answer(response, prompt, limit if option else 0)
            except Exception as error:  # litellm raises the exceptions of every provider's client
                adapted = self._adapt_limit(error, size, limit, option) or self._adapt_form(
                    error, streamed, constrained=form is not None
                )
                if not adapted:
                    failures += 1
                    if failures > self._max_retries or not is_server_error(error):
                        raise self._make_error(error, prompt, self._clock() - begun) from error
                    self._sleep(compute_backoff(failures, self._jitter))

    def _describe_reply(self, limit: int, option: str, schema: Schema | None) -> dict[str, Any]:
        """The options that say what reply is wanted.

        Args:
            limit: Most tokens of the reply.
            option: Name of the option that says so; empty leaves it out.
            schema: JSON schema of the reply; None is no schema.
        """
        options: dict[str, Any] = {option: limit} if option else {}
        if schema is not None:
            form = {"name": "edit", "strict": True, "schema": dict(schema)}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        return options

    def _complete(self, messages: list[dict[str, str]], options: Mapping[str, Any]) -> Any:
        """Send one request, and receive its whole response.

        Args:
            messages: Chat messages.
            options: Options of the request beside the model and its server.
        """
        server: dict[str, Any] = {}
        if self._api_base:
            key = self._api_key or find_server_key(self.name, self._environment)
            server = {"api_base": self._api_base, "api_key": key}
        completion, times = load_litellm().completion, self._times
        seconds = max(times.first, times.timeout) + GRACE

        def send() -> Any:
            return completion(
                model=self.name,
                messages=messages,
                timeout=seconds,  # for the next byte, so that the thread of a hang ends, too
                max_retries=0,  # not every provider's client has them: they are made here
                drop_params=True,  # a limit that a provider does not know
                **server,
                **options,
            )

        return receive_reply(send, messages, times)

    # -- errors -------------------------------------------------------------------------------

    def _adapt_limit(self, error: Exception, size: int, limit: int, option: str) -> bool:
        """Adapt the reply's limit to an error; whether the request may be sent again at once."""
        if option and is_limit_unknown(error):
            self._limit_option = LIMIT_OPTIONS[option]
            return True
        if option and is_limit_too_high(error):
            return self._window.record_refusal(size, limit)
        return False

    def _adapt_form(
        self, error: Exception, streamed: Mapping[str, Any], *, constrained: bool
    ) -> bool:
        """Adapt the form of a reply to an error; whether the request may be sent again at once.

        Args:
            error: Error of the request.
            streamed: Options by which the reply was to come in parts; empty if it was not.
            constrained: Whether it was to follow a schema.
        """
        if constrained and is_schema_refused(error):
            self._takes_schemas = False
            return True
        if streamed and is_stream_refused(error):
            # older servers know no options of a stream, and others no stream
            self._stream_options = {"stream": True} if "stream_options" in streamed else {}
            return True
        return False

    def _make_error(self, error: Exception, prompt: str, seconds: float) -> ModelError:
        message = self._clean(describe_error(error))
        call = ModelCall(self.name, prompt, seconds=seconds, error=message)
        if isinstance(error, UnfinishedError) and error.text:
            call = self._charge(call, self._secrets.hide_in_code(error.text))
        text = f"model {self.name} did not answer: {message}"
        status = read_status(error)
        if is_too_long(error):
            return TooLongError(text, call)
        remedy = find_remedy(status, message, self.name, bool(self._api_base))
        if remedy:
            return AccessError(text, call, remedy)
        if status == 429:
            return RateLimitError(text, call, read_retry_after(error))
        return SlowReplyError(text, call) if is_timeout(error) else ModelError(text, call)

    def _charge(self, call: ModelCall, part: str) -> ModelCall:
        """Add the part of a reply that came before it was given up, and what it has cost."""
        tokens = estimate_tokens(call.prompt), estimate_tokens(part)
        cost = self.price.compute_cost(*tokens) if self.price else None
        return replace(call, reply=part, tokens_in=tokens[0], tokens_out=tokens[1], cost=cost)

    def _clean(self, text: str) -> str:
        """Put a text on one line, without secrets and invisible characters."""
        return shorten(strip_unseen(" ".join(self._secrets.hide(text).split())), LONGEST_ERROR)
