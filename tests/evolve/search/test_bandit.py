"""The bandit over operators and models: it finds what pays, per dollar, and follows changes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.bandit import (
    UNIFORM_SHARE,
    Arm,
    Bandit,
    Chooser,
    FirstRulesBandit,
    FixedMix,
    Outcome,
    begin_bandit,
)

TWEAK, REWORK, PERTURB = Arm("tweak", "a"), Arm("rework", "a"), Arm("perturb")
ARMS = [TWEAK, REWORK, PERTURB]


def play(
    chooser: Chooser, chances: dict[Arm, float], costs: dict[Arm, float], rounds: int, seed: int = 0
) -> Counter[Arm]:
    """What is drawn when each arm pays with its chance."""
    rng = np.random.default_rng(seed)
    drawn: Counter[Arm] = Counter()
    for _ in range(rounds):
        arm = chooser.draw(list(chances), rng)
        drawn[arm] += 1
        chooser.tell(arm, Outcome(float(rng.random() < chances[arm]), costs[arm]))
    return drawn


def test_at_first_every_arm_has_the_same_chance() -> None:
    rng = np.random.default_rng(0)
    drawn = Counter(Bandit().draw(ARMS, rng) for _ in range(3000))
    assert min(drawn.values()) > 900


def test_the_arm_that_pays_most_is_drawn_most_and_none_is_given_up() -> None:
    chances = {TWEAK: 0.1, REWORK: 0.5, PERTURB: 0.1}
    drawn = play(Bandit(), chances, dict.fromkeys(ARMS, 1.0), 600)
    assert drawn[REWORK] > 360
    assert min(drawn.values()) > 600 * UNIFORM_SHARE / 3 / 2


def test_what_costs_less_may_pay_less() -> None:
    chances = {TWEAK: 0.4, PERTURB: 0.3}
    drawn = play(Bandit(), chances, {TWEAK: 4.0, PERTURB: 1.0}, 600)
    assert drawn[PERTURB] > 400


def test_it_follows_when_another_arm_begins_to_pay() -> None:
    bandit = Bandit()
    costs = dict.fromkeys(ARMS, 1.0)
    play(bandit, {TWEAK: 0.6, REWORK: 0.05, PERTURB: 0.05}, costs, 300)
    later = play(bandit, {TWEAK: 0.05, REWORK: 0.6, PERTURB: 0.05}, costs, 400, seed=1)
    assert later[REWORK] > later[TWEAK]


def test_useless_replies_put_all_arms_of_a_model_below_an_operator_that_works() -> None:
    """One that was drawn as often, and of whose children one in six became an elite."""
    asking = [Arm(name, "a") for name in ("tweak", "rework", "simplify", "aim", "crossover")]
    tune, bandit = Arm("tune"), Bandit()
    for number in range(18):
        bandit.tell(asking[number % 5], Outcome(0.0, 0.0, measured=False))
        bandit.tell(tune, Outcome(0.0 if number % 6 else 0.25, 0.01))
    rng = np.random.default_rng(0)
    drawn = Counter(bandit.draw([*asking, tune], rng) for _ in range(1000))
    assert drawn[tune] > 2 * sum(drawn[arm] for arm in asking)


def test_refusals_of_one_model_are_no_fault_of_another() -> None:
    bandit, other = Bandit(), Arm("tweak", "b")
    for _ in range(20):
        bandit.tell(REWORK, Outcome(0.0, 0.0, measured=False))
    rng = np.random.default_rng(0)
    drawn = Counter(bandit.draw([TWEAK, other], rng) for _ in range(1000))
    assert drawn[other] > 5 * drawn[TWEAK] > 0


def test_a_model_that_makes_children_again_is_asked_again() -> None:
    bandit = Bandit()
    for _ in range(10):
        bandit.tell(TWEAK, Outcome(0.0, 0.0, measured=False))
    costs = dict.fromkeys([TWEAK, PERTURB], 0.01)
    play(bandit, {TWEAK: 0.6, PERTURB: 0.05}, costs, 300)
    later = play(bandit, {TWEAK: 0.6, PERTURB: 0.05}, costs, 100, seed=1)
    assert later[TWEAK] > later[PERTURB]


def test_runs_of_earlier_rules_draw_as_they_did() -> None:
    bandit, rng, drawn = begin_bandit(2), np.random.default_rng(5), list[int]()
    for number in range(40):
        arm = bandit.draw(ARMS, rng)
        drawn.append(ARMS.index(arm))
        refused = arm.model and number % 2
        reward = 0.0 if refused or number % 5 else 0.5
        bandit.tell(arm, Outcome(reward, 0.01, measured=not refused))
    assert isinstance(bandit, FirstRulesBandit)
    assert "".join(map(str, drawn)) == "0201211002110000201100111010212012210020"


def test_an_arm_whose_proposals_are_refused_for_nothing_is_drawn_less_and_less() -> None:
    bandit = Bandit()
    rng = np.random.default_rng(0)
    drawn: list[Arm] = []
    for _ in range(300):
        arm = bandit.draw(ARMS, rng)
        drawn.append(arm)
        refused = arm == TWEAK
        reward = 0.0 if refused else float(rng.random() < 0.2)
        bandit.tell(arm, Outcome(reward, 0.0 if refused else 0.01, measured=not refused))
    assert drawn[-150:].count(TWEAK) < 35


def test_a_mix_by_hand_learns_nothing() -> None:
    mix = FixedMix({TWEAK: 3.0, PERTURB: 1.0})
    drawn = play(mix, {TWEAK: 0.0, PERTURB: 1.0}, {TWEAK: 1.0, PERTURB: 1.0}, 400)
    assert 250 < drawn[TWEAK] < 350


outcomes = st.builds(Outcome, st.floats(0, 1), st.floats(0, 100), st.booleans())


@given(st.lists(st.tuples(st.sampled_from(ARMS), outcomes)), st.integers(0, 99))
def test_any_history_leaves_a_draw_that_can_be_repeated(
    told: list[tuple[Arm, Outcome]], seed: int
) -> None:
    bandits = [Bandit(), Bandit()]
    for bandit in bandits:
        for arm, outcome in told:
            bandit.tell(arm, outcome)
    first, second = (bandit.draw(ARMS, np.random.default_rng(seed)) for bandit in bandits)
    assert first == second
    assert first in ARMS


@pytest.mark.parametrize(("arm", "name"), [(TWEAK, "tweak by a"), (PERTURB, "perturb")])
def test_an_arm_says_what_it_is(arm: Arm, name: str) -> None:
    assert str(arm) == name
