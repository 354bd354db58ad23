"""How fast a version of the program is, compared with the first version.

    python benchmark.py [FILE]      # src/main.py if no file is named

Both versions report on the same nights. The nights are drawn anew each time, so that no version can
know them, and each version runs in a sandbox of its own, in turns and never at the same time: what
one leaves running is gone before the other starts. The seconds are those of this process's clock,
and each answer is compared with the first version's.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.scoring import Box, CallError, ModuleError, read_candidate

from nights import Shape, draw_night, spoil_log

BASELINE = Path(__file__).with_name("baseline") / "main.py"  # the first version, byte for byte
SHAPES = (
    Shape("commuters", 260, 15, 3, 60, 90, 6, 95, 10, 6),
    Shape("festival", 380, 3, 3, 80, 150, 2.5, 30, 35, 8),
    Shape("suburbs", 290, 26, 3, 60, 50, 12, 60, 5, 5),
)
ODD = Shape("odd lines", 40, 4, 2, 15, 10, 2, 20, 10, 5)  # compared, before the clock counts
MOST = 4  # rounds; how many it becomes is a matter of time
UNTIMED = 8.0  # seconds that a version's import may take, and as many its answer to odd lines
LONGEST = 60.0  # seconds that the first version may take for a night
PATIENCE = 3.0, 5.0  # a version may take so many seconds for a night, or so many times the first's
FREE = 0.3  # seconds of processor time outside of the timed nights, for Python and the sandbox


@dataclass(frozen=True)
class Lap:
    """One night, on which both versions reported.

    Attributes:
        shape: Name of the night's shape.
        baseline: Seconds that the first version took.
        candidate: Seconds that the candidate took.
        wrong: Why the candidate's answer is not right; empty if it is.
    """

    shape: str
    baseline: float
    candidate: float
    wrong: str


@dataclass(frozen=True)
class Race:
    """All nights of a race.

    Attributes:
        laps: The nights whose time counts.
        odd: The nights with odd lines, whose answers alone count.
        peak_bytes: The candidate's peak memory, in bytes.
        preparation: The candidate's processor time outside of the nights whose time counts, in
            seconds, beyond what any program needs to start.
    """

    laps: list[Lap]
    odd: list[Lap]
    peak_bytes: int
    preparation: float = 0.0

    @property
    def wrong(self) -> list[Lap]:
        return [lap for lap in (*self.odd, *self.laps) if lap.wrong]

    def ratio(self, shape: str) -> float:
        """How many times as fast the candidate is in nights of one shape, each at its best.

        What it works out before it is asked (when it is imported, or in the night before the clock
        counts) is work for these nights all the same.
        """
        laps = [lap for lap in self.laps if lap.shape == shape]
        candidate = min(lap.candidate for lap in laps) + self.preparation
        return min(lap.baseline for lap in laps) / candidate

    @property
    def speedup(self) -> float:
        """The geometric mean over the shapes, so that none can make up for another."""
        ratios = [self.ratio(shape) for shape in dict.fromkeys(lap.shape for lap in self.laps)]
        return math.prod(ratios) ** (1 / len(ratios))


@dataclass(frozen=True)
class Run:
    """What a version did with some nights in one process.

    Attributes:
        answers: Its answers; the exception that it raised in place of one.
        seconds: Wall-clock time of each answer, in seconds.
        peak_bytes: Its peak memory, in bytes.
        preparation: Its processor time outside of the nights whose time counts, in seconds.
    """

    answers: list[Any]
    seconds: list[float]
    peak_bytes: int
    preparation: float


def race(
    source: str, rng: random.Random, *, seconds: float, shapes: Sequence[Shape] = SHAPES
) -> Race:
    """Let a version race against the first one.

    Args:
        source: The version's text.
        rng: Source of all random numbers, from which the nights are drawn.
        seconds: Seconds to spend, more or less; one round is run in any case.
        shapes: Shapes of the nights of each round.

    Raises:
        ModuleError: The version ended, hung or did not import.
    """
    laps, odd = list[Lap](), list[Lap]()
    peak, preparation, began = 0, math.inf, time.monotonic()
    for number in range(MOST):
        if number and (time.monotonic() - began) * (number + 1) / number > seconds:
            break
        nights = [spoil_log(draw_night(ODD, rng), rng)]
        nights += [draw_night(shape, rng) for shape in shapes]
        # the first version is always first: how long it takes says how long to wait for the other
        first = _run_first_version(nights)
        limits = [UNTIMED, *(max(PATIENCE[0], PATIENCE[1] * pace) for pace in first.seconds[1:])]
        run = run_version(source, nights, limits)
        peak = max(peak, run.peak_bytes)
        preparation = min(preparation, max(run.preparation - FREE, 0.0))
        one, *others = (
            Lap(shape.name, *figures, wrong=difference(right, answer))
            for shape, right, answer, *figures in zip(
                (ODD, *shapes), first.answers, run.answers, first.seconds, run.seconds, strict=True
            )
        )
        odd.append(one)
        laps += others
        if any(lap.wrong for lap in (*odd, *laps)):
            break  # the speed of a wrong version is of no interest
    return Race(laps, odd, peak, preparation)


def _run_first_version(nights: Sequence[Any]) -> Run:
    try:
        return run_version(BASELINE.read_text(), nights, [LONGEST] * len(nights))
    except ModuleError as failed:
        raise RuntimeError(f"the first version itself failed: {failed}") from failed


def run_version(source: str, nights: Sequence[Any], limits: Sequence[float]) -> Run:
    """Let a version report on nights in a fresh sandbox; the time of the first does not count.

    Args:
        source: The version's text.
        nights: Arguments of `report` for each night.
        limits: Most seconds that each night may take.

    Raises:
        ModuleError: The version ended, hung or did not import.
    """
    answers, seconds = list[Any](), list[float]()
    with Box() as box:
        box.put("main.py", source)
        with box.module("main.py", seconds=UNTIMED) as module:
            for night, limit in zip(nights, limits, strict=True):
                try:
                    answers.append(module.call("report", *night, seconds=limit))
                except CallError as error:
                    answers.append(error)
                seconds.append(module.seconds)
    ended = module.ended
    if ended is None:
        return Run(answers, seconds, 0, 0.0)
    return Run(answers, seconds, ended.peak_bytes, ended.cpu_seconds - sum(seconds[1:]))


def difference(right: Any, answer: Any, where: str = "report") -> str:
    """Where an answer is not the right one, in one line; empty if it is. Types count, too."""
    if isinstance(right, CallError) and isinstance(answer, CallError) and right.kind == answer.kind:
        return ""
    if isinstance(answer, CallError):
        return " ".join(f"{where} raised {answer}".split())
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
    candidate = read_candidate("src/main.py")
    rng = random.Random(secrets.randbits(64))
    result = race(candidate.text, rng, seconds=candidate.budget / 2)
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
    if result.preparation:
        print(f"{result.preparation * 1e3:.0f} ms before it was asked, which count for each night")
    for lap in result.wrong:
        print(f"wrong ({lap.shape}): {lap.wrong}")


if __name__ == "__main__":
    main()
