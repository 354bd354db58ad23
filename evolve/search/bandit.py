"""A bandit over operators and models: it chooses what makes the next child by the gains so far.

Discounted Thompson sampling (V. Raj and S. Kalyani, "Taming non-stationary bandits", arXiv
1707.09727): an arm's chance of success is drawn from a Beta distribution over its successes and
failures, which fade, since the best arm changes as a search moves on from the easy gains. Thompson
sampling breaks ties by itself, needs no horizon, and copes with delayed feedback in batches, as
parallel devices give it, where UCB would draw one arm again and again. Arms are compared by the
chance of success per dollar (Y. Xia et al., "Thompson sampling for budgeted multi-armed bandits",
IJCAI 2015), a device's time included, so an expensive model must be better, not only good. A run
ends after a number of children, so each child has a price besides: where models and devices are
almost free, only the gain of a child counts.

Success is two things, which are drawn apart: that a proposal becomes a child at all, and that the
child is a gain. Whether replies can be used is a property of a model and of their form, so all arms
of both share what is known of that: a model whose replies are refused falls as a whole, not one
operator at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from evolve.edits.forms import FREE
from trainer.devices import price_device

DISCOUNT = 0.99  # of earlier results, with every new one: half is forgotten after 70
REFUSED_WEIGHT = 0.25  # of a refused proposal as a trial of its own arm: it took no device
POOLED_RULES = 3  # version of a run's rules from which on a model's refusals are pooled
UNIFORM_SHARE = 0.1  # of the draws, so that no arm is given up for good
CHILD_PRICE = 0.05  # dollars that one of a run's children is worth, whatever it takes


def device_price(name: str) -> float:
    """Dollars a second of a device such as "cuda:0"."""
    return price_device(name) / 3600


@dataclass(frozen=True, order=True)
class Arm:
    """A way to make a child.

    Attributes:
        operator: Name of the operator.
        model: Name of the language model; empty if the operator asks none.
        form: Form of the model's reply; empty if it is free.
    """

    operator: str
    model: str = ""
    form: str = ""

    def __str__(self) -> str:
        return f"{self.operator} by {self.model}" if self.model else self.operator

    @property
    def pool(self) -> str:
        """The name under which its refusals count: the model's, in that form, for all operators."""
        return f"{self.model} {self.form}" if self.model else self.operator

    def in_form(self, form: str) -> Arm:
        """The same with a reply of that form."""
        return replace(self, form="" if form == FREE else form)


@dataclass(frozen=True)
class Outcome:
    """The result of one draw of an arm.

    Attributes:
        reward: Reward, from 0 (nothing) to 1 (a new best).
        cost: Cost in dollars, the device's time included.
        measured: Whether a child came of it that was measured.
    """

    reward: float
    cost: float
    measured: bool = True


class Chooser(Protocol):
    """Draws arms, and learns from the results."""

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        """Draw one of some arms, at least one."""
        ...

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        """Learn the result of an arm."""
        ...


class FixedMix:
    """Draws every arm with a weight given by hand.

    Args:
        weights: Weights by arm, above 0; an arm without one has weight 1.
    """

    def __init__(self, weights: Mapping[Arm, float]) -> None:
        self._weights = dict(weights)

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        weights = np.array([self._weights.get(arm.in_form(FREE), 1.0) for arm in arms])
        return arms[int(rng.choice(len(arms), p=weights / weights.sum()))]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        """Ignore the result: the weights stay."""


@dataclass(frozen=True)
class Tally:
    """The discounted results of an arm, or of several together.

    Attributes:
        successes: Sum of the rewards.
        failures: Sum of what the rewards lacked to 1.
        children: Number of children that were measured.
        refusals: Number of proposals that gave no child.
        cost: Cost in dollars.
    """

    successes: float = 0.0
    failures: float = 0.0
    children: float = 0.0
    refusals: float = 0.0
    cost: float = 0.0

    def discount(self) -> Tally:
        """The tally one result later."""
        known = (self.successes, self.failures, self.children, self.refusals, self.cost)
        return Tally(*(value * DISCOUNT for value in known))

    def add(self, outcome: Outcome) -> Tally:
        """The tally with one more result; a refused proposal is a trial of less weight."""
        weight = 1.0 if outcome.measured else REFUSED_WEIGHT
        return Tally(
            self.successes + weight * outcome.reward,
            self.failures + weight * (1 - outcome.reward),
            self.children + outcome.measured,
            self.refusals + (not outcome.measured),
            self.cost + outcome.cost,
        )


class Bandit:
    """Learns which arms make gains."""

    def __init__(self) -> None:
        self.tallies: dict[Arm, Tally] = {}

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        if rng.random() < UNIFORM_SHARE:
            return arms[int(rng.integers(len(arms)))]
        chances = self._draw_chances(arms, rng)
        values = [chance / self._price(arm) for arm, chance in zip(arms, chances, strict=True)]
        return arms[int(np.argmax(values))]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        self.tallies = {known: tally.discount() for known, tally in self.tallies.items()}
        self.tallies[arm] = self._get(arm).add(outcome)

    def _get(self, arm: Arm) -> Tally:
        return self.tallies.get(arm, Tally())

    def _draw_chances(self, arms: Sequence[Arm], rng: np.random.Generator) -> list[float]:
        """Draw each arm's chance that a proposal becomes a child and the child is a gain."""
        chances: dict[str, float] = {}
        for name in dict.fromkeys(arm.pool for arm in arms):
            known = [tally for arm, tally in self.tallies.items() if arm.pool == name]
            children = sum(tally.children for tally in known)
            chances[name] = rng.beta(1 + children, 1 + sum(tally.refusals for tally in known))
        return [
            chances[arm.pool] * gain
            for arm, gain in zip(arms, self._draw_gains(arms, rng), strict=True)
        ]

    def _draw_gains(self, arms: Sequence[Arm], rng: np.random.Generator) -> list[float]:
        tallies = map(self._get, arms)
        return [rng.beta(1 + tally.successes, 1 + tally.failures) for tally in tallies]

    def _price(self, arm: Arm) -> float:
        """The price of an arm's child in dollars; for a new arm close to the mean of all."""
        cost = sum(tally.cost for tally in self.tallies.values())
        children = sum(tally.children for tally in self.tallies.values())
        mean = cost / children if cost and children else 0.0
        tally = self._get(arm)
        return CHILD_PRICE + (tally.cost + mean) / (tally.children + 1)


class FirstRulesBandit(Bandit):
    """The bandit of runs that began under the first two rules, which are replayed as they went.

    A refusal counted for its own arm alone, as a quarter of a child without a gain.
    """

    def _draw_chances(self, arms: Sequence[Arm], rng: np.random.Generator) -> list[float]:
        return self._draw_gains(arms, rng)


def begin_bandit(rules: int) -> Bandit:
    """A bandit without any result.

    Args:
        rules: Version of the rules under which the run began.
    """
    return Bandit() if rules >= POOLED_RULES else FirstRulesBandit()
