"""The child's model, as the referee asks it: rows go out, logits come back through shared memory.

Batch by batch, the referee writes tokens into memory that it owns, and the child answers `ready`
when its model has seen them. Then the referee names positions, and the child brings their logits
until no more are wanted. Where all logits would be too many, the child commits to the loss of every
position before it is told which ones are looked at. What lies in shared memory is copied before it
is used, since the child can still write there.
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
from trainer.referee.logits import AnswerError, compute_losses
from trainer.referee.rules import Wait
from trainer.stage import EnterStage, Stage, ignore

ANSWER_BYTES = 64 << 20  # of logits that lie in memory at once
AGREEMENT = 1e-4  # nats by which a committed loss may differ from that of its logits

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Masks = NDArray[np.bool_]
Tokens = NDArray[np.uint16]


@dataclass(frozen=True)
class _Batch:
    """A batch that was answered and waits to be scored.

    Attributes:
        targets: Tokens (rows * context,) that the answers are about.
        committed: Losses (rows * context,) that the child committed to; None if it did not have to.
        fetched: Positions within the batch, and their logits.
    """

    targets: Indices
    committed: NDArray[np.float32] | None
    fetched: list[tuple[Indices, NDArray[np.float32]]]


class RemoteModel:
    """Asks a child's model; a context manager, which closes the shared memory's files at its end.

    Args:
        end: The referee's end of the socket.
        batch: Number of rows in a request.
        width: Number of tokens in a row.
        vocabulary: Number of logits of a position.
        ordinary: Number of tokens that are not special; those are the ones below it.
        rng: Generator that chooses the positions that are looked at.
        deadline: Time, by the clock, at which all answers must be there.
        patience: Seconds that each answer may take.
        clock: Clock in seconds, rising.
        ended: Whether the child has ended, or shall.
        enter: Function that learns whether rows are scored or audited.

    Attributes:
        waits: The referee's wait for each batch so far.

    Raises:
        ProtocolError: So large a batch cannot be asked.
    """

    def __init__(
        self,
        end: socket.socket,
        *,
        batch: int,
        width: int,
        vocabulary: int,
        ordinary: int,
        rng: np.random.Generator,
        deadline: float,
        patience: float,
        clock: Callable[[], float],
        ended: Callable[[], bool],
        enter: EnterStage = ignore,
    ) -> None:
        context = width - 1
        if batch * context * 4 > ANSWER_BYTES:
            raise ProtocolError(f"a batch of {batch} rows is too large to evaluate at once")
        self.batch, self.waits = batch, list[Wait]()
        self._end, self._rng = end, rng
        self._deadline, self._patience = deadline, patience
        self._clock, self._ended, self._enter = clock, ended, enter
        self._context, self._vocabulary, self._ordinary = context, vocabulary, ordinary
        self._positions = min(batch * context, ANSWER_BYTES // 4 // vocabulary)
        answers_size = max(self._positions * vocabulary, batch * context)
        self._tokens = _Memory("tokens", np.uint16, batch * width)
        self._answers = _Memory("answers", np.float32, answers_size)
        self._wanted = _Memory("wanted", np.uint32, self._positions)

    def __enter__(self) -> RemoteModel:
        memories = (self._tokens, self._answers, self._wanted)
        values = {"vocabulary": self._vocabulary, "ordinary": self._ordinary}
        channel.send(self._end, values, [memory.descriptor for memory in memories])
        return self

    def __exit__(self, *_: object) -> None:
        for memory in (self._tokens, self._answers, self._wanted):
            os.close(memory.descriptor)  # the pages go with the array

    def compute_losses(self, rows: Tokens, targets: Tokens, asked: Masks) -> Floats:
        """Ask for the losses at some positions.

        Args:
            rows: Tokens (rows, width) to show; a whole number of batches.
            targets: Tokens (rows, context) that the answers are about.
            asked: Mask (rows, context) of the positions that are wanted.

        Returns:
            Nats of the wanted positions, in the mask's order; 0 at special tokens.

        Raises:
            Closed, Late, ProtocolError: As `channel.receive` and `channel.send`.
            AnswerError: The answers are no logits.
        """
        self._enter(Stage.AUDIT)
        masks = [asked[batch] for batch in self._batches(rows)]
        return self._ask(rows, targets, masks, whole=False, commit=False)

    def compute_all_losses(self, rows: Tokens, share: float) -> Floats:
        """Ask for the losses (rows, context) of all shown targets; the rest as `compute_losses`.

        Args:
            rows: Tokens (rows, width); a whole number of batches.
            share: Share of the positions whose logits are looked at. Below 1, the child commits to
                the losses of all first, and those that are looked at must agree.

        Raises:
            AnswerError: The answers are no logits, or not those that the child committed to.
        """
        self._enter(Stage.EVALUATE)
        shape = self.batch, self._context
        asked = [self._rng.random(shape) < share for _ in self._batches(rows)]
        losses = self._ask(rows, rows[:, 1:], asked, whole=True, commit=share < 1)
        return losses.reshape(len(rows), -1)

    def _batches(self, rows: Tokens) -> list[slice]:
        return [slice(i, i + self.batch) for i in range(0, len(rows), self.batch)]

    def _ask(
        self, rows: Tokens, targets: Tokens, asked: list[Masks], *, whole: bool, commit: bool
    ) -> Floats:
        found: list[Floats] = []
        answered: _Batch | None = None
        for batch, mask in zip(self._batches(rows), asked, strict=True):
            before = self._hear("next")
            tokens = rows[batch]
            self._tokens.array[:] = tokens.ravel()
            channel.send(self._end, {"rows": len(tokens), "commit": commit})
            if answered:  # it is scored while the model sees the next one
                found.append(self._score(answered))
            waited = self._hear("ready")
            committed = self._read_committed(tokens.shape[0]) if commit else None
            places = np.flatnonzero(mask)
            parts = range(0, len(places), self._positions)
            chunks = [places[first : first + self._positions] for first in parts]
            fetched = []
            for at in chunks:
                logits, wait = self._fetch(at)
                fetched.append((at, logits))
                waited += wait
            channel.send(self._end, {"positions": 0})
            self.waits.append(Wait(before + waited, whole))
            answered = _Batch(targets[batch].ravel().astype(np.int64), committed, fetched)
        if answered:
            found.append(self._score(answered))
        losses = np.concatenate(found) if found else np.empty(0)
        if not np.isfinite(losses).all():
            raise AnswerError("the model answered with losses that are not finite")
        return losses

    def _score(self, batch: _Batch) -> Floats:
        """The losses of a batch: those that were committed to, else those of the logits.

        Raises:
            AnswerError: The logits are not finite, or not those that the child committed to.
        """
        targets = batch.targets
        found = [
            compute_losses(logits, targets[at], self._ordinary) for at, logits in batch.fetched
        ]
        if batch.committed is None:
            return np.concatenate(found).astype(np.float64) if found else np.empty(0)
        committed = np.where(targets < self._ordinary, batch.committed, 0)
        if not committed.min() >= -AGREEMENT:  # nor is it, if one is not a number
            raise AnswerError("it committed to a loss that no model has")
        for (at, _), losses in zip(batch.fetched, found, strict=True):
            if not np.abs(committed[at] - losses).max() <= AGREEMENT:
                raise AnswerError("its committed losses are not those of its logits")
        return committed.astype(np.float64)

    def _read_committed(self, rows: int) -> NDArray[np.float32]:
        committed: NDArray[np.float32] = self._answers.array[: rows * self._context].copy()
        return committed

    def _fetch(self, at: Indices) -> tuple[NDArray[np.float32], float]:
        """The logits of some positions of the batch (positions, vocabulary), and the wait."""
        self._wanted.array[: len(at)] = at
        channel.send(self._end, {"positions": len(at)})
        waited = self._hear("answered")
        logits: NDArray[np.float32] = self._answers.array[: len(at) * self._vocabulary].copy()
        return logits.reshape(len(at), self._vocabulary), waited

    def _hear(self, word: str) -> float:
        """Wait for a word; the seconds that it took."""
        begun = self._clock()
        deadline = min(self._deadline, begun + self._patience)
        channel.hear(self._end, word, deadline, self._clock, self._ended)
        return self._clock() - begun


class _Memory:
    """An array in a file of its own in memory, which the child can map but not cut short."""

    def __init__(self, name: str, kind: type[np.generic], size: int) -> None:
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, size * np.dtype(kind).itemsize)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW  # else reading could kill the referee
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        self.array = np.frombuffer(mmap.mmap(self.descriptor, 0), kind)
