"""What an ablation's budget has room for, and what a distilled genome leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.genome.part_diff import compare_parts
from evolve.loop.ablation import (
    Ablation,
    Unit,
    Verdict,
    Worth,
    compare_scores,
    group_units,
    list_reductions,
)
from evolve.loop.distill import fit_ablation
from population import Comparison, Direction, Individual, compare_runs


def individual(number: int, parents: tuple[int, ...] = ()) -> Individual:
    return Individual(number, f"c{number}", parents, "seed", "", 0, Direction.MINIMIZE)


def ablation(older: str, newer: str) -> Ablation:
    """An ablation of a program, a unit for each change."""
    diff = compare_parts(older, newer, "python")
    units = [
        Unit(frozenset({number}), change.name, change.describe())
        for number, change in enumerate(diff.changes)
    ]
    base, seed = individual(1, (0,)), individual(0)
    return Ablation(base, seed, newer, "python", diff, tuple(units))


def many(count: int) -> Ablation:
    """One with so many units."""
    names = [f"A{number}" for number in range(count)]
    older, newer = ("".join(f"{name} = {value}\n" for name in names) for value in (1, 2))
    return ablation(older, newer)


# -- the budget -----------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(15, 200))
def test_it_never_takes_more_than_its_budget_and_leaves_no_part_out(parts: int, most: int) -> None:
    fitted = fit_ablation(many(parts), most)
    assert fitted.runs >= 3
    assert fitted.part_runs + 2 * fitted.runs * fitted.attempts <= most
    assert fitted.attempts >= 1
    assert fitted.parts == parts
    assert [n for unit in fitted.units for n in sorted(unit.changes)] == list(range(parts))
    jobs = fitted.list_jobs(0, [(individual(n + 2), "") for n in range(len(fitted.units))],
                            range(fitted.runs))  # fmt: skip
    assert len(jobs) == fitted.part_runs
    assert len({job.seed(0) for job in jobs}) == len(jobs)


def test_parts_are_grouped_only_if_they_must_be() -> None:
    assert fit_ablation(many(4), 24).units == many(4).units
    grouped = fit_ablation(many(5), 24)
    assert [len(unit.changes) for unit in grouped.units] == [1, 1, 1, 2]
    assert grouped.units[-1].name == "constant A3, constant A4"
    assert grouped.units[-1].change == "2 parts together"
    assert fit_ablation(many(4), 100).runs == 5


@given(st.integers(0, 30), st.integers(1, 30))
def test_groups_are_almost_of_one_size(parts: int, most: int) -> None:
    groups = group_units(many(parts).units, most)
    sizes = [len(group.changes) for group in groups]
    assert len(groups) == min(parts, most)
    assert sum(sizes) == parts
    assert not sizes or max(sizes) - min(sizes) <= 1


# -- what is left out -----------------------------------------------------------------------------


def found(gain: float, reach: float) -> Comparison:
    return Comparison(gain, gain - reach, gain + reach, 1.0, 1.0 + gain, (3, 3))


def judged(one: Ablation, *worths: Comparison | str | None) -> list[Worth]:
    """The worth of each unit: a comparison, why it cannot be reverted, or unknown."""
    return [
        Worth(unit, 2, reason=worth) if isinstance(worth, str) else Worth(unit, 2, worth)
        for unit, worth in zip(one.units, worths, strict=True)
    ]


@pytest.mark.parametrize(
    ("worth", "verdict"),
    [
        (found(0.5, 0.4), Verdict.COUNTS),
        (found(0.5, 0.6), Verdict.NO_OP),
        (found(-0.5, 0.6), Verdict.NO_OP),
        (found(-0.5, 0.4), Verdict.HARMS),
        (found(0.0, 0.0), Verdict.NO_OP),
        ("crash: it needs X", Verdict.BOUND),
        (None, Verdict.UNKNOWN),
        (Comparison(1.0, None, None, 1.0, 2.0, (1, 1)), Verdict.UNKNOWN),
    ],
)
def test_a_part_counts_if_its_interval_lies_above_nothing(
    worth: Comparison | str | None, verdict: Verdict
) -> None:
    (one,) = judged(many(1), worth)
    assert one.verdict is verdict


def test_left_out_is_what_does_not_count_then_the_half_that_seemed_to_be_worth_least() -> None:
    one = many(6)
    worths = judged(
        one, found(0.5, 0.1), found(0.2, 0.3), found(-0.5, 0.1), found(0.1, 0.3), None, found(0, 1)
    )
    assert list_reductions(one, worths) == [frozenset({1, 2, 3, 5}), frozenset({2, 5})]
    assert list_reductions(replace(one, attempts=1), worths) == [frozenset({1, 2, 3, 5})]


def test_where_all_counts_nothing_is_left_out() -> None:
    one = many(2)
    assert list_reductions(one, judged(one, found(0.5, 0.1), "crash: no")) == []


CHAIN = "A = 1\nB = A\n\n\ndef f():\n    return B\n\n\nprint(f())\n"


def test_what_only_left_out_code_uses_is_left_out_too_over_many_steps() -> None:
    one = ablation("print(1)\n", CHAIN)
    names = [unit.name for unit in one.units]
    assert names == ["constant A", "constant B", "def f", "top-level code near line 9"]
    worths = judged(one, "crash: A", "crash: B", "crash: f", found(0.0, 0.1))
    assert list_reductions(one, worths) == [frozenset({0, 1, 2, 3})]


def test_what_remaining_code_uses_is_kept() -> None:
    one = ablation("print(1)\n", CHAIN.replace("print(f())", "print(f(), A)"))
    worths = judged(one, "crash: A", "crash: B", found(0.0, 0.1), found(0.5, 0.1))
    (left_out,) = list_reductions(one, worths)
    assert left_out == frozenset({1, 2}), "A is printed"


def test_what_replaced_something_is_no_leftover() -> None:
    older, newer = "def f(x):\n    return 1\n\n\nA = 1\n", "def f():\n    return 1\n\n\nA = 2\n"
    one = ablation(older, newer)
    worths = judged(one, "crash: an argument is missing", found(0.0, 0.1))
    assert list_reductions(one, worths) == [frozenset({1})]


# -- intervals ------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=5),
    st.lists(st.floats(-10, 10), min_size=2, max_size=5),
    st.sampled_from(Direction),
)
def test_who_is_compared_with_whom_only_turns_the_sign(
    one: list[float], other: list[float], direction: Direction
) -> None:
    there, back = compare_runs(one, other, direction), compare_runs(other, one, direction)
    assert there is not None
    assert back is not None
    assert there.low is not None
    assert there.high is not None
    assert back.low == pytest.approx(-there.high, abs=1e-9)
    assert there.low - 1e-9 <= there.gain <= there.high + 1e-9
    assert not (there.is_better and there.is_worse)


def test_a_single_run_has_no_interval_and_none_nothing_to_say() -> None:
    single = compare_runs([1.0], [2.0, 2.0], Direction.MINIMIZE)
    assert single is not None
    assert (single.gain, single.low, single.high) == (1.0, None, None)
    assert compare_scores([], [1.0], Direction.MINIMIZE) is None
