"""How much fitter children are than their parents: most do nothing, few do much.

The distribution of true gains is a mixture over a fixed grid of sizes, from nothing to a thousand
deviations of a run in either direction; only the shares are fitted, by maximum likelihood with a
weak prior, to what the run has seen so far. That problem is convex, so the fit neither needs a
start nor has a local optimum (M. Stephens, "False discovery rates: a new deal", Biostatistics 2017;
R. Koenker and I. Mizera, "Convex optimization, shape constraints, compound decisions, and empirical
Bayes rules", 2014). Fitted by EM (Dempster, Laird and Rubin 1977).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LATEST_GAINS = 50  # early on gains are larger, so old ones are forgotten
SIZES = 4.0 ** np.arange(6)  # of gains and losses, in deviations of a run: 1 to 1024
MEANS = np.concatenate([[0.0], SIZES, -SIZES])
SPREADS = np.concatenate([[0.25], 0.6 * SIZES, 0.6 * SIZES])  # so that neighbours overlap
BEFORE = 3.0  # gains that are taken to have been seen before any, evenly over the grid
LEAST_SHARE = 1e-3  # of a component; with less it changes nothing
ROUNDS = 30  # of the EM
NORMAL = 1.4826  # times the median absolute deviation of a normal distribution is its deviation
FEWEST_GAINS = 5  # fewer gains do not tell how much they vary

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Gain:
    """How much fitter a child's first run was than its parent's best guess.

    Attributes:
        value: In the metric's unit; above 0 if the child was fitter.
        variance: Of the parent's best guess then, in the metric's unit squared.
    """

    value: float
    variance: float


@dataclass(frozen=True)
class Gains:
    """The latest gains of a search.

    Attributes:
        latest: The last `LATEST_GAINS` of them, the oldest first.
    """

    latest: tuple[Gain, ...] = ()

    def with_gain(self, gain: Gain) -> Gains:
        """The gains with one more, the first run of a child."""
        return Gains((*self.latest, gain)[-LATEST_GAINS:])

    def fit_shares(self, deviation: float) -> Shares:
        """The probability of each component of the grid.

        Args:
            deviation: Standard deviation of one run, in the metric's unit; above 0.

        Returns:
            An array of the grid's length that adds up to 1.
        """
        before = np.full(len(MEANS), BEFORE / len(MEANS))
        shares = before / BEFORE
        if not self.latest:
            return shares
        values = np.array([[gain.value / deviation] for gain in self.latest])
        parents = np.array([[gain.variance / deviation**2] for gain in self.latest])
        variances = SPREADS**2 + parents + 1.0
        logs = -((values - MEANS) ** 2) / variances / 2 - np.log(variances) / 2
        densities = np.exp(logs - logs.max(axis=1, keepdims=True))
        for _ in range(ROUNDS):
            belong = shares * (densities.T @ (1.0 / (densities @ shares)))  # gains to a component
            shares = (belong + before) / (len(values) + BEFORE)
        return shares

    def spread(self, deviation: float) -> float | None:
        """A robust standard deviation of true gains, in the metric's unit; None if few are known.

        Args:
            deviation: Standard deviation of one run, which is part of what the gains show.
        """
        if len(self.latest) < FEWEST_GAINS:
            return None
        values = np.array([gain.value for gain in self.latest])
        spread = NORMAL * float(np.median(np.abs(values - np.median(values))))
        return math.sqrt(max(spread**2 - deviation**2, 0.0))
