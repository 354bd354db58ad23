"""Scores a version of the program from 0 to 100.

    python evaluate.py [FILE]       # src/main.py if no file is named

    60  speed         times as fast as the first version, on a log scale: 1x is 0, 100x is all
    30  tests         the share that passes
    10  readability   measured on the syntax tree; it may not drop

Only a version that is right in everything gets points for speed and readability, so that no wrong
one can overtake the first version. One that reads worse than the first has half of its points for
speed at most, so that it stays below the target however fast it is; one that hides what it does has
none. The tests run here, and call the program in a sandbox.
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

from trainer.scoring import Box, Candidate, ModuleError, read_candidate, refuse, report

from benchmark import BASELINE, UNTIMED, Race, race
from readability import WEIGHTS, Readability, measure_readability

TESTS = Path(__file__).with_name("tests") / "test_main.py"
SPEED, PASSING, READABLE = 60.0, 30.0, 10.0  # points, at most
FULL_MARKS = 100.0  # times as fast as the first version
# A version that reads worse than the first keeps at most so much of its points for speed, and none
# once so much of the first version's readability is lost.
HELD, LOST = 0.5, 0.5
PER_TEST = 5.0  # seconds that a call may take in a test
SHOWN, WORDS = 10, 200  # findings that are printed, and characters of an error


@dataclass(frozen=True)
class Score:
    """The parts of the score.

    Attributes:
        speed: Points for speed, from 0 to 60.
        tests: Points for the tests, from 0 to 30.
        readability: Points for readability, from 0 to 10.
    """

    speed: float
    tests: float
    readability: float

    @property
    def total(self) -> float:
        return self.speed + self.tests + self.readability


def weigh(passed: int, asked: int, speedup: float, measured: float, baseline: float) -> Score:
    """Turn what was measured into points.

    Args:
        passed: Number of tests that pass, and of nights once one was reported on wrongly.
        asked: Number of all of these.
        speedup: How many times as fast as the first version this one is.
        measured: Readability of this version, from 0 to 1.
        baseline: Readability of the first version, from 0 to 1.
    """
    if passed < asked:
        return Score(0.0, PASSING * passed / asked, 0.0)
    share = min(math.log(max(speedup, 1.0)) / math.log(FULL_MARKS), 1.0)
    return Score(SPEED * share * share_kept(measured, baseline), PASSING, READABLE * measured)


def share_kept(measured: float, baseline: float) -> float:
    """The share of its points for speed that a version of some readability keeps."""
    if measured >= baseline:
        return 1.0
    return HELD * max(1 - (baseline - measured) / (LOST * baseline), 0.0)


# -- the tests --------------------------------------------------------------------------------


class StandIn:
    """Stands for the program in the tests, and calls its functions in the sandbox."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __getattr__(self, function: str) -> Callable[..., Any]:
        return lambda *arguments: self._call(function, *arguments, seconds=PER_TEST)


@dataclass(frozen=True)
class TestResult:
    """The outcome of all tests.

    Attributes:
        outcomes: Why each test fails, by its name; empty if it passes.
        peak_bytes: The program's peak memory, in bytes.
    """

    outcomes: dict[str, str]
    peak_bytes: int

    @property
    def failed(self) -> dict[str, str]:
        return {name: why for name, why in self.outcomes.items() if why}


def run_tests(source: str) -> TestResult:
    """Run all tests against a version of the program.

    Raises:
        ModuleError: The program does not import, ends or hangs.
    """
    tests = {name: test for name, test in vars(import_file(TESTS)).items() if name[:5] == "test_"}
    with Box() as box:
        box.put("main.py", source)
        with box.module("main.py", seconds=UNTIMED) as module:
            stand = StandIn(module.call)
            outcomes = {name: run_test(test, stand) for name, test in tests.items()}
    return TestResult(outcomes, module.ended.peak_bytes if module.ended else 0)


def run_test(test: Callable[[Any], None], stand: StandIn) -> str:
    """Why a test fails, in a line; empty if it passes."""
    try:
        test(stand)
    except ModuleError:
        raise
    except Exception as error:  # an answer of another shape makes a test stumble anywhere
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(TESTS)]
        what = " ".join(f"{type(error).__name__} {error}".split())[:WORDS]
        return f"line {frames[-1].lineno}, {frames[-1].line}: {what}" if frames else what
    return ""


def import_file(path: Path) -> ModuleType:
    """Import a trusted file of this folder."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- the whole --------------------------------------------------------------------------------


def main() -> None:
    candidate = read_candidate("src/main.py")
    try:
        measured = measure_readability(candidate.text)
    except (SyntaxError, ValueError, RecursionError) as error:
        refuse(f"it is no Python: {error}", status="invalid")
    try:
        evaluate(candidate, measured)
    except ModuleError as failed:
        refuse(str(failed), status=find_status(str(failed)))


def find_status(reason: str) -> str:
    """The status of a program that could not be called, by the reason."""
    if "took more than" in reason:
        return "timeout"
    return "oom" if "MemoryError" in reason else "crash"


def evaluate(candidate: Candidate, measured: Readability) -> None:
    """Measure and report.

    Raises:
        ModuleError: The program does not import, ends or hangs.
    """
    tests = run_tests(candidate.text)
    # what the nights look like follows from the seed, and from what nobody can know beforehand
    rng = random.Random(f"{candidate.seed} {secrets.token_hex()}")
    raced = None if tests.failed else race(candidate.text, rng, seconds=candidate.budget / 2)
    right, asked = len(tests.outcomes) - len(tests.failed), len(tests.outcomes)
    speedup = 1.0
    if raced and raced.wrong:
        nights = len(raced.laps) + len(raced.odd)
        right, asked = right + nights - len(raced.wrong), asked + nights
    elif raced:
        speedup = raced.speedup
    before = measure_readability(BASELINE.read_text())
    parts = weigh(right, asked, speedup, measured.value, before.value)
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
    parts: Score, tests: TestResult, raced: Race | None, measured: Readability, before: Readability
) -> None:
    """Print what the score is made of, for people. What the program answered is quoted."""
    for name, why in tests.failed.items():
        print(f"{name} fails\n| {why}")
    for lap in raced.wrong if raced else []:
        print(f"the report on a night of the shape `{lap.shape}` is wrong\n| {lap.wrong}")
    if raced and not raced.wrong:
        for shape in dict.fromkeys(lap.shape for lap in raced.laps):
            print(f"{shape}: {raced.ratio(shape):.1f} times as fast")
    if raced and raced.preparation:
        print(f"{raced.preparation:.2f} s of work before it was asked count for each night")
    print(f"speed        {parts.speed:5.1f} of {SPEED:.0f}", end="")
    share = share_kept(measured.value, before.value)
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
