"""Which operator, with which model, makes the next child: a bandit over what they gave so far.

Discounted Thompson sampling (V. Raj and S. Kalyani, "Taming non-stationary bandits", arXiv
1707.09727): an arm's chance to pay is drawn from a Beta distribution over its successes and
failures, which fade, since what pays changes as a search moves on from the easy gains. It draws
itself out of a tie, needs no horizon, and takes feedback that comes late and in batches, as that
of parallel devices does, where UCB would draw one arm again and again. What is compared is the
chance to pay per dollar (Y. Xia et al., "Thompson sampling for budgeted multi-armed bandits",
IJCAI 2015), a device's time included, so a dear model must be better, not only good. A run ends
after so many children, so each of them has a price beside: where devices and children cost next to
nothing, what counts is what comes of a child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trainer.devices import price_device

DISCOUNT = 0.99  # of what is known, with every result: half of it is forgotten after 70
REFUSED_WEIGHT = 0.25  # of a proposal that was refused: it took no device, so less of a trial
UNIFORM_SHARE = 0.1  # of the draws, so that no arm is given up for ever


CHILD_PRICE = 0.05  # dollars that one of a run's children is worth, whatever it takes


def device_price(name: str) -> float:
    """Dollars a second of a device such as "cuda:0"."""
    return price_device(name) / 3600


@dataclass(frozen=True, order=True)
class Arm:
    """A way to make a child.

    Attributes:
        operator: its name.
        model: the language model's name; empty if the operator asks none.
    """

    operator: str
    model: str = ""

    def __str__(self) -> str:
        return f"{self.operator} by {self.model}" if self.model else self.operator


@dataclass(frozen=True)
class Outcome:
    """What came of a draw of an arm.

    Attributes:
        reward: 0 (nothing) to 1 (a new best).
        cost: dollars, the device's time included.
        measured: whether a child came of it that took a device.
    """

    reward: float
    cost: float
    measured: bool = True


class Chooser(Protocol):
    """Draws arms, and hears what came of them."""

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        """One of some arms, at least one."""
        ...

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        """Take note of what came of an arm."""
        ...


class FixedMix:
    """Draws every arm with a weight given by hand.

    Args:
        weights: above 0, by arm; an arm without one has 1.
    """

    def __init__(self, weights: Mapping[Arm, float]) -> None:
        self._weights = dict(weights)

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        weights = np.array([self._weights.get(arm, 1.0) for arm in arms])
        return arms[int(rng.choice(len(arms), p=weights / weights.sum()))]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        """What came of it changes nothing."""


@dataclass(frozen=True)
class Tally:
    """What is known of an arm, discounted: trials that paid, that did not, children, dollars."""

    paid: float = 0.0
    failed: float = 0.0
    children: float = 0.0
    cost: float = 0.0

    def faded(self) -> Tally:
        """The same, a result later."""
        known = (self.paid, self.failed, self.children, self.cost)
        return Tally(*(value * DISCOUNT for value in known))

    def plus(self, outcome: Outcome) -> Tally:
        """With one result more."""
        weight = 1.0 if outcome.measured else REFUSED_WEIGHT
        return Tally(
            self.paid + weight * outcome.reward,
            self.failed + weight * (1 - outcome.reward),
            self.children + outcome.measured,
            self.cost + outcome.cost,
        )


class Bandit:
    """Learns which arms pay."""

    def __init__(self) -> None:
        self.tallies: dict[Arm, Tally] = {}

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        if rng.random() < UNIFORM_SHARE:
            return arms[int(rng.integers(len(arms)))]
        chances = [
            rng.beta(1 + tally.paid, 1 + tally.failed)
            for tally in (self.tallies.get(arm, Tally()) for arm in arms)
        ]
        values = [chance / self._price(arm) for arm, chance in zip(arms, chances, strict=True)]
        return arms[int(np.argmax(values))]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        self.tallies = {known: tally.faded() for known, tally in self.tallies.items()}
        self.tallies[arm] = self.tallies.get(arm, Tally()).plus(outcome)

    def _price(self, arm: Arm) -> float:
        """Dollars a child, of an arm that is hardly known close to the mean of all."""
        cost = sum(tally.cost for tally in self.tallies.values())
        children = sum(tally.children for tally in self.tallies.values())
        mean = cost / children if cost and children else 0.0
        tally = self.tallies.get(arm, Tally())
        return CHILD_PRICE + (tally.cost + mean) / (tally.children + 1)
