"""The result of a scoring script: numbers, or a refusal."""

from __future__ import annotations

import math
import sys
from typing import NoReturn

from population import Status
from trainer.summary import RULE

SHOWN = 60  # characters of a value that is no number


def report(**numbers: float) -> None:
    """Print the results, by name, as the trainer reads them.

    Args:
        numbers: Finite numbers, or what `float` makes one of, such as a scalar of numpy.

    Raises:
        ValueError: One is no finite number.
    """
    values = {name: _as_float(name, number) for name, number in numbers.items()}
    print(RULE)
    for name, value in values.items():
        print(f"{name}: {value:.10g}")
    sys.stdout.flush()


def refuse(reason: str, status: str = Status.CRASH) -> NoReturn:
    """End without a score.

    Args:
        reason: One sentence, for people and for the language model.
        status: One of crash, oom, timeout, cheat and invalid.
    """
    word = Status(status)
    if word is Status.OK:
        raise ValueError("a genome that is refused has another status than ok")
    print(f"{RULE}\nstatus: {word.value}\nreason: {' '.join(reason.split())}", flush=True)
    sys.exit(1)


def _as_float(name: str, number: object) -> float:
    try:
        value = float(number)  # type: ignore[arg-type]  # whatever a script hands over
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is {str(number)[:SHOWN]!r}, which is no result") from error
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}, which is no result")
    return value
