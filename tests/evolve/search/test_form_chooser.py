"""The form of a model's replies: free while that gives children, else what gives more."""

from __future__ import annotations

from collections import Counter

import numpy as np

from evolve.edits.forms import CONSTANTS, DEFINITION, FORMS, FREE
from evolve.search.bandit import Outcome
from evolve.search.form_chooser import FormChooser

A, B = "openai/a", "openai/b"


def play(
    chooser: FormChooser, valid: dict[str, float], gains: dict[str, float], rounds: int, model: str
) -> Counter[str]:
    """What is drawn where each form gives children, and they gains, with these chances."""
    rng, drawn = np.random.default_rng(0), Counter[str]()
    for number in range(rounds):
        form = chooser.draw(model, rng)
        drawn[form] += 1
        if rng.random() >= valid[form]:
            chooser.record_refusal(model, form)
            continue
        chooser.record_child(number, model, form)
        chooser.record_worth(number, Outcome(float(rng.random() < gains[form]), 0.01))
    return drawn


def test_a_model_whose_free_replies_give_children_is_asked_for_nothing_else() -> None:
    chooser = FormChooser(forms=list(FORMS))
    valid = {FREE: 0.8, DEFINITION: 1.0, CONSTANTS: 1.0}
    drawn = play(chooser, valid, dict.fromkeys(FORMS, 0.3), 200, A)
    assert drawn[FREE] > 190


def test_where_free_replies_fail_the_form_that_gives_children_is_found_for_each_model() -> None:
    chooser, gains = FormChooser(forms=list(FORMS)), dict.fromkeys(FORMS, 0.2)
    small = play(chooser, {FREE: 0.0, DEFINITION: 0.0, CONSTANTS: 0.7}, gains, 150, A)
    middling = play(chooser, {FREE: 0.05, DEFINITION: 0.8, CONSTANTS: 0.3}, gains, 150, B)
    assert small[CONSTANTS] > 90
    assert middling[DEFINITION] > 75


def test_valid_replies_that_gain_nothing_give_way_to_those_that_do() -> None:
    chooser = FormChooser(forms=list(FORMS))
    valid = {FREE: 0.3, DEFINITION: 0.0, CONSTANTS: 0.9}
    drawn = play(chooser, valid, {FREE: 0.5, DEFINITION: 0.0, CONSTANTS: 0.0}, 300, A)
    assert drawn[FREE] > drawn[CONSTANTS]


def test_a_form_that_is_fixed_is_not_learnt() -> None:
    chooser = FormChooser({"": CONSTANTS, B: FREE}, list(FORMS))
    nothing = dict.fromkeys(FORMS, 0.0)
    assert set(play(chooser, nothing, nothing, 30, A)) == {CONSTANTS}
    assert set(play(chooser, nothing, nothing, 30, B)) == {FREE}


def test_prose_has_no_other_form() -> None:
    chooser, nothing = FormChooser({A: CONSTANTS}), dict.fromkeys(FORMS, 0.0)
    assert set(play(chooser, nothing, nothing, 30, A)) == {FREE}
    assert set(play(chooser, nothing, nothing, 30, B)) == {FREE}


def test_what_no_model_replied_to_says_nothing_of_a_form() -> None:
    chooser, rng = FormChooser(forms=list(FORMS)), np.random.default_rng(0)
    for number in range(50):
        chooser.record_refusal(A, "")
        chooser.record_child(number, A, "")
        chooser.record_worth(number, Outcome(0.0, 0.0))
    assert {chooser.draw(A, rng) for _ in range(50)} == {FREE}
