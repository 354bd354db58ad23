"""How fast a version of the program is, against the one from which the search set out.

    python benchmark.py [FILE]      # src/main.py if no file is named

Both versions report on the same nights. The nights are drawn anew each time, so that no version can
know them, and each version runs in a sandbox of its own, in turns and never at the same time: what
one leaves running is gone before the other starts. The seconds are those of this process's clock,
and each answer is compared with the one that the first version gives.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.scoring import Box, Failed, Raised, candidate

from nights import Shape, draw

BASELINE = Path(__file__).with_name("baseline") / "main.py"  # the first version, byte for byte
SHAPES = (
    Shape("commuters", 260, 15, 3, 60, 90, 6, 95, 10, 6),
    Shape("festival", 380, 3, 3, 80, 150, 2.5, 30, 35, 8),
    Shape("suburbs", 290, 26, 3, 60, 50, 12, 60, 5, 5),
)
PRACTICE = Shape("practice", 20, 4, 2, 10, 10, 1, 20, 10, 5)  # before the clock counts
MOST = 4  # rounds; how many it becomes is a matter of time
IMPORT = 8.0  # seconds that it may take to import a version
LONGEST = 60.0  # seconds that the first version may take for a night
PATIENCE = 3.0, 5.0  # a version may take so many seconds for a night, or so many times the first's


@dataclass(frozen=True)
class Lap:
    """One night, reported on by both versions.

    Attributes:
        shape: of the night, by name.
        baseline, candidate: seconds that they took.
        wrong: why the candidate's answer is not right; empty if it is.
    """

    shape: str
    baseline: float
    candidate: float
    wrong: str


@dataclass(frozen=True)
class Race:
    """All laps, and the candidate's peak memory in bytes."""

    laps: list[Lap]
    peak_bytes: int

    @property
    def wrong(self) -> list[Lap]:
        return [lap for lap in self.laps if lap.wrong]

    def ratio(self, shape: str) -> float:
        """How many times as fast the candidate is in nights of one shape, each at its best."""
        laps = [lap for lap in self.laps if lap.shape == shape]
        return min(lap.baseline for lap in laps) / min(lap.candidate for lap in laps)

    @property
    def speedup(self) -> float:
        """The geometric mean over the shapes, so that none can make up for another."""
        ratios = [self.ratio(shape) for shape in dict.fromkeys(lap.shape for lap in self.laps)]
        return math.prod(ratios) ** (1 / len(ratios))


def race(
    source: str, rng: random.Random, *, seconds: float, shapes: Sequence[Shape] = SHAPES
) -> Race:
    """Let a version race against the first one.

    Args:
        source: the version's text.
        rng: to draw the nights from.
        seconds: to spend, more or less; one round is run in any case.
        shapes: of the nights of each round.

    Raises:
        Failed: the version ended, hung or did not import.
    """
    first = BASELINE.read_text()
    laps: list[Lap] = []
    peak, began = 0, time.monotonic()
    for number in range(MOST):
        if number and (time.monotonic() - began) * (number + 1) / number > seconds:
            break
        practice = draw(PRACTICE, rng)
        nights = [draw(shape, rng) for shape in shapes]
        # the first version is always first: how long it takes says how long to wait for the other
        try:
            expected, paces, _ = timed(first, practice, nights, [LONGEST] * len(nights))
        except Failed as failed:
            raise RuntimeError(f"the first version itself failed: {failed}") from failed
        limits = [max(PATIENCE[0], PATIENCE[1] * pace) for pace in paces]
        answers, times, used = timed(source, practice, nights, limits)
        peak = max(peak, used)
        laps += [
            Lap(shape.name, *figures, wrong=difference(right, answer))
            for shape, right, answer, *figures in zip(
                shapes, expected, answers, paces, times, strict=True
            )
        ]
        if any(lap.wrong for lap in laps):
            break  # the speed of a wrong version is of no interest
    return Race(laps, peak)


def timed(
    source: str, practice: Sequence[Any], nights: Sequence[Any], limits: Sequence[float]
) -> tuple[list[Any], list[float], int]:
    """Let a version report on nights in a fresh sandbox, after a small one that does not count.

    Returns:
        Its answers, the exception it raised in place of one; the seconds; its peak memory in bytes.
    """
    answers, times = list[Any](), list[float]()
    with Box() as box:
        box.put("main.py", source)
        with box.module("main.py", seconds=IMPORT) as module:
            with suppress(Raised):  # what it cannot do here, it cannot do below
                module.call("report", *practice)
            for night, limit in zip(nights, limits, strict=True):
                try:
                    answers.append(module.call("report", *night, seconds=limit))
                except Raised as raised:
                    answers.append(raised)
                times.append(module.seconds)
    return answers, times, module.ended.peak_bytes if module.ended else 0


def difference(right: Any, answer: Any, where: str = "report") -> str:
    """Where an answer is not the right one, in a few words; empty if it is. Types count, too."""
    if isinstance(answer, Raised):
        return f"{where} raised {answer}"
    if type(right) is not type(answer):
        return f"{where} is a {type(answer).__name__} instead of a {type(right).__name__}"
    if isinstance(right, dict) and right.keys() == answer.keys():
        pairs = [(right[key], answer[key], f"{where}[{key!r}]") for key in right]
    elif isinstance(right, list) and len(right) == len(answer):
        pairs = [(one, answer[i], f"{where}[{i}]") for i, one in enumerate(right)]
    else:
        return (
            "" if right == answer else f"{where} is {str(answer)[:60]!r}, not {str(right)[:60]!r}"
        )
    return next(filter(None, (difference(*pair) for pair in pairs)), "")


def main() -> None:
    job = candidate("src/main.py")
    result = race(job.text, random.Random(secrets.randbits(64)), seconds=job.budget / 2)
    print(f"{'':<12}{'first version':>16}{'this version':>16}{'faster':>10}")
    for shape in SHAPES:
        laps = [lap for lap in result.laps if lap.shape == shape.name]
        first, this = min(lap.baseline for lap in laps), min(lap.candidate for lap in laps)
        print(
            f"{shape.name:<12}{first * 1e3:>13.1f} ms{this * 1e3:>13.1f} ms"
            f"{result.ratio(shape.name):>9.1f}x"
        )
    print(f"{'together':<12}{'':>32}{result.speedup:>9.1f}x")
    print(f"peak memory {result.peak_bytes / 2**20:.0f} MiB, {len(result.laps)} nights")
    for lap in result.wrong:
        print(f"wrong ({lap.shape}): {lap.wrong}")


if __name__ == "__main__":
    main()
