"""Rows go to the child, logits come back through memory that is the referee's.

Batch by batch, the referee writes tokens into shared memory, and the child answers `ready` when its
model has seen them. Then the referee names positions, and the child brings their logits until no
more are wanted. Where all logits would be too many (`Plan.share` below 1), the child commits to the
loss of every position before it is told which ones are looked at. What lies in shared memory is
copied before it is used, since the child can still write there.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.referee import channel
from trainer.referee.channel import ProtocolError
from trainer.referee.plan import Plan
from trainer.referee.scoring import AnswerError, normalise
from trainer.referee.verdict import AUDIT

ANSWER_BYTES = 64 << 20  # of logits that lie in memory at once

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What a model answered to the rows of a plan.

    Attributes:
        losses: (rows, width - 1) nats.
        at_cuts: (row, position) of each cut to the log probabilities of all tokens there.
    """

    losses: Floats
    at_cuts: dict[tuple[int, int], NDArray[np.float32]]


class Asking:
    """Asks a child's model; a context, which ends with the memory's files.

    Args:
        end: the referee's end of the socket.
        batch: rows of one request.
        width: tokens of a row.
        vocabulary: logits of a position.
        rng: chooses the positions that are looked at.
        deadline: by the clock, of all answers.
        patience: seconds, for each answer.
        clock: seconds.
        ended: whether the child has ended, or shall.

    Raises:
        ProtocolError: so large a batch cannot be asked.
        Closed, Late: as everywhere in `channel`.
    """

    def __init__(
        self,
        end: socket.socket,
        *,
        batch: int,
        width: int,
        vocabulary: int,
        rng: np.random.Generator,
        deadline: float,
        patience: float,
        clock: Callable[[], float],
        ended: Callable[[], bool],
    ) -> None:
        context = width - 1
        if batch * context * 4 > ANSWER_BYTES:
            raise ProtocolError(f"a batch of {batch} rows is too large to evaluate at once")
        self._end, self._rng = end, rng
        self._deadline, self._patience = deadline, patience
        self._clock, self._ended = clock, ended
        self._batch, self._context, self._vocabulary = batch, context, vocabulary
        self._positions = min(batch * context, ANSWER_BYTES // 4 // vocabulary)
        answers_size = max(self._positions * vocabulary, batch * context)
        self._tokens = _Memory("tokens", np.uint16, batch * width)
        self._answers = _Memory("answers", np.float32, answers_size)
        self._wanted = _Memory("wanted", np.uint32, self._positions)

    def __enter__(self) -> Asking:
        memories = (self._tokens, self._answers, self._wanted)
        files = [memory.descriptor for memory in memories]
        channel.send(self._end, {"vocabulary": self._vocabulary}, files)
        return self

    def __exit__(self, *_: object) -> None:
        for memory in (self._tokens, self._answers, self._wanted):
            os.close(memory.descriptor)  # the pages go with the array

    def ask(self, plan: Plan) -> Answers:
        """Ask every row of a plan.

        Raises:
            Closed, Late, ProtocolError: as `channel.receive` and `channel.send`.
            AnswerError: the answers are no logits, or not those that the child committed to.
        """
        losses = np.full((len(plan.rows), self._context), np.nan)
        at_cuts: dict[tuple[int, int], NDArray[np.float32]] = {}
        is_cut = np.zeros(losses.shape, bool)
        for pair, *places in plan.pairs:
            for place in places:
                is_cut[place, [cut.position for cut in pair.cuts]] = True
        commit = plan.share < 1
        fetched: list[tuple[Indices, NDArray[np.float32]]] = []
        before = slice(0, 0)
        for start in range(0, len(plan.rows), self._batch):
            batch = slice(start, start + self._batch)
            self._hear("next")
            self._tokens.array[:] = plan.rows[batch].ravel()
            channel.send(self._end, {"rows": len(plan.rows[batch]), "commit": commit})
            # the batch before is scored while the model sees this one
            self._score(plan, before, fetched, losses, is_cut, at_cuts)
            self._hear("ready")
            if commit:
                losses[batch] = self._committed(losses[batch].shape)
            drawn = self._rng.random(is_cut[batch].shape) < plan.share
            looked_at = np.flatnonzero(is_cut[batch] | drawn)
            parts = range(0, len(looked_at), self._positions)
            chunks = [looked_at[first : first + self._positions] for first in parts]
            fetched = [(at, self._fetch(at)) for at in chunks]
            channel.send(self._end, {"positions": 0})
            before = batch
        self._score(plan, before, fetched, losses, is_cut, at_cuts)
        if not np.isfinite(losses).all():
            raise AnswerError("the model answered with losses that are not finite")
        return Answers(losses, at_cuts)

    def _score(
        self,
        plan: Plan,
        batch: slice,
        fetched: list[tuple[Indices, NDArray[np.float32]]],
        losses: Floats,
        is_cut: NDArray[np.bool_],
        at_cuts: dict[tuple[int, int], NDArray[np.float32]],
    ) -> None:
        """Put down the losses of a batch's positions, and what the cuts among them say.

        Raises:
            AnswerError: the logits are not finite, or not those that the child committed to.
        """
        rows, found, cuts = plan.rows[batch], losses[batch], is_cut[batch]
        for at, logits in fetched:
            normalisers = normalise(logits)
            row, column = at // self._context, at % self._context
            targets = rows[row, column + 1].astype(np.int64)
            computed = normalisers - logits[np.arange(len(at)), targets]
            if plan.share < 1 and not np.abs(found[row, column] - computed).max() <= AUDIT:
                raise AnswerError("its committed losses are not those of its logits")
            found[row, column] = computed
            for i in np.flatnonzero(cuts[row, column]):
                place = batch.start + int(row[i]), int(column[i])
                at_cuts[place] = logits[i] - normalisers[i]

    def _committed(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The losses that the child has committed to."""
        losses: NDArray[np.float32] = self._answers.array[: shape[0] * shape[1]].copy()
        if not losses.min() >= -AUDIT:  # nor is it, if one is not a number
            raise AnswerError("it committed to a loss that no model has")
        return losses.reshape(shape)

    def _fetch(self, at: Indices) -> NDArray[np.float32]:
        """The logits of some positions of the batch, (positions, vocabulary)."""
        self._wanted.array[: len(at)] = at
        channel.send(self._end, {"positions": len(at)})
        self._hear("answered")
        logits: NDArray[np.float32] = self._answers.array[: len(at) * self._vocabulary].copy()
        return logits.reshape(len(at), self._vocabulary)

    def _hear(self, word: str) -> None:
        deadline = min(self._deadline, self._clock() + self._patience)
        channel.hear(self._end, word, deadline, self._clock, self._ended)


class _Memory:
    """An array in a file of its own in memory, which the child can map but not cut short."""

    def __init__(self, name: str, kind: type[np.generic], size: int) -> None:
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, size * np.dtype(kind).itemsize)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW  # else reading could kill the referee
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        self.array = np.frombuffer(mmap.mmap(self.descriptor, 0), kind)
