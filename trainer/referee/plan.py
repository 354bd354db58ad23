"""What a model is asked, in which order: scored rows, and pairs that fork among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.referee.diamonds import Pair, Tokens

AUDIT_BYTES = 1 << 30  # of logits that are fetched, at most; where it is fewer, all of them


@dataclass(frozen=True)
class Plan:
    """Rows in the order in which they are asked.

    Attributes:
        rows: (rows, width) tokens; a whole number of batches.
        scored: (scored,) where the scored rows stand.
        pairs: the pairs, and where their two rows stand; never in one batch.
        share: of the positions whose logits are fetched; 1 fetches all.
    """

    rows: Tokens
    scored: NDArray[np.int64]
    pairs: tuple[tuple[Pair, int, int], ...]
    share: float


def make_plan(
    scored: Tokens,
    pairs: Sequence[Pair],
    spare: Tokens,
    batch: int,
    vocabulary: int,
    rng: np.random.Generator,
) -> Plan:
    """Shuffle rows into two halves, each of whole batches and with one row of every pair.

    So an answer to a pair's first row is given before the second row is seen.

    Args:
        scored: (rows, width), rows that decide the fitness; may be none.
        pairs: rows that fork.
        spare: (rows, width), rows that fill up what the last batch of a half lacks.
        batch: rows of one request.
        vocabulary: logits of one position.
        rng: the referee's own; the child must not be able to guess it.
    """
    count, width = scored.shape
    filling = spare[rng.integers(0, len(spare), 2 * batch)]
    pool = np.concatenate([scored, *(np.stack(pair.rows) for pair in pairs), filling])
    side = count + 2 * np.arange(len(pairs)) + rng.integers(0, 2, len(pairs))
    other = 2 * (count + 2 * np.arange(len(pairs))) + 1 - side
    shuffled = rng.permutation(count)
    here = min(_up(count // 2 + len(pairs), batch) - len(pairs), count)
    early = rng.permutation(np.concatenate((shuffled[:here], side)))
    late = rng.permutation(np.concatenate((shuffled[here:], other)))
    fill = np.arange(len(pool) - 2 * batch, len(pool))
    early = rng.permutation(np.concatenate((early, fill[: -len(early) % batch])))
    late = rng.permutation(np.concatenate((late, fill[batch:][: -len(late) % batch])))
    order = np.concatenate((early, late))
    place = np.empty(len(pool), np.int64)
    place[order] = np.arange(len(order))
    return Plan(
        rows=pool[order],
        scored=place[:count],
        pairs=tuple(
            (pair, int(place[count + 2 * i]), int(place[count + 2 * i + 1]))
            for i, pair in enumerate(pairs)
        ),
        share=min(1.0, AUDIT_BYTES / (len(order) * (width - 1) * vocabulary * 4)),
    )


def plan_again(plan: Plan, batch: int, rng: np.random.Generator) -> tuple[Plan, NDArray[np.int64]]:
    """A batch of rows that were asked early, to be asked again; it, and where they stood."""
    early = rng.permutation(plan.scored[plan.scored < len(plan.rows) // 2])
    places = np.resize(early, batch)
    return Plan(plan.rows[places], np.arange(0), (), plan.share), places


def _up(size: int, batch: int) -> int:
    """The next multiple of a batch."""
    return -(-size // batch) * batch
