"""Several language models as one: routing of requests, and what is waited for.

A request goes to the model that was drawn for it. A rate limit of its server is waited for. A model
that fails, has failed a moment ago, or is limited for long, leaves the request to another one. So
does a model for which it is too long, if another one can be asked at once that may have more room.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archive.rows import ModelCall
from evolve.models.client import REPLY_LIMIT, USUAL_REPLY
from evolve.models.cost_budget import CostBudget
from evolve.models.errors import BudgetSpentError, ModelError, RateLimitError, TooLongError
from evolve.models.rate_limits import TURN
from evolve.models.route import Model, Route

STEP = 1.0  # seconds between two checks of who can be asked
SLOWER = 2.0  # a model is not unresponsive before this many times its usual time for an answer


@dataclass
class _Request:
    """The state of a request.

    Attributes:
        messages: Chat messages.
        max_tokens: Most tokens that the reply may have.
        schema: JSON schema that the reply is to follow; None is no schema.
        left: Models that may still answer it, the one that was drawn first.
        limited: Requests that a rate limit turned away, by model.
        too_long: Last error of a model that found it too long; None if there is none.
        failed: Last other error of a model; None if there is none.
        spent: Error of the budget, for the last model that was too expensive; None if none was.
    """

    messages: Sequence[dict[str, str]]
    max_tokens: int
    schema: Mapping[str, Any] | None
    left: list[Route]
    limited: dict[str, ModelCall] = field(default_factory=dict)
    too_long: TooLongError | None = None
    failed: ModelError | None = None
    spent: BudgetSpentError | None = None

    @cached_property
    def size(self) -> int:
        """Characters of the messages: each model counts tokens in its own way."""
        return sum(len(message["content"]) for message in self.messages)

    def choose_route(self, patience: float) -> Route | None:
        """The model to ask next; None if there is none.

        Once a request was too long for one model, it is made shorter rather than waits for another.
        """
        waits = {id(route): route.limiter.seconds_to_avoid(patience) for route in self.left}
        routes, size = self.left, self.size
        if self.too_long is not None:
            routes = [one for one in routes if one.has_room(size) and not waits[id(one)]]
        return min(routes, key=lambda one: (waits[id(one)], not one.has_room(size)), default=None)

    def drop_route(self, route: Route, error: ModelError | BudgetSpentError) -> None:
        """Record that a model does not answer the request."""
        self.left.remove(route)
        if isinstance(error, TooLongError):
            self.too_long = error
        elif isinstance(error, ModelError):
            self.failed = error
        else:
            self.spent = error

    @property
    def verdict(self) -> ModelError | BudgetSpentError:
        """Why nobody has answered: first what can be mended, and money only if it is all."""
        error = self.too_long or self.failed or self.spent
        assert error is not None, "there is a model at least, and it was asked"
        return error

    def limited_except(self, name: str) -> list[ModelCall]:
        """The requests that models other than the one of that name have turned away."""
        return [call for other, call in self.limited.items() if other != name]


class Ensemble:
    """The language models of a run. Its methods may be called from several threads.

    Args:
        models: Models in the order in which they stand in for each other.
        budget: Budget for all of them.
        patience: Seconds for which a rate limit is waited for while another model could answer, and
            seconds without any answer after which the models are unresponsive.
        clock: Function that gives the time in seconds.
        sleep: Function that waits for some seconds.
        jitter: Function that draws a random number from 0 to 1.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        budget: CostBudget,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._routes = [Route(model, clock, jitter) for model in models]
        self._budget, self._patience = budget, patience
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._waiting = 0
        self._unanswered_since: float | None = None
        self._seconds = 0.0  # an answer's usual time
        self._news: list[str] = []

    def ask(
        self,
        name: str,
        messages: Sequence[dict[str, str]],
        calls: list[ModelCall],
        *,
        max_tokens: int = REPLY_LIMIT,
        schema: Mapping[str, Any] | None = None,
    ) -> ModelCall:
        """Wait until a model answers.

        Args:
            name: Name of the model that is asked if it can be.
            messages: Chat messages to send.
            calls: List to which every request is added that was made, those that failed too; but
                not those that a rate limit turned away and the same model answered later.
            max_tokens: Most tokens that the answer may have.
            schema: JSON schema that the answer is to follow; None is no schema.

        Raises:
            TooLongError: A model may answer a shorter request, and no other one could answer this.
            ModelError: All models failed, or there was no money for the others.
            BudgetSpentError: There is no money for the request, whichever model is asked.
        """
        routes = sorted(self._routes, key=lambda route: route.model.name != name)
        request = _Request(messages, max_tokens, schema, routes)
        answer: ModelCall | None = None
        self._begin()
        try:
            answer = self._find_answer(request, calls)
            return answer
        finally:
            self._end(answer)

    def why_unresponsive(self) -> str:
        """Say why nobody should wait for the models any longer; empty while waiting may help."""
        with self._lock:
            denied = [route.denied for route in self._routes]
            if denied and all(denied):
                return denied[0]
            if self._unanswered_since is None:
                return ""
            silence = self._clock() - self._unanswered_since
            patience = max(self._patience, SLOWER * self._seconds)
            return f"no model has answered for {patience:.0f} s" if silence >= patience else ""

    def take_news(self) -> list[str]:
        """What the user should know of the requests since the last call."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def _begin(self) -> None:
        with self._lock:
            self._waiting += 1
            if self._unanswered_since is None:
                self._unanswered_since = self._clock()

    def _end(self, answer: ModelCall | None) -> None:
        with self._lock:
            self._waiting -= 1
            if answer is None:
                return
            self._unanswered_since = self._clock() if self._waiting else None
            share = 0.3 if self._seconds else 1.0  # an exponential mean follows the models
            self._seconds += share * (answer.seconds - self._seconds)

    def _find_answer(self, request: _Request, calls: list[ModelCall]) -> ModelCall:
        """Wait for the first answer to a request, from whichever model can be asked."""
        name = ""
        while (route := request.choose_route(self._patience)) is not None:
            name = route.model.name
            try:
                call = self._ask_once(route, request)
            except RateLimitError as error:
                request.limited[name] = error.call
            except (ModelError, BudgetSpentError) as error:
                if isinstance(error, ModelError):
                    calls.append(error.call)
                request.drop_route(route, error)
            else:
                if call is not None:
                    calls += [*request.limited_except(name), call]
                    return call
        calls += request.limited_except(name)
        self._budget.exhausted |= isinstance(request.verdict, BudgetSpentError)
        raise request.verdict

    def _ask_once(self, route: Route, request: _Request) -> ModelCall | None:
        """Ask one model; None, after a pause, if it cannot be asked yet."""
        if seconds := route.limiter.enter():
            self._sleep(min(seconds, STEP))
            return None
        try:
            expected = self._expect_cost(route, request)
            if not self._budget.reserve(expected):
                route.limiter.leave()
                self._sleep(TURN)
                return None
        except BudgetSpentError:
            route.limiter.leave()
            raise
        begun, cost = self._clock(), 0.0
        try:
            call = route.ask(request.messages, request.max_tokens, request.schema)
            cost = call.cost or 0.0
        except BaseException as error:
            if isinstance(error, ModelError):  # a part of a reply may have come, and costs
                cost = error.call.cost or 0.0
            self._report(route.record_error(error, begun, request.size))
            raise
        finally:
            self._budget.settle(expected, cost)
        self._report(route.record_answer(call, request.size, constrained=bool(request.schema)))
        return call

    def _expect_cost(self, route: Route, request: _Request) -> float:
        """The expected cost of a request, in dollars; 0 if there is no limit."""
        if not self._budget.limited:
            return 0.0
        return route.model.estimate(request.messages, route.longest_reply or USUAL_REPLY) or 0.0

    def _report(self, text: str) -> None:
        if text:
            with self._lock:
                self._news.append(text)
