"""The result of a scoring script: numbers, or a refusal."""

from __future__ import annotations

import sys
from typing import NoReturn, SupportsFloat

from population import Status
from trainer.summary import RULE

SHOWN = 40  # characters of a value that is no number


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


def _to_float(name: str, value: SupportsFloat) -> float:
    try:
        return float(value)
    except OverflowError as error:
        most = sys.float_info.max
        raise ValueError(f"{name} is larger than any number may be ({most:.2g})") from error
    except (TypeError, ValueError, RuntimeError) as error:  # the last: of a whole tensor
        shown = f"{type(value).__name__} {str(value)[:SHOWN]}"
        raise ValueError(f"{name} should be a number, not {' '.join(shown.split())}") from error
