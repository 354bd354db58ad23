"""From the outcomes of the tests to a score, and to words that help whoever reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What became of one test.

    Attributes:
        id: as pytest names it, such as "tests/test_app.py::test_a_name".
        passed: whether it passed.
        message: why it failed, in a few lines; empty if it passed.
    """

    id: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the tests say of a genome.

    Attributes:
        score: 0 to 100; 100 if every test passes.
        visible: outcomes of the tests that a model may read.
        held_out: those of the others.
        regressions: ids of tests that passed at the start and fail now.
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

    - A visible test that has begun to pass counts only beside a held-out one that has, too. Whoever
      mends a cause passes some of both; who knows the visible tests by heart has mended nothing.
    - With a regression the score is less than half of the start's, whatever was mended: the fewer
      of the start's passing tests still pass, the lower.

    Raises:
        ValueError: a test that passed at the start was not run, so that nothing can be compared.
    """
    before = set(passed_before)
    outcomes = {one.id: one.passed for one in (*visible, *held_out)}
    if missing := sorted(before - outcomes.keys()):
        raise ValueError(f"the baseline names tests that are not there: {', '.join(missing)}")
    regressions = [id_ for id_ in outcomes if id_ in before and not outcomes[id_]]
    if regressions:
        worth = (len(before) - len(regressions)) / 2
    else:
        mended = [
            sum(o.passed and o.id not in before for o in part) for part in (visible, held_out)
        ]
        worth = len(before) + min(mended) + mended[1]
    return Verdict(100 * worth / len(outcomes), visible, held_out, regressions)


def words(verdict: Verdict) -> str:
    """The verdict for people and models: visible failures by name, held-out ones as a number.

    A name or a message of a held-out test would tell how to pass it without mending anything.
    """
    lines = [f"visible tests:   {passed(verdict.visible)} of {len(verdict.visible)} pass"]
    for one in verdict.visible:
        if not one.passed:
            lines.append(f"  fails: {_name(one.id)}")
            lines += [f"    | {line}" for line in one.message.splitlines()]
    lines.append(f"held-out tests:  {passed(verdict.held_out)} of {len(verdict.held_out)} pass")
    seen = {one.id for one in verdict.visible}
    lines.append(f"regressions:     {len(verdict.regressions) or 'none'}")
    lines += [f"  broken: {_name(id_)}" for id_ in verdict.regressions if id_ in seen]
    if unseen := sum(id_ not in seen for id_ in verdict.regressions):
        lines.append(f"  broken: {unseen} of the held-out tests")
    return "\n".join(lines)


def passed(outcomes: Sequence[Outcome]) -> int:
    return sum(one.passed for one in outcomes)


def read_ids(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _name(id_: str) -> str:
    return id_.rpartition("::")[2]
