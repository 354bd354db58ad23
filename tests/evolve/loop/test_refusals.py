"""Refused proposals are told without flooding the screen."""

from __future__ import annotations

from evolve.loop.refusals import FACTOR, PATIENCE, Refusals


def test_of_a_models_refusals_the_first_is_told_then_the_tenth_and_the_hundredth() -> None:
    refusals = Refusals()
    told = [refusals.take("tweak by m", "no edit in it", by_model=True) for _ in range(120)]
    assert [number for number, text in enumerate(told, 1) if text] == [1, FACTOR, FACTOR**2]
    assert told[0] == "tweak by m gave no child: no edit in it"
    assert told[9] == "tweak by m gave no child, 10 times so far: no edit in it"


def test_another_reason_is_another_kind_and_other_numbers_are_not() -> None:
    refusals = Refusals()
    assert refusals.take("tweak", "line 3 is no Python", by_model=True)
    assert not refusals.take("tweak", "line 14 is no Python", by_model=True)
    assert refusals.take("tweak", "the file is empty", by_model=True)
    assert refusals.take("rework", "line 3 is no Python", by_model=True)


def test_operators_without_a_model_are_borne_with_for_a_while() -> None:
    refusals = Refusals()
    told = [refusals.take("perturb", "nothing new", by_model=False) for _ in range(PATIENCE)]
    assert [bool(text) for text in told] == [False] * (PATIENCE - 1) + [True]


def test_a_generation_hears_how_many_there_were_and_why_most_of_them() -> None:
    refusals = Refusals()
    for number in range(12):
        refusals.take("tweak", "no edit in it" if number else "the file is empty", by_model=True)
    assert refusals.since() == "12 proposals gave no child meanwhile, 11 of them: no edit in it"
    assert refusals.since() == "", "it is told once"
    for _ in range(PATIENCE):
        refusals.take("tweak", "no edit in it", by_model=True)
    assert refusals.since() == "5 proposals gave no child meanwhile, all of them: no edit in it"
    refusals.take("tweak", "no edit in it", by_model=True)
    assert refusals.since() == "", "a few are nothing to tell"
