"""The evaluation of one model: what is asked, and what the answers say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.referee.asking import Answers, Asking, Floats
from trainer.referee.plan import Plan, make_plan, plan_again
from trainer.referee.text import Text
from trainer.referee.verdict import Forks, Suspicion, bits_per_byte, suspicion

PAIRS_SHARE = 0.09  # pairs of rows for each scored row; a pair is two rows
FULL_PAIRS = 500  # of rows, for a model that would be the best of its run
NEAR = 0.015  # of the value to beat: what comes so near after half of the rows is looked at fully


@dataclass(frozen=True)
class Result:
    """What an evaluation gave.

    Attributes:
        val_bpb: bits per byte of the scored rows.
        suspicion: why this is no honest model; empty if nothing says so.
        numbers: the statistics, by name.
    """

    val_bpb: float
    suspicion: str
    numbers: dict[str, float]


def examine(
    text: Text, asking: Asking, batch: int, beat: float | None, rng: np.random.Generator
) -> Result:
    """Evaluate a model in two parts, each half of the scored rows with pairs among them.

    After the first part it shows whether the model may be the best of its run. Then the second
    part has many more pairs, and the model cannot tell them from the rows that count. At the end
    a batch of early rows comes again.

    Args:
        text: whose rows are asked.
        asking: the way to the model.
        batch: rows of one request.
        beat: the best val_bpb so far; None asks the usual pairs only, infinity all from the start.
        rng: the referee's own.

    Raises:
        Closed, Late, ProtocolError, AnswerError: as `Asking.ask`.
    """
    order = rng.permutation(len(text.scored))
    halves = np.array_split(order, 2)
    usual = max(round(PAIRS_SHARE * len(text.scored) / 2), 8)

    def ask(rows: np.ndarray, pairs: int) -> tuple[Plan, Answers]:
        drawn = text.diamonds.draw(pairs, rng)
        plan = make_plan(text.scored[rows], drawn, text.spare, batch, len(text.sizes), rng)
        return plan, asking.ask(plan)

    def scored(parts: list[tuple[Plan, Answers]]) -> tuple[Floats, NDArray[np.int64]]:
        losses = np.concatenate([answers.losses[plan.scored] for plan, answers in parts])
        targets = np.concatenate([plan.rows[plan.scored, 1:] for plan, _ in parts])
        return losses, text.sizes[targets]

    finalist = beat == math.inf
    parts = [ask(halves[0], FULL_PAIRS if finalist else usual)]
    full = beat is not None and bits_per_byte(*scored(parts)) < beat * (1 + NEAR)
    parts.append(ask(halves[1], FULL_PAIRS if full else usual))
    val_bpb = bits_per_byte(*scored(parts))
    if beat is not None and val_bpb < beat and not full:  # it came from behind
        parts.append(ask(halves[0][:0], FULL_PAIRS))
    first, answers = parts[0]
    again, places = plan_again(first, batch, rng)
    gains = (answers.losses[places] - asking.ask(again).losses).mean(axis=1)
    forks = Forks.of(read_forks(plan, answers) for plan, answers in parts)
    losses, sizes = scored(parts)
    found = suspicion(losses[sizes > 0], forks, gains)
    return Result(val_bpb, found.reason(), _numbers(found, forks))


def read_forks(plan: Plan, answers: Answers) -> Forks:
    """What the answers at the cuts of all pairs say."""
    forks: list[float] = []
    hidden: list[float] = []
    for pair, first, second in plan.pairs:
        for cut in pair.cuts:
            one = answers.at_cuts[first, cut.position]
            two = answers.at_cuts[second, cut.position]
            ahead = one[cut.first] - one[cut.second], two[cut.first] - two[cut.second]
            forks.append(float(ahead[0] - ahead[1]))
            if cut.hidden is not None:
                hidden.append(-float(one[cut.hidden] + two[cut.hidden]) / 2)
    return Forks(np.array(forks, np.float64), np.array(hidden, np.float64))


def _numbers(found: Suspicion, forks: Forks) -> dict[str, float]:
    return {
        "probe_cuts": float(len(forks.forks)),
        "probe_signs": found.signs,
        "probe_sizes": found.sizes,
        "probe_hidden": found.hidden,
        "probe_learnt": found.learnt,
    }
