"""What a scoring script is asked: the genome on trial, and how it is told of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from population import Status
from trainer.scoring.report import refuse

GENOME, ITEM = "TRAINER_GENOME", "TRAINER_ITEM"  # names of environment variables
SEED, BUDGET = "TRAINER_SEED", "TRAINER_BUDGET"
BUDGET_BY_HAND = 60.0  # seconds, where nobody states a budget


@dataclass(frozen=True)
class Candidate:
    """The genome on trial.

    Attributes:
        path: Path of its file.
        text: Its text.
        item: Name of the task's item that it belongs to; empty if the task has no items.
        seed: Seed of the questions that the genome is asked; no genome is told it.
        budget: Seconds that the scoring may take.
    """

    path: Path
    text: str
    item: str
    seed: int
    budget: float


def read_candidate(
    default: str, environ: Mapping[str, str] = os.environ, words: Sequence[str] | None = None
) -> Candidate:
    """Read the genome to score; one that cannot be read is refused.

    It is the trainer's; by hand it is the first word of the command line, or `default`. By hand the
    environment may name an item, TRAINER_ITEM, and a seed, TRAINER_SEED.

    Args:
        default: Path of a file in the current folder.
        environ: The environment.
        words: Words of the command line; None takes those of this process.
    """
    words = sys.argv[1:] if words is None else words
    path = Path(environ.get(GENOME) or (words[0] if words else default))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path} cannot be read: {error}", status=Status.INVALID)
    return Candidate(
        path,
        text,
        environ.get(ITEM, ""),
        int(environ.get(SEED) or 0),
        float(environ.get(BUDGET) or BUDGET_BY_HAND),
    )
