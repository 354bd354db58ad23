"""One child's run as its referee sees it: from the first word to the verdict.

    warm-up --(start_clock, a steady pace or the cap)--> training --(evaluate)--> evaluation

Only the child's own words move it forward, each within its limit, and nothing that the child says
is believed but how many parameters it has and how many tokens it took, which never win a cell.
"""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from population import Status
from trainer.referee import channel
from trainer.referee.asking import Asking
from trainer.referee.channel import Closed, Late, ProtocolError, number
from trainer.referee.exam import examine
from trainer.referee.pace import is_steady
from trainer.referee.rules import LEAST_BATCHES, MAX_BATCH, MAX_PACE, Rules
from trainer.referee.scoring import AnswerError
from trainer.referee.text import Text


@dataclass(frozen=True)
class Verdict:
    """What the referee found.

    Attributes:
        status: ok, or why there is no fitness; None if the child ended before it was evaluated.
        reason: in a sentence; empty if ok. That of a child that ended too early is for one whose
            exit code says nothing else.
        fitness: val_bpb; None unless ok.
        numbers: what else was measured or told, by name; for the rest the genome's report counts.
    """

    status: Status | None
    reason: str = ""
    fitness: float | None = None
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Referee:
    """Everything that a child's run is judged by.

    Attributes:
        text: the prepared text.
        rules: the limits.
        rng: the referee's own, from which the child's must not be guessed.
        beat: the best val_bpb of the run so far; a model that beats it is looked at harder. None
            looks as hard at all.
        clock: seconds, rising.
    """

    text: Text
    rules: Rules
    rng: np.random.Generator
    beat: float | None
    clock: Callable[[], float]

    def judge(self, end: socket.socket, ended: Callable[[], bool]) -> Verdict:
        """Accompany a child until it is judged or gone. Returns, whatever the child does.

        Args:
            end: the referee's end of the socket.
            ended: whether the child has ended, or shall.
        """
        try:
            return self._judge(end, ended)
        except Closed:
            return Verdict(None, "it ended without a call of evaluate_bpb, so nothing was measured")
        except ProtocolError as error:
            return Verdict(Status.INVALID, f"it broke the referee's protocol: {error}")
        except AnswerError as error:
            return Verdict(Status.INVALID, str(error))

    def _judge(self, end: socket.socket, ended: Callable[[], bool]) -> Verdict:
        try:
            self._greet(end, ended)
            clock_start, warmup = self._warm_up(end, ended)
        except Late:
            return Verdict(Status.TIMEOUT, "it did not begin to train in time")
        limit = clock_start + self.rules.budget + self.rules.grace
        try:
            message = channel.hear(end, "evaluate", limit, self.clock, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT,
                f"it did not call evaluate_bpb within {self.rules.budget:g} s of training and "
                f"{self.rules.grace:g} s of grace",
            )
        training = self.clock() - clock_start
        batch = int(number(message, "batch", 1, MAX_BATCH))
        batch = min(batch, max(len(self.text.scored) // LEAST_BATCHES, 1))
        numbers = {
            "training_seconds": min(training, self.rules.budget),
            "warmup_seconds": warmup,
            "num_params_M": number(message, "parameters", 0, 1e12) / 1e6,
        }
        tokens = number(message, "tokens", 0, MAX_PACE * (training + 1))
        if tokens:  # else the genome has a loader of its own, and its word for it stays
            numbers["total_tokens_M"] = tokens / 1e6
        begun = self.clock()
        try:
            with Asking(
                end,
                batch=batch,
                width=self.text.width,
                vocabulary=len(self.text.sizes),
                rng=self.rng,
                deadline=begun + self.rules.evaluation,
                patience=self.rules.answer,
                clock=self.clock,
                ended=ended,
            ) as asking:
                result = examine(self.text, asking, batch, self.beat, self.rng)
                channel.hear(end, "next", begun + self.rules.evaluation, self.clock, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT,
                f"its evaluation took more than {self.rules.answer:g} s for a batch, or "
                f"{self.rules.evaluation:g} s in all",
            )
        numbers |= {"evaluation_seconds": self.clock() - begun, **result.numbers}
        if result.suspicion:
            return Verdict(Status.CHEAT, result.suspicion, numbers=numbers)
        if not (math.isfinite(result.val_bpb) and result.val_bpb > 0):
            return Verdict(Status.INVALID, f"its val_bpb is {result.val_bpb}", numbers=numbers)
        with contextlib.suppress(Closed):  # it has its verdict, whether it hears of it or not
            channel.send(end, {"val_bpb": result.val_bpb})
        return Verdict(Status.OK, "", result.val_bpb, numbers)

    def _greet(self, end: socket.socket, ended: Callable[[], bool]) -> None:
        """Answer the first word with what the child may know: tokenizer, warm-up rows."""
        channel.hear(end, "hello", self.clock() + self.rules.setup, self.clock, ended)
        files = [self.text.tokenizer, self.text.warmup]
        channel.send(end, {"seq_len": self.text.width - 1}, files)

    def _warm_up(self, end: socket.socket, ended: Callable[[], bool]) -> tuple[float, float]:
        """Wait for the clock's start, and hand over the training rows: when, and after how long."""
        begun = self.clock()
        calls: list[float] = []
        while True:
            try:
                message = channel.receive(end, begun + self.rules.warmup, self.clock, ended)
            except Late:  # the clock starts by itself; the child hears of it with its next word
                return self._start(end, begun + self.rules.warmup, ended), self.rules.warmup
            now = self.clock()
            match message["op"]:
                case "start":
                    break
                case "batch":
                    calls.append(now)
                    if is_steady(calls, self.rules.budget):
                        break
                    channel.send(end, {"started": False})
                case _:
                    word = channel.word_of(message)
                    raise ProtocolError(f"{word} before the clock has started")
        self._hand_over(end)
        return now, now - begun

    def _start(self, end: socket.socket, at: float, ended: Callable[[], bool]) -> float:
        """Start the clock of a child that is still busy: its next word gets the rows."""
        limit = at + self.rules.budget + self.rules.grace
        message = channel.receive(end, limit, self.clock, ended)
        if message["op"] not in ("batch", "start"):
            raise ProtocolError(f"{channel.word_of(message)} before any training")
        self._hand_over(end)
        return at

    def _hand_over(self, end: socket.socket) -> None:
        channel.send(end, {"started": True, "budget": self.rules.budget}, [self.text.train])
