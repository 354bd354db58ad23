"""The referee against children that speak the protocol by hand, well or badly."""

from __future__ import annotations

import dataclasses
import json
import math
import mmap
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from population import Status
from trainer.clock import Clock, WallClock, Watch
from trainer.referee import channel
from trainer.referee.referee import Referee, Verdict
from trainer.referee.rules import Rules
from trainer.referee.text import Text

VOCABULARY, SEQ_LEN, BOS = 60, 32, 56
Speak = Callable[[Any], object]


@pytest.fixture
def judge(text: Text, child_class: Any) -> Callable[..., tuple[Verdict, Any]]:
    """Judges a child, a function of its end of the socket: the verdict, what it returned."""

    def run(
        speak: Speak,
        *,
        budget: float = 30.0,
        evaluation: float = 30.0,
        beat: float | None = None,
        clock: Clock | None = None,
        usual_start: float | None = None,
        fetched_bytes: int = 1 << 30,
    ) -> tuple[Verdict, Any]:
        ours, theirs = channel.pair()
        returned: list[Any] = []

        def child() -> None:
            with theirs:
                try:
                    returned.append(speak(child_class(theirs)))
                except (ConnectionError, BrokenPipeError) as error:
                    returned.append(error)

        thread = threading.Thread(target=child)
        thread.start()
        exact = usual_start is not None
        rules = Rules(budget, setup=5.0, evaluation=evaluation, exact=exact)
        limited = dataclasses.replace(text, fetched_bytes=fetched_bytes)
        generator = np.random.default_rng(7)
        referee = Referee(
            limited, rules, generator, beat, clock or WallClock(), lambda: usual_start or math.inf
        )
        with ours:
            verdict = referee.judge(ours, lambda: False)
        thread.join()
        return verdict, returned[0]

    return run


def honest(bigrams: np.ndarray) -> Speak:
    def speak(child: Any) -> object:
        child.begin()
        return child.evaluate(lambda x: bigrams[x])

    return speak


def test_an_honest_child_gets_the_value_that_it_has_by_itself(
    judge: Any, text: Text, bigrams: np.ndarray
) -> None:
    verdict, last = judge(honest(bigrams))
    rows = text.scored.astype(np.int64)
    # the softmax is over the ordinary tokens
    p = np.exp(bigrams[:, :BOS]) / np.exp(bigrams[:, :BOS]).sum(1, keepdims=True)
    sizes = text.sizes[rows[:, 1:]]
    losses = -np.log(p[rows[:, :-1], np.minimum(rows[:, 1:], BOS - 1)])
    wanted = losses[sizes > 0].sum() / np.log(2) / sizes.sum()
    assert verdict.status is Status.OK
    assert verdict.fitness == pytest.approx(wanted, rel=1e-5)
    assert last == {"val_bpb": verdict.fitness}, "it is told so, for its summary"
    assert verdict.numbers["num_params_M"] == 1e-3
    assert verdict.numbers["total_tokens_M"] == 5e-3


def test_tokens_that_no_loader_served_are_not_stated(judge: Any, bigrams: np.ndarray) -> None:
    def speak(child: Any) -> object:
        child.begin()
        return child.evaluate(lambda x: bigrams[x], tokens=0)

    verdict, _ = judge(speak)
    assert verdict.status is Status.OK
    assert "total_tokens_M" not in verdict.numbers


def test_a_child_that_leaves_unevaluated_is_told_of(judge: Any) -> None:
    verdict, _ = judge(lambda child: child.begin())
    assert (verdict.status, verdict.fitness) == (None, None)
    assert "ended without a call of evaluate_bpb" in verdict.reason


def test_a_child_that_would_be_the_best_is_asked_more(judge: Any, bigrams: np.ndarray) -> None:
    found = [judge(honest(bigrams), beat=beat)[0] for beat in (None, 0.001, 99.0, math.inf)]
    assert {verdict.status for verdict in found} == {Status.OK}
    counts = [verdict.numbers["audit_prefixes"] for verdict in found]
    assert counts[0] == counts[1] < counts[2] < counts[3]


def test_committed_losses_are_audited(judge: Any, bigrams: np.ndarray) -> None:
    verdict, _ = judge(honest(bigrams), fetched_bytes=100_000)  # half of the logits
    assert verdict.status is Status.OK

    def liar(child: Any) -> object:
        child.begin()
        _, files = child.ask("evaluate", batch=8, parameters=1, embeddings=0, tokens=1)
        tokens = np.frombuffer(mmap.mmap(files[0], 0), np.uint16)
        answers = np.frombuffer(mmap.mmap(files[1], 0), np.float32)
        wanted = np.frombuffer(mmap.mmap(files[2], 0), np.uint32)
        while "rows" in (answer := child.ask("next")[0]):
            rows = tokens.reshape(answer["rows"], -1).astype(np.int64)
            flat = bigrams[rows[:, :-1]].reshape(-1, VOCABULARY).astype(np.float32)
            if answer["commit"]:
                answers[: len(flat)] = 0.5  # would be a fine score
            word = "ready"
            while count := child.ask(word)[0]["positions"]:
                answers[: count * VOCABULARY] = flat[wanted[:count].astype(int)].ravel()
                word = "answered"
        return answer

    verdict, _ = judge(liar, fetched_bytes=100_000)
    assert verdict.status is Status.INVALID
    assert "committed" in verdict.reason
    assert verdict.fitness is None


@pytest.mark.parametrize("weight", [0.5, 0.01])
def test_a_child_that_looks_ahead_is_a_cheat(
    judge: Any, bigrams: np.ndarray, weight: float
) -> None:
    def speak(child: Any) -> object:
        child.begin()

        def model(x: np.ndarray) -> np.ndarray:
            p = np.exp(bigrams[x]) * (1 - weight)
            ahead = np.roll(x, -1, axis=1)
            np.put_along_axis(
                p,
                ahead[..., None],
                np.take_along_axis(p, ahead[..., None], 2) + weight,
                2,
            )
            return np.log(p)

        return child.evaluate(model)

    verdict, _ = judge(speak, beat=99.0)
    assert verdict.status is Status.CHEAT
    assert "reads ahead" in verdict.reason
    assert verdict.fitness is None


def test_a_child_that_learns_while_it_is_asked_is_a_cheat(judge: Any, bigrams: np.ndarray) -> None:
    def speak(child: Any) -> object:
        child.begin()
        counts = np.exp(bigrams) * 3

        def model(x: np.ndarray) -> np.ndarray:
            answer = np.log(counts / counts.sum(1, keepdims=True))[x]
            np.add.at(counts, (x[:, :-1].ravel(), x[:, 1:].ravel()), 30)
            return answer

        return child.evaluate(model)

    verdict, _ = judge(speak)
    assert verdict.status is Status.CHEAT
    assert "learn" in verdict.reason


def test_late_children_time_out(judge: Any, bigrams: np.ndarray) -> None:
    def sleeps_before(child: Any) -> object:
        child.begin()
        time.sleep(3)
        return child.evaluate(lambda x: bigrams[x])

    verdict, _ = judge(sleeps_before, budget=0.5)
    assert verdict.status is Status.TIMEOUT
    assert "evaluate_bpb" in verdict.reason

    def sleeps_within(child: Any) -> object:
        child.begin()

        def model(x: np.ndarray) -> np.ndarray:
            time.sleep(1)
            return bigrams[x]

        return child.evaluate(model)

    verdict, _ = judge(sleeps_within, evaluation=0.5)
    assert verdict.status is Status.TIMEOUT
    assert "evaluation" in verdict.reason


def test_the_warm_up_shows_few_rows_and_ends_by_its_pace(judge: Any, text: Text) -> None:
    def speak(child: Any) -> object:
        _, (_, warmup) = child.ask("hello")
        count = os.fstat(warmup).st_size // (2 * text.width)
        for calls in range(1, 200):
            time.sleep(0.01)
            answer, files = child.ask("batch")
            if answer["started"]:
                return count, calls, len(files)
        return count, None, 0

    _, (rows, calls, files) = judge(speak, budget=2.0)
    assert rows == 64
    assert 24 <= calls < 60
    assert files == 1, "the training rows come with the clock"


def test_the_warm_up_has_an_end_of_its_own(judge: Any, bigrams: np.ndarray) -> None:
    """A script that is still busy when the cap is reached has lost that time of its budget."""
    now = [0.0]

    class JumpingClock(WallClock):
        def start(self) -> Watch:
            begun = now[0] + time.monotonic()
            return lambda: now[0] + time.monotonic() - begun

    def speak(child: Any) -> object:
        child.ask("hello")
        time.sleep(0.3)  # the referee waits for the first batch by now
        now[0] = 1000.0
        time.sleep(0.3)  # it has started the clock
        now[0] = 2000.0
        child.ask("start")
        return child.end.recv(100)  # nothing: the referee has gone

    verdict, _ = judge(speak, budget=1.0, clock=JumpingClock())
    assert verdict.status is Status.TIMEOUT


class ManualClock(WallClock):
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now, self._watches = 0.0, threading.Semaphore(0)

    def start(self) -> Watch:
        begun = self.now
        self._watches.release()
        return lambda: self.now - begun

    def await_watches(self, count: int) -> None:
        """Wait until so many more watches have started."""
        for _ in range(count):
            assert self._watches.acquire(timeout=10)


@pytest.mark.parametrize(
    ("start", "warm_up", "used"),
    [
        (1.0, 0.0, 0.0),
        (1.0, 2.2, 0.0),  # imports that come late
        (1.0, 2.5, 0.25),
        (3.0, 0.0, 0.0),
        (3.25, 0.5, 0.5),
        (4.25, 0.0, 1.0),
        (4.25, 2.0, 3.0),
    ],
)
def test_work_before_the_clock_counts_beyond_imports_and_a_little_warm_up(
    judge: Any, bigrams: np.ndarray, start: float, warm_up: float, used: float
) -> None:
    """Twice and a quarter the usual start are free, by processor time, and 1 s of warm-up of 10."""
    clock = ManualClock()

    def speak(child: Any) -> object:
        clock.await_watches(2)
        clock.now += start
        child.ask("hello")
        clock.await_watches(1)
        clock.now += warm_up
        child.ask("start")
        return child.evaluate(lambda x: bigrams[x])

    verdict, _ = judge(speak, budget=10.0, clock=clock, usual_start=1.0)
    assert verdict.status is Status.OK
    assert verdict.numbers["training_seconds"] == pytest.approx(used)
    assert verdict.numbers["warmup_seconds"] == pytest.approx(warm_up - used)
    assert verdict.numbers["missed_seconds"] == pytest.approx(used)


def test_a_start_longer_than_the_budget_ends_the_run(judge: Any) -> None:
    clock = ManualClock()

    def speak(child: Any) -> object:
        clock.await_watches(2)
        clock.now += 4.9
        child.ask("hello")
        return child.ask("start")

    verdict, _ = judge(speak, budget=1.0, clock=clock, usual_start=1.0)
    assert verdict.status is Status.TIMEOUT
    assert "0.25 s of warm-up and its imports" in verdict.reason


def test_descriptors_that_a_child_sends_are_closed(judge: Any) -> None:
    before = len(os.listdir("/proc/self/fd"))

    def speak(child: Any) -> object:
        read, write = os.pipe()
        for _ in range(5):
            socket.send_fds(child.end, [b'{"op": "hello"}'], [read, write] * 3)
        os.close(read)
        os.close(write)
        return child.end.recv(100)

    verdict, _ = judge(speak)
    assert verdict.status is Status.INVALID
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # what the child was given


words = st.sampled_from(["hello", "start", "batch", "evaluate", "next", "ready", "answered", "x"])
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.none(), st.text(max_size=5), st.booleans()
)
messages = st.one_of(
    st.builds(
        lambda op, values: json.dumps({**values, "op": op}).encode(),
        words,
        st.dictionaries(
            st.sampled_from(["batch", "parameters", "embeddings", "tokens", "y"]), numbers
        ),
    ),
    st.builds(
        lambda batch: json.dumps(
            {"op": "evaluate", "batch": batch, "parameters": 5, "embeddings": 0, "tokens": 5}
        ).encode(),
        st.integers(0, 10_000),
    ),
    st.sampled_from(
        [b'{"op": "hello"}', b'{"op": "start"}', b'{"op": "batch"}', b'{"op": "next"}']
    ),
    st.binary(min_size=1, max_size=200),
    st.sampled_from(
        [b"[" * 4000, b"x" * 5000, b'{"op": 3}', b"[]", b"null", b"\xff\xfe", b"1e999"]
    ),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(messages, max_size=8), st.booleans())
def test_any_conversation_ends_with_a_verdict(judge: Any, sent: list[bytes], greets: bool) -> None:
    """Whatever comes, the referee neither hangs nor falls, and gives no fitness."""

    def speak(child: Any) -> object:
        child.end.settimeout(0.05)
        for data in [b'{"op": "hello"}', b'{"op": "start"}'] * greets + sent:
            try:
                child.end.send(data)
                child.end.recv(1 << 16)
            except TimeoutError:
                continue
        return None

    verdict, _ = judge(speak, budget=0.1, evaluation=0.2)
    assert verdict.status in (None, Status.INVALID, Status.TIMEOUT)
    assert verdict.fitness is None
