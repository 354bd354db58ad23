"""The evaluation of one model: what it is asked, in which order, and what comes of it.

    prefixes of scored rows; the tokens behind them are shown nowhere yet
    the first half of the scored rows, in a random order
    prefixes of rows of the second half, if the model may be the best of its run
    the second half
    the tail: rows again, as they were and with other text behind one of their tokens

The prefixes show what the model knows of tokens that it has not seen; the tail audits what it has
committed to, when it is too late to know what is audited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.referee.audits import Auditor
from trainer.referee.leakage import (
    Evidence,
    Finding,
    LossTable,
    PrefixAnswers,
    TailAnswers,
    answers_by_chance,
    compute_bits_per_byte,
    find_leakage,
)
from trainer.referee.text import Text

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PREFIX_SHARE = 0.375  # prefixes for each scored row, usually
LEAST_PREFIXES = 64  # in any case
NEAR_PREFIXES = 2048  # besides, at least, for a model that may be the best of its run
FINAL_PREFIXES = 8192  # at least, for a model that makes the headline
NEAR = 0.015  # of the value to beat: what comes so near after half of the rows may beat it
TAIL = 32  # rows that come again
SURPRISING = 24  # of these, rows with a token that the model knew surprisingly well
PLACES = 1 << 15  # of all rows together, whose losses those at prefixes are compared with
LEAST_PLACES = 16  # of a row


class AskedModel(Protocol):
    """A model that can be asked; a child's one is a `RemoteModel`, which explains the methods."""

    @property
    def batch(self) -> int: ...
    def compute_losses(
        self, rows: NDArray[np.uint16], targets: NDArray[np.uint16], asked: NDArray[np.bool_]
    ) -> Floats: ...
    def compute_all_losses(self, rows: NDArray[np.uint16], share: float) -> Floats: ...


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        val_bpb: Bits per byte of the scored rows.
        cheating: Why this is no honest model; empty if nothing says so.
        numbers: Number of prefixes, and for each kind of leakage the evidence: how many powers of
            ten the chance of an honest model lies below 1, at least.
    """

    val_bpb: float
    cheating: str
    numbers: dict[str, float]


def evaluate_model(
    text: Text, model: AskedModel, beat: float | None, rng: np.random.Generator
) -> EvaluationResult:
    """Ask a model about all scored rows, and audit its answers.

    Args:
        text: Text whose rows are asked.
        model: Model of the child.
        beat: Best val_bpb so far: a model that may beat it gets more prefixes. None leaves it at
            the usual ones; infinity stands for a model that makes the headline, and gets the most.
        rng: The referee's own generator.

    Raises:
        Closed, Late, ProtocolError, AnswerError: As in `RemoteModel.compute_losses`.
    """
    count = len(text.scored)
    order = rng.permutation(count)
    first, second = np.array_split(order, 2)
    questioner = _Questioner(
        text,
        model,
        Auditor(model.batch, text.continuations, text.spare, rng),
        _draw_places(count, text.width - 1, final=beat == math.inf, rng=rng),
    )
    losses = np.zeros((count, text.width - 1))
    if beat == math.inf:
        every = rng.permutation(count)
        prefixes = [questioner.ask_prefixes(every, max(FINAL_PREFIXES, 2 * count))]
    else:
        usual = max(round(PREFIX_SHARE * count), LEAST_PREFIXES)
        prefixes = [questioner.ask_prefixes(first, usual)]
    losses[first] = questioner.ask_rows(first)
    near = 0.0 if beat in (None, math.inf) else beat * (1 + NEAR)
    if questioner.compute_bits_per_byte(first, losses) < near:
        prefixes.append(questioner.ask_prefixes(second, max(NEAR_PREFIXES, len(second))))
    losses[second] = questioner.ask_rows(second)
    evidence = Evidence(text.scored, text.bos, losses, order, questioner.places, tuple(prefixes))
    table = LossTable.gather(evidence, text.bigrams)
    tail = questioner.ask_tail(evidence, table, rng)
    findings = find_leakage(evidence, table, tail)
    cheating = findings[0].reason if findings[0].is_guilty else ""
    if cheating and answers_by_chance(evidence, tail):
        cheating += "; it answers by chance: if that is all, call model.eval() before"
    val_bpb = questioner.compute_bits_per_byte(order, losses)
    return EvaluationResult(val_bpb, cheating, _summarise(prefixes, findings))


@dataclass(frozen=True)
class _Questioner:
    """Asks a model about a text, one step of an evaluation at a time.

    Attributes:
        text: Text whose rows are asked.
        model: Model that answers.
        auditor: Maker of audits.
        places: Positions (rows, m) that prefixes end at, or are compared with.
    """

    text: Text
    model: AskedModel
    auditor: Auditor
    places: Indices

    def ask_prefixes(self, rows: Indices, count: int) -> PrefixAnswers:
        """Ask about so many prefixes: one each of the first rows, or several of all of them."""
        each = min(-(-count // len(rows)), max(self.places.shape[1] // 2, 1))
        rows = rows[:count]
        plan = self.auditor.plan_prefixes(self.text.scored[rows], self.places[rows, :each])
        answers = self.model.compute_losses(plan.rows, plan.targets, plan.asked)
        return PrefixAnswers(rows, answers[plan.places])

    def ask_rows(self, rows: Indices) -> Floats:
        """Ask about scored rows (n,), in this order: their losses (n, context)."""
        shown = self.auditor.fill_up(self.text.scored[rows])
        logits = len(self.text.scored) * (self.text.width - 1) * len(self.text.sizes)
        share = min(1.0, self.text.fetched_bytes / (4 * logits))
        return self.model.compute_all_losses(shown, share)[: len(rows)]

    def ask_tail(
        self, evidence: Evidence, table: LossTable, rng: np.random.Generator
    ) -> TailAnswers:
        """Ask rows again: most for a token that was known surprisingly well, others at random."""
        surprising = np.argsort(table.residuals.min(axis=1))[:SURPRISING]
        others = rng.permutation(np.setdiff1d(evidence.order, surprising))
        rows = np.resize(np.concatenate((surprising, others)), TAIL)
        columns = rng.integers(self.places.shape[1], size=TAIL)
        columns[:SURPRISING] = table.residuals[rows].argmin(axis=1)[:SURPRISING]
        plan = self.auditor.plan_tail(self.text.scored[rows], self.places[rows, columns])
        answers = self.model.compute_losses(plan.rows, plan.targets, plan.asked)[plan.places]
        committed = evidence.losses[rows[:, None], plan.columns]
        return TailAnswers(
            hidden=answers[:, 0],
            shown=answers[:, 1],
            committed=committed[:, 2:].mean(axis=1),
            repeated=answers[:, 2:].mean(axis=1),
        )

    def compute_bits_per_byte(self, rows: Indices, losses: Floats) -> float:
        """The val_bpb of some rows."""
        return compute_bits_per_byte(losses[rows], self.text.sizes[self.text.scored[rows, 1:]])


def _draw_places(rows: int, context: int, *, final: bool, rng: np.random.Generator) -> Indices:
    """Draw positions (rows, m) that prefixes end at, or are compared with."""
    prefixes = 2 * max(FINAL_PREFIXES if final else 2 * NEAR_PREFIXES, 2 * rows) // rows
    count = min(max(prefixes, PLACES // rows, LEAST_PLACES), context)
    return np.stack([rng.permutation(context)[:count] for _ in range(rows)])


def _summarise(prefixes: Sequence[PrefixAnswers], findings: Sequence[Finding]) -> dict[str, float]:
    numbers = {"audit_prefixes": float(sum(answers.losses.size for answers in prefixes))}
    for finding in reversed(findings):  # the most incriminating one of each kind stays
        numbers[f"evidence_{finding.kind}"] = round(abs(finding.log_p) / math.log(10), 2)
    return numbers
