"""The score that the outcomes of the tests make, and its explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """The outcome of one test.

    Attributes:
        id: The test's name, as pytest gives it, such as "tests/test_app.py::test_a_name".
        passed: Whether it passed.
        message: Why it failed, in a few lines; empty if it passed.
        called: Names of the program's functions that it called.
    """

    id: str
    passed: bool
    message: str = ""
    called: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """What the tests say of a genome.

    Attributes:
        score: The score, from 0 to 100; 100 if every test passes.
        visible: Outcomes of the tests that a model may read.
        held_out: Outcomes of the tests that no model reads.
        regressions: Ids of the tests that passed at the start and fail now.
    """

    score: float
    visible: Sequence[Outcome]
    held_out: Sequence[Outcome]
    regressions: Sequence[str]


def judge(
    visible: Sequence[Outcome], held_out: Sequence[Outcome], passed_before: Collection[str]
) -> Verdict:
    """Score the outcomes against those of the start.

    The score is the percentage of tests that pass. Two things lower it:

    - A visible test that has begun to pass counts only beside a held-out one that has, too, and
      that calls the same function. A mended cause makes tests of both kinds pass; special cases for
      the visible ones mend nothing, whatever else was mended.
    - With a regression the score is less than half of the start's, whatever was mended: the fewer
      of the start's passing tests still pass, the lower.

    Args:
        visible: Outcomes of the visible tests.
        held_out: Outcomes of the held-out tests.
        passed_before: Ids of the tests that pass at the start.

    Raises:
        ValueError: A test that passed at the start was not run, so that nothing can be compared.
    """
    before = set(passed_before)
    outcomes = {one.id: one.passed for one in (*visible, *held_out)}
    if missing := sorted(before - outcomes.keys()):
        raise ValueError(f"the baseline names tests that are not there: {', '.join(missing)}")
    regressions = [id_ for id_ in outcomes if id_ in before and not outcomes[id_]]
    if regressions:
        worth = (len(before) - len(regressions)) / 2
    else:
        seen, unseen = (
            [one for one in part if one.passed and one.id not in before]
            for part in (visible, held_out)
        )
        worth = len(before) + count_confirmed(seen, unseen) + len(unseen)
    return Verdict(100 * worth / len(outcomes), visible, held_out, regressions)


def count_confirmed(visible: Sequence[Outcome], held_out: Sequence[Outcome]) -> int:
    """Count the visible tests beside which a held-out test of the same functions is.

    Args:
        visible: Visible tests.
        held_out: Held-out tests, each of which confirms one visible test of the same functions.
    """
    groups = Counter(one.called for one in visible)
    return sum(
        min(count, sum(bool(called & one.called) for one in held_out))
        for called, count in groups.items()
    )


def explain(verdict: Verdict) -> str:
    """Explain a verdict to people and models: visible failures by name, held-out ones by number.

    A name or a message of a held-out test would show how to pass it without mending anything.
    """
    lines = [f"visible tests:   {count_passed(verdict.visible)} of {len(verdict.visible)} pass"]
    for one in verdict.visible:
        if not one.passed:
            lines.append(f"  fails: {_shorten(one.id)}")
            lines += [f"    | {line}" for line in one.message.splitlines()]
    lines.append(
        f"held-out tests:  {count_passed(verdict.held_out)} of {len(verdict.held_out)} pass"
    )
    seen = {one.id for one in verdict.visible}
    lines.append(f"regressions:     {len(verdict.regressions) or 'none'}")
    lines += [f"  broken: {_shorten(id_)}" for id_ in verdict.regressions if id_ in seen]
    if unseen := sum(id_ not in seen for id_ in verdict.regressions):
        lines.append(f"  broken: {unseen} of the held-out tests")
    return "\n".join(lines)


def count_passed(outcomes: Sequence[Outcome]) -> int:
    return sum(one.passed for one in outcomes)


def read_ids(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _shorten(id_: str) -> str:
    return id_.rpartition("::")[2]
