"""One child's run as its referee sees it: from the first word to the verdict.

    warm-up --(start_clock, a steady pace or the cap)--> training --(evaluate)--> evaluation

Only the child's own words move it forward, each within its limit. Nothing that the child says is
believed but how many parameters it has and how many tokens it took, within what is possible; these
never win a cell.
"""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from population import Status
from trainer.clock import CPU, Clock, WallClock, Watch
from trainer.referee import channel
from trainer.referee.channel import Closed, Late, ProtocolError, number
from trainer.referee.evaluation import EvaluationResult, evaluate_model
from trainer.referee.logits import AnswerError
from trainer.referee.pace import is_steady
from trainer.referee.remote_model import RemoteModel
from trainer.referee.rules import LEAST_BATCHES, LEAST_TRAINED, MAX_BATCH, Rules, Wait
from trainer.referee.text import Text
from trainer.stage import EnterStage, Stage, ignore

MOST = 1e15  # parameters or tokens that a child may speak of at all


@dataclass(frozen=True)
class Verdict:
    """What the referee found.

    Attributes:
        status: Status of the run; None if the child ended before it was evaluated.
        reason: Why there is no fitness, in a sentence; empty if there is one. That of a child that
            ended too early is for one whose exit code says nothing else.
        fitness: The val_bpb; None unless the status is ok.
        numbers: What else was measured or told, by name; for the rest the genome's report counts.
        vocabulary: Number of tokens in the vocabulary; 0 unless there is a fitness.
    """

    status: Status | None
    reason: str = ""
    fitness: float | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    vocabulary: int = 0


@dataclass(frozen=True)
class _Training:
    """What is known of a child when it asks to be evaluated.

    Attributes:
        seconds: Time of its training.
        batch: Number of rows that it wants to see at once.
        tokens: Number of tokens that its loader has served; 0 if it has a loader of its own.
        numbers: What is reported of it, by name.
    """

    seconds: float
    batch: int
    tokens: float
    numbers: dict[str, float]


@dataclass(frozen=True)
class Referee:
    """Everything that a child's run is judged by.

    Attributes:
        text: Prepared text.
        rules: Limits of time.
        rng: The referee's own generator, which the child must not be able to guess.
        beat: Best val_bpb of the run so far; a model that may beat it is audited more. None audits
            as usual, infinity audits most.
        clock: Clock of the child.
        measure_start: Function that measures the seconds that a child's start usually takes here;
            infinite where nobody knows.
        enter: Function that learns of every stage that the child enters.
    """

    text: Text
    rules: Rules
    rng: np.random.Generator
    beat: float | None
    clock: Clock
    measure_start: Callable[[], float]
    enter: EnterStage = ignore

    def judge(self, end: socket.socket, ended: Callable[[], bool]) -> Verdict:
        """Accompany a child until it is judged or gone. Returns, whatever the child does.

        Args:
            end: The referee's end of the socket.
            ended: Whether the child has ended, or shall.
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
            early = self._greet(end, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT, f"it said nothing to its referee within {self.rules.setup:g} s"
            )
        try:
            watch, warmup = self._warm_up(end, early, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT,
                "it did not begin to train in time: what it works before counts as training, "
                f"but {self.rules.describe_warmup()}",
            )
        missed, wall = watch(), WallClock().start()
        try:
            message = self._train(end, watch, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT,
                f"it did not call evaluate_bpb within {self.rules.budget:g} s of training and "
                f"{self.rules.grace:g} s of grace",
            )
        training = self._read_training(message, watch(), warmup)
        training.numbers["missed_seconds"] = missed  # of the budget, before it had training rows
        if self.clock.name == CPU:
            training.numbers["training_wall_seconds"] = wall()
        return self._evaluate(end, training, ended)

    def _train(
        self, end: socket.socket, watch: Watch, ended: Callable[[], bool]
    ) -> dict[str, object]:
        """Wait for the end of the training, and say meanwhile how much of the budget is used."""
        limit = self.rules.budget + self.rules.grace
        while True:
            message = channel.receive(end, limit, watch, ended)
            if message["op"] != "elapsed":
                channel.expect(message, "evaluate")
                return message
            channel.send(end, {"elapsed": watch()})

    def _read_training(
        self, message: dict[str, object], seconds: float, warmup: float
    ) -> _Training:
        """What a child says of itself when it asks to be evaluated.

        Raises:
            ProtocolError: A number is missing or out of its range.
        """
        batch = int(number(message, "batch", 1, MAX_BATCH))
        tokens = number(message, "tokens", 0, MOST)
        numbers = {
            "training_seconds": min(seconds, self.rules.budget),
            "warmup_seconds": warmup,
            "num_params_M": number(message, "parameters", 0, MOST) / 1e6,
            "num_embeddings_M": number(message, "embeddings", 0, MOST) / 1e6,
        }
        if tokens:  # else the genome has a loader of its own, and its word for it stays
            numbers["total_tokens_M"] = tokens / 1e6
        batch = min(batch, max(len(self.text.scored) // LEAST_BATCHES, 1))
        return _Training(seconds, batch, tokens, numbers)

    def _evaluate(
        self, end: socket.socket, training: _Training, ended: Callable[[], bool]
    ) -> Verdict:
        watch, deadline = self.clock.start(), self.rules.evaluation
        working = self.clock.start_working()
        try:
            with RemoteModel(
                end,
                batch=training.batch,
                width=self.text.width,
                vocabulary=len(self.text.sizes),
                ordinary=self.text.bos,
                rng=self.rng,
                deadline=deadline,
                patience=self.rules.answer,
                clock=watch,
                ended=ended,
                enter=self.enter,
            ) as model:
                result = evaluate_model(self.text, model, self.beat, self.rng)
                channel.hear(end, "next", deadline, watch, ended)
        except Late:
            return Verdict(
                Status.TIMEOUT,
                f"its evaluation took more than {self.rules.answer:g} s for a batch, or "
                f"{self.rules.evaluation:g} s in all",
            )
        numbers = training.numbers | result.numbers
        numbers["evaluation_seconds"] = watch()
        worked = working() if self.rules.exact else 0.0
        verdict = self._conclude(result, training, model.waits, worked, numbers)
        if verdict.fitness is not None:
            with contextlib.suppress(Closed):  # it has its verdict, whether it hears of it or not
                channel.send(end, {"val_bpb": verdict.fitness})
        return verdict

    def _conclude(
        self,
        result: EvaluationResult,
        training: _Training,
        waits: Sequence[Wait],
        worked: float,
        numbers: dict[str, float],
    ) -> Verdict:
        """Weigh what an evaluation found, and how long its answers took."""
        if result.cheating:
            return Verdict(Status.CHEAT, result.cheating, numbers=numbers)
        asked = training.batch * (self.text.width - 1) * (len(waits) - 1)
        tokens = max(training.tokens, LEAST_TRAINED * self.text.scored.size)
        extra = self.rules.count_as_training(waits, asked * training.seconds / tokens, worked)
        if training.seconds + extra > self.rules.budget + self.rules.grace:
            return Verdict(
                Status.TIMEOUT,
                f"it took {extra:.1f} s more for its answers than they need, which counts as "
                f"training beyond the budget of {self.rules.budget:g} s",
                numbers=numbers,
            )
        if not (math.isfinite(result.val_bpb) and result.val_bpb > 0):
            return Verdict(Status.INVALID, f"its val_bpb is {result.val_bpb}", numbers=numbers)
        return Verdict(Status.OK, "", result.val_bpb, numbers, len(self.text.sizes))

    def _greet(self, end: socket.socket, ended: Callable[[], bool]) -> float:
        """Answer the first word with what the child may know: tokenizer, warm-up rows.

        Returns:
            The seconds of warm-up that it has used by then.
        """
        working = self.clock.start_working()
        channel.hear(end, "hello", self.rules.setup, self.clock.start(), ended)
        early = self.rules.count_as_warmup(working(), self.measure_start)
        files = [self.text.tokenizer, self.text.warmup]
        channel.send(end, {"seq_len": self.text.width - 1}, files)
        self.enter(Stage.COMPILE)
        return early

    def _warm_up(
        self, end: socket.socket, early: float, ended: Callable[[], bool]
    ) -> tuple[Watch, float]:
        """Wait for the clock's start, and hand over the training rows.

        Args:
            end: The referee's end of the socket.
            early: Seconds of the warm-up that are used already.
            ended: Whether the child has ended, or shall.

        Returns:
            The watch of the training, and the seconds from the first word to its start.
        """
        since = self.clock.start()

        def waiting() -> float:
            return early + since()

        calls: list[float] = []
        while True:
            try:
                message = channel.receive(end, self.rules.warmup, waiting, ended)
            except Late:  # the clock starts by itself; the child hears of it with its next word
                return self._start(end, waiting, ended), self.rules.warmup - early
            now = waiting()
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
        watch = self.clock.start()
        self._hand_over(end)
        return watch, now - early

    def _start(self, end: socket.socket, waiting: Watch, ended: Callable[[], bool]) -> Watch:
        """Start the clock of a child that is still busy: its next word gets the rows."""

        def watch() -> float:
            return waiting() - self.rules.warmup

        limit = self.rules.budget + self.rules.grace
        message = channel.receive(end, limit, watch, ended)
        if message["op"] not in ("batch", "start"):
            raise ProtocolError(f"{channel.word_of(message)} before any training")
        self._hand_over(end)
        return watch

    def _hand_over(self, end: socket.socket) -> None:
        started = {"started": True, "budget": self.rules.budget, "clock": self.clock.name}
        channel.send(end, started, [self.text.train])
        self.enter(Stage.TRAIN)
