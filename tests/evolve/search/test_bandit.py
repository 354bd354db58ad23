"""The bandit over operators and models: it finds what pays, per dollar, and follows changes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.bandit import UNIFORM_SHARE, Arm, Bandit, Chooser, FixedMix, Outcome

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


def test_a_trial_that_took_no_device_counts_less() -> None:
    bandit = Bandit()
    for _ in range(20):
        bandit.tell(TWEAK, Outcome(0.0, 0.01, measured=False))
        bandit.tell(REWORK, Outcome(0.0, 0.01))
    assert bandit.tallies[TWEAK].failures < bandit.tallies[REWORK].failures / 3


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
