"""Several language models as one: who is asked, who takes over, and what is waited for.

A request goes to the model that was drawn for it. A limit of its server is waited for; a model that
fails, or has failed a moment ago, or is limited for long, leaves the request to another one. So
does one for which it is too long, if another one can be asked at once that may have more room.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archive.rows import ModelCall
from evolve.models.allowance import Purse, SpentError
from evolve.models.client import REPLY_TOKENS, LimitError, ModelError, TooLongError
from evolve.models.rate_limits import TURN, Gate

STEP = 1.0  # seconds between two looks at who can be asked
SLOWER = 2.0  # times as long as its answers usually take is a model not called silent


class Model(Protocol):
    """A language model, as `evolve.models.client.LiteLLM`."""

    @property
    def name(self) -> str: ...
    def __call__(self, messages: Sequence[dict[str, str]]) -> ModelCall: ...
    def estimate(
        self, messages: Sequence[dict[str, str]], reply_tokens: int = ...
    ) -> float | None: ...


@dataclass
class Lane:
    """A model with its traffic.

    Attributes:
        model: to ask.
        gate: when it may be asked.
        reply_tokens: of its longest reply; 0 before the first.
        too_long: characters of the shortest request that it has found too long.
    """

    model: Model
    gate: Gate
    reply_tokens: int = 0
    too_long: float = math.inf

    def has_room(self, size: int) -> bool:
        """Whether it may take a request of so many characters."""
        return size < self.too_long


@dataclass
class _Request:
    """What became of a request so far.

    Attributes:
        left: who may still answer it, the one that was drawn first.
        size: its characters.
        limited: the requests that a limit turned away, by model.
        too_long, failed, spent: why models have not answered, the last of each.
    """

    left: list[Lane]
    size: int
    limited: dict[str, ModelCall] = field(default_factory=dict)
    too_long: TooLongError | None = None
    failed: ModelError | None = None
    spent: SpentError | None = None

    def next_lane(self, patience: float) -> Lane | None:
        """Who is asked next; None if nobody is.

        Once it was too long for one model, it is rather made shorter than waits for another one.
        """
        waits = {id(lane): lane.gate.wait(patience) for lane in self.left}
        lanes = self.left
        if self.too_long is not None:
            lanes = [one for one in lanes if one.has_room(self.size) and not waits[id(one)]]
        return min(
            lanes, key=lambda one: (waits[id(one)], not one.has_room(self.size)), default=None
        )

    def give_up(self, lane: Lane, error: ModelError | SpentError) -> None:
        """Take note that a model does not answer it."""
        self.left.remove(lane)
        if isinstance(error, TooLongError):
            self.too_long = error
        elif isinstance(error, ModelError):
            self.failed = error
        else:
            self.spent = error

    @property
    def verdict(self) -> ModelError | SpentError:
        """Why nobody has answered: what can be mended first, and money only if it is all."""
        error = self.too_long or self.failed or self.spent
        assert error is not None, "there is a model at least, and it was asked"
        return error

    def limited_but(self, name: str) -> list[ModelCall]:
        """The requests that other models than the one of that name have turned away."""
        return [call for other, call in self.limited.items() if other != name]


class Ensemble:
    """The language models of a run. Its methods may be called from several threads.

    Args:
        models: in the order in which they stand in for each other.
        purse: what they may cost.
        patience: seconds for which a limit is waited for while another model could answer, and
            without any answer, after which the models are called silent.
        clock, sleep: seconds.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        purse: Purse,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._lanes = [Lane(model, Gate(clock, jitter)) for model in models]
        self._purse, self._patience = purse, patience
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._waiting = 0
        self._silent_since: float | None = None
        self._seconds = 0.0  # that an answer takes, about
        self._news: list[str] = []

    def ask(
        self, name: str, messages: Sequence[dict[str, str]], calls: list[ModelCall]
    ) -> ModelCall:
        """Wait until a model answers.

        Args:
            name: of the model that is asked if it can be.
            messages: to send.
            calls: gets every request that was made, those that failed, too; but not those that a
                limit turned away and the same model answered later.

        Raises:
            TooLongError: for a model that may answer a shorter one, and no other one could.
            ModelError: all models failed, or there was no money for the others.
            SpentError: there is no money for it, whoever is asked.
        """
        lanes = sorted(self._lanes, key=lambda lane: lane.model.name != name)
        request = _Request(lanes, _size(messages))
        answer: ModelCall | None = None
        self._begin()
        try:
            answer = self._answer(request, messages, calls)
            return answer
        finally:
            self._end(answer)

    def why_silent(self) -> str:
        """Why nobody should wait for the models any longer; empty while that may pay."""
        with self._lock:
            if self._silent_since is None:
                return ""
            silence = self._clock() - self._silent_since
            patience = max(self._patience, SLOWER * self._seconds)
            return f"no model has answered for {patience:.0f} s" if silence >= patience else ""

    def news(self) -> list[str]:
        """What happened to the traffic since the last call, for the user."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def _begin(self) -> None:
        with self._lock:
            self._waiting += 1
            if self._silent_since is None:
                self._silent_since = self._clock()

    def _end(self, answer: ModelCall | None) -> None:
        with self._lock:
            self._waiting -= 1
            if answer is None:
                return
            self._silent_since = self._clock() if self._waiting else None
            share = 0.3 if self._seconds else 1.0  # an exponential mean follows the models
            self._seconds += share * (answer.seconds - self._seconds)

    def _answer(
        self, request: _Request, messages: Sequence[dict[str, str]], calls: list[ModelCall]
    ) -> ModelCall:
        """The first answer to a request. While nobody can be asked it waits."""
        name = ""
        while (lane := request.next_lane(self._patience)) is not None:
            name = lane.model.name
            try:
                call = self._once(lane, messages)
            except LimitError as error:
                request.limited[name] = error.call
            except (ModelError, SpentError) as error:
                if isinstance(error, ModelError):
                    calls.append(error.call)
                request.give_up(lane, error)
            else:
                if call is not None:
                    calls += [*request.limited_but(name), call]
                    return call
        calls += request.limited_but(name)
        self._purse.closed |= isinstance(request.verdict, SpentError)
        raise request.verdict

    def _once(self, lane: Lane, messages: Sequence[dict[str, str]]) -> ModelCall | None:
        """Ask one model; None, after a pause, if it cannot be asked yet."""
        gate = lane.gate
        if seconds := gate.enter():
            self._sleep(min(seconds, STEP))
            return None
        try:
            expected = self._expected(lane, messages)
            if not self._purse.reserve(expected):
                gate.leave()
                self._sleep(TURN)
                return None
        except SpentError:
            gate.leave()
            raise
        begun, cost, size = self._clock(), 0.0, _size(messages)
        try:
            call = lane.model(messages)
            cost = call.cost or 0.0
        except LimitError as error:
            if gate.limited(begun, error.seconds):
                self._tell(f"{lane.model.name} takes no more requests for now (HTTP 429)")
            raise
        except TooLongError:
            gate.answered()
            if lane.too_long == math.inf:
                self._tell(
                    f"{lane.model.name} finds a request too long: a model with more room is asked "
                    "if there is one, else it is sent again with less, which a smaller "
                    "--context-tokens would save"
                )
            lane.too_long = min(lane.too_long, size)
            raise
        except BaseException:
            gate.failed(begun)
            raise
        finally:
            self._purse.settle(expected, cost)
        gate.answered()
        if not lane.has_room(size):
            lane.too_long = size + 1  # its server has more room now, or counted other tokens
        lane.reply_tokens = max(lane.reply_tokens, call.tokens_out)
        return call

    def _expected(self, lane: Lane, messages: Sequence[dict[str, str]]) -> float:
        """What a request is taken to cost, in dollars, if that counts."""
        if not self._purse.limited:
            return 0.0
        return lane.model.estimate(messages, lane.reply_tokens or REPLY_TOKENS) or 0.0

    def _tell(self, text: str) -> None:
        with self._lock:
            self._news.append(text)


def _size(messages: Sequence[dict[str, str]]) -> int:
    """The characters of a request: tokens are counted by each model in its own way."""
    return sum(len(message["content"]) for message in messages)
