"""How likely an honest model would look at least as guilty as this one: bounds, not estimates.

They hold for every number of observations and every distribution of them, so that a limit on them
is a guarantee about false alarms. What is returned are natural logarithms of probabilities.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 40  # of the golden-section search for the best exponent
GOLDEN = (math.sqrt(5) - 1) / 2


def compute_sign_test(terms: Floats) -> float:
    """Compute the chance of so many positive terms among those that are not 0.

    Args:
        terms: Observations (n,), each as likely to be positive as negative under the null
            hypothesis, whatever the others are.

    Returns:
        The logarithm of the exact chance, at most 0.
    """
    positive, n = int((terms > 0).sum()), int((terms != 0).sum())
    numbers = np.arange(1, n + 1)
    ways = np.concatenate(([0.0], np.cumsum(np.log(n + 1 - numbers) - np.log(numbers))))
    top = ways[positive:].max()
    total = top + math.log(np.exp(ways[positive:] - top).sum()) - n * math.log(2)
    return min(float(total), 0.0)


def bound_symmetric_sum(terms: Floats) -> float:
    """Bound the chance of so large a sum of terms whose signs are fair coins.

    For fixed magnitudes and fair signs, P(sum >= x * sqrt(sum of squares)) <= exp(-x**2 / 2)
    (Hoeffding 1963, doi 10.1080/01621459.1963.10500830; Efron 1969, doi
    10.1080/01621459.1969.10501068).

    Args:
        terms: Observations (n,), each as likely to be x as -x under the null hypothesis, whatever
            the others are. Zeros say nothing and are allowed.

    Returns:
        The bound's logarithm, at most 0; exactly 0 where the sum is not positive.
    """
    total, squares = float(terms.sum()), float((terms**2).sum())
    return -(total**2) / (2 * squares) if total > 0 else 0.0


def bound_sampled_sum(values: Floats, sampled: NDArray[np.bool_], *, within_rows: bool) -> float:
    """Bound the chance that a random sample of a table's entries has so large a sum.

    Chernoff's bound with the table's own moments, which sampling without replacement keeps
    (Hoeffding 1963, section 6), for a sample of the same number of entries in each row that it
    touches. With M(r) the mean of exp(s * value) over row r, k entries a row and n rows, the moment
    of the sum is at most the product of M(r)**k over the sampled rows, or, where the rows were
    drawn at random as well, (mean over all rows of M(r)**k)**n.

    Args:
        values: Table (rows, entries).
        sampled: Mask of the sampled entries, the same number in each row that has any.
        within_rows: Whether the rows are taken as given, so that entries are compared with others
            of the same row only, instead of as drawn at random among all rows.

    Returns:
        The bound's logarithm, at most 0.
    """
    counts = sampled.sum(axis=1)
    chosen = counts > 0
    n, k, total = int(chosen.sum()), int(counts.max(initial=0)), float(values[sampled].sum())
    table = values[chosen] if within_rows else values
    deviation = float(table.std())
    if not n or deviation == 0 or total <= n * k * float(table.mean()):
        return 0.0

    def exponent(scale: float) -> float:
        moments = k * _log_mean_exp(scale * table)
        return float(moments.sum() if within_rows else n * _log_mean_exp(moments)) - scale * total

    # The exponent is convex in the scale, and falls at first, since the sum is above its mean.
    low, high = 0.0, 4 / deviation
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = exponent(a), exponent(b)
    best = min(0.0, at_a, at_b)
    for _ in range(STEPS):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = exponent(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = exponent(b)
        best = min(best, at_a, at_b)
        if high - low < 0.02 * high:
            break
    return best


def _log_mean_exp(x: Floats) -> Floats:
    """Logarithm of the mean of exp(x) over the last axis."""
    top = x.max(axis=-1, keepdims=True)
    mean: Floats = np.log(np.exp(x - top).mean(axis=-1)) + top[..., 0]
    return mean
