"""One model of several, with what is known of its server: its limits, its replies, its failures."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from archive.rows import ModelCall
from evolve.models.errors import AccessError, RateLimitError, SlowReplyError, TooLongError
from evolve.models.rate_limits import RateLimiter
from population.formatting import format_duration

LONGEST_REPLY = 64_000  # tokens to which a reply's limit may grow
GROWTH = 2  # a reply may be so many times as long as the longest whole one of its model


class Model(Protocol):
    """A language model, as `evolve.models.LiteLLM`."""

    @property
    def name(self) -> str: ...
    def __call__(
        self,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = ...,
    ) -> ModelCall: ...
    def estimate(
        self, messages: Sequence[dict[str, str]], reply_tokens: int = ...
    ) -> float | None: ...


class Route:
    """A model with its traffic. Its methods may be called from several threads.

    Args:
        model: Model to ask.
        clock: Function that gives the time in seconds.
        jitter: Function that draws a random number from 0 to 1.

    Attributes:
        model: Model to ask.
        limiter: Limiter of the requests to it.
        longest_reply: Tokens of its longest reply; 0 before the first.
        denied: Remedy for a refused key or name, if that was the last answer; else empty.
    """

    def __init__(
        self, model: Model, clock: Callable[[], float], jitter: Callable[[], float]
    ) -> None:
        self.model, self.limiter = model, RateLimiter(clock, jitter)
        self.longest_reply, self.denied = 0, ""
        self._clock = clock
        self._lock = threading.Lock()
        self._longest_whole_reply = {False: 0, True: 0}  # by whether it followed a schema
        self._too_long = math.inf  # characters of the shortest request that was too long
        self._failing_since: float | None = None
        self._reported = self._warned = False  # whether the user knows of failures, of a refusal

    def has_room(self, size: int) -> bool:
        """Whether the model may take a request of so many characters."""
        return size < self._too_long

    def ask(
        self,
        messages: Sequence[dict[str, str]],
        max_tokens: int,
        schema: Mapping[str, Any] | None,
    ) -> ModelCall:
        """Ask the model. A reply may be longer than asked for if its whole ones are.

        Args:
            messages: Chat messages.
            max_tokens: Most tokens that the reply should need.
            schema: JSON schema that the reply is to follow; None is no schema. What replies without
                one are like says nothing of those with one.
        """
        longest = self._longest_whole_reply[schema is not None]
        limit = min(max(max_tokens, GROWTH * longest), LONGEST_REPLY)
        options = {} if schema is None else {"schema": schema}
        return self.model(messages, max_tokens=limit, **options)

    def record_answer(self, call: ModelCall, size: int, *, constrained: bool = False) -> str:
        """Record an answer to a request.

        Args:
            call: The request with its answer.
            size: Characters of the request.
            constrained: Whether the answer was to follow a schema.

        Returns:
            What the user should know of it; empty if nothing.
        """
        self.limiter.record_answer()
        with self._lock:
            if not self.has_room(size):
                self._too_long = size + 1  # the server has more room now, or counted other tokens
            self.longest_reply = max(self.longest_reply, call.tokens_out)
            if not (call.cut or call.full):
                longest = max(self._longest_whole_reply[constrained], call.tokens_out)
                self._longest_whole_reply[constrained] = longest
            since, reported = self._failing_since, self._reported
            self._failing_since, self._reported, self.denied = None, False, ""
        if since is None or not reported:
            return ""
        return f"{self.model.name} answers again, after {format_duration(self._clock() - since)}"

    def record_error(self, error: BaseException, begun: float, size: int) -> str:
        """Record that a request gave no answer.

        Args:
            error: Error that the model raised.
            begun: Time at which the request was sent.
            size: Characters of the request.

        Returns:
            What the user should know of it; empty if nothing.
        """
        if isinstance(error, RateLimitError):
            self.denied = ""
            is_first = self.limiter.record_limit(begun, error.seconds)
            words = f"{self.model.name} takes no more requests for now (HTTP 429)"
            return words if is_first else ""
        if isinstance(error, TooLongError):
            self.denied = ""
            self.limiter.record_answer()
            return self._record_too_long(size)
        if isinstance(error, SlowReplyError):
            self.limiter.record_timeout(begun)
        else:
            self.limiter.record_failure(begun)
        return self._record_failure(error, begun)

    def _record_too_long(self, size: int) -> str:
        with self._lock:
            is_first, self._too_long = self._too_long == math.inf, min(self._too_long, size)
        if not is_first:
            return ""
        return (
            f"{self.model.name} finds a request too long: a model with more room is asked if there "
            "is one, else it is sent again with less, which a smaller --context-tokens would save"
        )

    def _record_failure(self, error: BaseException, begun: float) -> str:
        """Record a failure: the first refusal is reported, and the second failure in a row."""
        with self._lock:
            again = self._failing_since is not None
            self._failing_since = begun if self._failing_since is None else self._failing_since
            self.denied = error.remedy if isinstance(error, AccessError) else ""
            if self.denied and not self._warned:
                self._warned = self._reported = True
                return f"WARNING: {self.denied}, then stop with Ctrl-C and resume"
            if not again or self._reported:
                return ""
            self._reported = True
        return f"{self.model.name} fails repeatedly: {error}; it is asked now and then"
