"""Scores a version of the program from 0 to 100.

    python evaluate.py [FILE]       # src/main.py if no file is named

    60  speed         times as fast as the first version, on a log scale: 1x is 0, 100x is all
    30  tests         the share that passes
    10  readability   measured on the syntax tree; it may not drop

Only a version that is right in everything gets points for speed and readability, so that no wrong
one can overtake the first version. One that reads worse than the first has half of its points for
speed at most, so that it stays below the target however fast it is; one that hides what it does has
none. The tests run here, and call the program where it is kept in.
"""

from __future__ import annotations

import importlib.util
import math
import random
import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from trainer.scoring import Box, Candidate, Failed, candidate, refuse, report

from benchmark import BASELINE, IMPORT, Race, race
from readability import WEIGHTS, Readability, readability

TESTS = Path(__file__).with_name("tests") / "test_main.py"
SPEED, PASSING, READABLE = 60.0, 30.0, 10.0  # points, at most
FULL_MARKS = 100.0  # times as fast as the first version
HELD = (
    0.5  # share of its speed points that a version keeps at most if it reads worse than the first
)
LOST = 0.5  # share of the first version's readability that, when it is lost, takes all of them
PER_TEST = 5.0  # seconds that a call may take in a test
SHOWN, WORDS = 10, 200  # findings that are printed; characters of an error


@dataclass(frozen=True)
class Score:
    """The parts of the score, and what is known besides."""

    speed: float
    tests: float
    readability: float

    @property
    def total(self) -> float:
        return self.speed + self.tests + self.readability


def score(passed: int, asked: int, speedup: float, measured: float, baseline: float) -> Score:
    """The score's parts.

    Args:
        passed, asked: tests, and nights once one was reported on wrongly.
        speedup: times as fast as the first version.
        measured, baseline: readability of this version and of the first, from 0 to 1.
    """
    if passed < asked:
        return Score(0.0, PASSING * passed / asked, 0.0)
    share = min(math.log(max(speedup, 1.0)) / math.log(FULL_MARKS), 1.0)
    return Score(SPEED * share * kept(measured, baseline), PASSING, READABLE * measured)


def kept(measured: float, baseline: float) -> float:
    """The share of its points for speed that a version of this readability has."""
    if measured >= baseline:
        return 1.0
    return HELD * max(1 - (baseline - measured) / (LOST * baseline), 0.0)


# -- the tests --------------------------------------------------------------------------------


class Stand:
    """Stands for the program in the tests: what they call is called in the sandbox."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __getattr__(self, function: str) -> Callable[..., Any]:
        return lambda *arguments: self._call(function, *arguments, seconds=PER_TEST)


@dataclass(frozen=True)
class Tested:
    """Why each test fails, by its name, empty if it passes; peak memory in bytes."""

    outcomes: dict[str, str]
    peak_bytes: int

    @property
    def failed(self) -> dict[str, str]:
        return {name: why for name, why in self.outcomes.items() if why}


def tested(source: str) -> Tested:
    """Run all tests against a version of the program.

    Raises:
        Failed: the program does not import, ends or hangs.
    """
    tests = {name: test for name, test in vars(imported(TESTS)).items() if name[:5] == "test_"}
    with Box() as box:
        box.put("main.py", source)
        with box.module("main.py", seconds=IMPORT) as module:
            stand = Stand(module.call)
            outcomes = {name: outcome(test, stand) for name, test in tests.items()}
    return Tested(outcomes, module.ended.peak_bytes if module.ended else 0)


def outcome(test: Callable[[Any], None], stand: Stand) -> str:
    """Why a test fails, in a line; empty if it passes."""
    try:
        test(stand)
    except Failed:
        raise
    except Exception as error:  # an answer of another shape makes a test stumble anywhere
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(TESTS)]
        what = " ".join(f"{type(error).__name__} {error}".split())[:WORDS]
        return f"line {frames[-1].lineno}, {frames[-1].line}: {what}" if frames else what
    return ""


def imported(path: Path) -> ModuleType:
    """A trusted file of this folder as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- the whole --------------------------------------------------------------------------------


def main() -> None:
    job = candidate("src/main.py")
    try:
        measured = readability(job.text)
    except (SyntaxError, ValueError, RecursionError) as error:
        refuse(f"it is no Python: {error}", status="invalid")
    try:
        evaluated(job, measured)
    except Failed as failed:
        refuse(str(failed), status=status(str(failed)))


def status(reason: str) -> str:
    """In one word why the program could not be called."""
    if "took more than" in reason:
        return "timeout"
    return "oom" if "MemoryError" in reason else "crash"


def evaluated(job: Candidate, measured: Readability) -> None:
    """Measure and report.

    Raises:
        Failed: the program does not import, ends or hangs.
    """
    tests = tested(job.text)
    # what the nights look like follows from the seed, and from what nobody can know beforehand
    rng = random.Random(f"{job.seed} {secrets.token_hex()}")
    raced = None if tests.failed else race(job.text, rng, seconds=job.budget / 2)
    right, asked = len(tests.outcomes) - len(tests.failed), len(tests.outcomes)
    speedup = 1.0
    if raced and raced.wrong:
        right, asked = right + len(raced.laps) - len(raced.wrong), asked + len(raced.laps)
    elif raced:
        speedup = raced.speedup
    before = readability(BASELINE.read_text())
    parts = score(right, asked, speedup, measured.value, before.value)
    explain(parts, tests, raced, measured, before)
    report(
        score=parts.total,
        speed_points=parts.speed,
        test_points=parts.tests,
        readability_points=parts.readability,
        times_as_fast=speedup,
        tests_passed=right,
        tests=asked,
        lines=measured.lines,
        memory_mib=(raced or tests).peak_bytes / 2**20,
        nights=len(raced.laps) if raced else 0,
    )


def explain(
    parts: Score, tests: Tested, raced: Race | None, measured: Readability, before: Readability
) -> None:
    """Print how the score came about, for people. What the program answered is quoted."""
    for name, why in tests.failed.items():
        print(f"{name} fails\n| {why}")
    for lap in raced.wrong if raced else []:
        print(f"the report on a night of the shape `{lap.shape}` is wrong\n| {lap.wrong}")
    if raced and not raced.wrong:
        for shape in dict.fromkeys(lap.shape for lap in raced.laps):
            print(f"{shape}: {raced.ratio(shape):.1f} times as fast")
    print(f"speed        {parts.speed:5.1f} of {SPEED:.0f}", end="")
    share = kept(measured.value, before.value)
    print(f" ({share:.0%} of them, since it reads worse than the first version)" * (share < 1))
    print(f"tests        {parts.tests:5.1f} of {PASSING:.0f}")
    print(f"readability  {parts.readability:5.1f} of {READABLE:.0f}", end="")
    shown = (f"{name} {before.parts[name]:.2f} -> {measured.parts[name]:.2f}" for name in WEIGHTS)
    print(f" ({', '.join(shown)})")
    for line, what in measured.findings[:SHOWN]:
        print(f"  line {line}: {what}")
    if len(measured.findings) > SHOWN:
        print(f"  and {len(measured.findings) - SHOWN} findings more")
    print(f"score        {parts.total:5.1f}")


if __name__ == "__main__":
    main()
