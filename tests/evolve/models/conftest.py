"""Two models on a real HTTP server as one, with a time that goes on when somebody sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from evolve.models import CostBudget, Ensemble, LiteLLM

PATIENCE = 60.0
A, B = "openai/a", "openai/b"
Script = Callable[[Any], Any]


class Time:
    """Goes on when somebody sleeps, and not before."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture(scope="session")
def warmed_up(serve: Any) -> None:
    """What litellm does at its first request takes longer than the time-outs of these tests."""
    LiteLLM(A, api_base=serve(lambda request: "hi").base)([{"role": "user", "content": "Hello?"}])


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def both(chat: Any, time: Time, warmed_up: None) -> Callable[..., tuple[Ensemble, Any]]:
    """Makes an ensemble of A and B, and its server.

    The answers of each come from a script, or from a list, of which the last is given again and
    again.
    """

    def make(
        a: Script | Sequence[Any] = ("a says so",),
        b: Script | Sequence[Any] = ("b says so",),
        *,
        names: tuple[str, ...] = (A, B),
    ) -> tuple[Ensemble, Any]:
        scripts = {"a": as_script(a), "b": as_script(b)}
        server = chat(lambda request: scripts[request.model](request))
        models = [
            LiteLLM(name, api_base=server.base, timeout=1, max_retries=0, clock=time)
            for name in names
        ]
        told = {"clock": time, "sleep": time.sleep, "jitter": lambda: 1.0}
        return Ensemble(models, budget=CostBudget(None), patience=PATIENCE, **told), server

    return make


def as_script(answers: Script | Sequence[Any]) -> Script:
    if callable(answers):
        return answers
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]
