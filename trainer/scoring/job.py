"""What a scoring script is asked, and its answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, SupportsFloat

from population import Status
from trainer.summary import RULE

GENOME, ITEM = "TRAINER_GENOME", "TRAINER_ITEM"
SEED, BUDGET = "TRAINER_SEED", "TRAINER_BUDGET"
BY_HAND = 60.0  # seconds of budget where nobody states one


@dataclass(frozen=True)
class Candidate:
    """The genome on trial.

    Attributes:
        path: of its file.
        text: what it is.
        item: the name of the task's item that it belongs to; empty if the task has none.
        seed: to draw from what the genome is asked; no genome is told it.
        budget: seconds that the scoring may take.
    """

    path: Path
    text: str
    item: str
    seed: int
    budget: float


def candidate(
    default: str, environ: Mapping[str, str] = os.environ, words: Sequence[str] | None = None
) -> Candidate:
    """The genome to score: the trainer's; by hand the first word of the command line, or `default`.

    By hand the environment may name an item, TRAINER_ITEM, and a seed, TRAINER_SEED.

    Args:
        default: path of a file in the current folder.
        environ: the environment.
        words: of the command line; None takes those of this process.
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
        float(environ.get(BUDGET) or BY_HAND),
    )


def report(**numbers: SupportsFloat) -> None:
    """Print the results, by name, as the trainer reads them.

    Args:
        numbers: Results, each of which `float` can take, also scalars of array libraries. A
            metric that is not finite is no fitness; any other result then counts as not reported.

    Raises:
        ValueError: One is no number.
    """
    values = {name: _to_float(name, value) for name, value in numbers.items()}
    print(RULE)
    for name, value in values.items():
        print(f"{name}: {value:.10g}")
    sys.stdout.flush()


def _to_float(name: str, value: SupportsFloat) -> float:
    try:
        return float(value)
    except OverflowError as error:
        most = sys.float_info.max
        raise ValueError(f"{name} is larger than any number may be ({most:.2g})") from error
    except (TypeError, ValueError, RuntimeError) as error:  # the last: of a whole tensor
        shown = f"{type(value).__name__} {str(value)[:40]}"
        raise ValueError(f"{name} should be a number, not {' '.join(shown.split())}") from error


def refuse(reason: str, status: str = Status.CRASH) -> NoReturn:
    """End without a score.

    Args:
        reason: one sentence, for people and for the language model.
        status: crash, oom, timeout, cheat or invalid.
    """
    word = Status(status)
    if word is Status.OK:
        raise ValueError("what is refused is not ok")
    print(f"{RULE}\nstatus: {word.value}\nreason: {' '.join(reason.split())}", flush=True)
    sys.exit(1)
