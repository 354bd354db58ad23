"""A Gaussian process for a noisy function of many variables, fitted to few of its values.

It has a Matérn 5/2 kernel with a length scale for each variable: a variable that does not matter
gets a long one. Length scales and noise are those of the largest posterior density (C. E. Rasmussen
and C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5), found by
Rprop (M. Blum and M. Riedmiller, "Optimization of Gaussian process hyperparameters using Rprop",
ESANN 2013).

Products are `einsum`s, which stay in one thread, as numpy's inverse does: for so little work `@`
and scipy's optimizers wake a thread on every core, which costs more than it saves.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LENGTH = 4.0  # prior mean of a length scale, in the unit of the points
NOISE = 0.3  # prior mean of the noise's variance, as a share of the variance of the values
LENGTH_SPREAD = 2.0  # prior standard deviation of log(1 / length²)
SIGNAL_SPREAD, NOISE_SPREAD = 1.0, 1.5  # the same for the log variances of signal and noise
WITHIN = 4.0  # prior deviations that are searched; a least noise keeps the matrices regular
ITERATIONS = 40
FIRST_STEP, LONGEST_STEP = 0.3, 2.0  # step sizes of Rprop, in the logarithms
STEPS = 0.5, 1.0, 1.2  # factor of a step whose gradient turned, was 0, kept its sign


class GaussianProcess:
    """The posterior of a function, given its values at some points.

    Args:
        points: Points at which the function was evaluated, shape (count, variables).
        values: Noisy values of the function there, shape (count,).
    """

    def __init__(self, points: Array, values: Array) -> None:
        self._points = points
        self._mean, self._unit = float(values.mean()), float(values.std()) or 1.0
        targets = (values - self._mean) / self._unit
        weights, self._signal, noise = _fit_hyperparameters(points, targets)
        self._scaled = np.sqrt(weights)
        covariance = self._covariance(points) + noise * np.eye(len(points))
        self._inverse = np.linalg.inv(covariance)
        self._dual = np.einsum("ij,j->i", self._inverse, targets)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """The mean and the standard deviation of the posterior at other points, shape (n,) each."""
        covariance = self._covariance(points)
        known = (np.einsum("ik,kl->il", covariance, self._inverse) * covariance).sum(axis=1)
        deviation = np.sqrt(np.maximum(self._signal - known, 0.0))
        expected = np.einsum("ik,k->i", covariance, self._dual)
        return self._mean + self._unit * expected, self._unit * deviation

    def _covariance(self, points: Array) -> Array:
        """The prior covariance of the function at some points with that at the known ones."""
        first, second = points * self._scaled, self._points * self._scaled
        sums = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
        squares = np.maximum(sums - 2.0 * np.einsum("ij,kj->ik", first, second), 0.0)
        return self._signal * _kernel(squares)[0]


def _kernel(squares: Array) -> tuple[Array, Array]:
    """The kernel at some squared distances, and its derivative with respect to them."""
    root = np.sqrt(5.0 * squares)
    decay = np.exp(-root)
    return (1.0 + root + root**2 / 3.0) * decay, -5.0 / 6.0 * (1.0 + root) * decay


def _fit_hyperparameters(points: Array, targets: Array) -> tuple[Array, float, float]:
    """Fit 1 / length² of each variable, the variance of the signal and that of the noise."""
    count, width = points.shape
    varied = np.flatnonzero(np.ptp(points, axis=0))  # nothing can be learnt of the others
    apart = (points[:, None, varied] - points[None, :, varied]) ** 2
    apart = apart.reshape(count * count, len(varied))
    typical = np.array([-2.0 * math.log(LENGTH)] * len(varied) + [0.0, math.log(NOISE)])
    spread = np.array([LENGTH_SPREAD] * len(varied) + [SIGNAL_SPREAD, NOISE_SPREAD])

    def compute_gradient(logs: Array) -> Array:
        """The gradient of the negative log posterior density."""
        weights, signal, noise = np.exp(logs[:-2]), math.exp(logs[-2]), math.exp(logs[-1])
        kernel, by_square = _kernel(np.einsum("ij,j->i", apart, weights).reshape(count, count))
        inverse = np.linalg.inv(signal * kernel + noise * np.eye(count))
        dual = np.einsum("ij,j->i", inverse, targets)
        outer = 0.5 * (inverse - np.outer(dual, dual))
        by_weight = signal * np.einsum("i,ij->j", (outer * by_square).ravel(), apart)
        rest = [signal * (outer * kernel).sum(), noise * np.trace(outer)]
        gradient = np.concatenate([weights * by_weight, rest])
        towards_typical: Array = (logs - typical) / spread**2
        return gradient + towards_typical

    low, high = typical - WITHIN * spread, typical + WITHIN * spread
    logs, before, step = typical, np.zeros_like(typical), np.full_like(typical, FIRST_STEP)
    for _ in range(ITERATIONS):
        sign = np.sign(compute_gradient(logs))
        step = np.minimum(step * np.choose((sign * before + 1).astype(int), STEPS), LONGEST_STEP)
        before = np.where(sign * before < 0, 0.0, sign)  # no step where the gradient turned
        logs = np.clip(logs - before * step, low, high)
    weights = np.full(width, LENGTH**-2.0)
    weights[varied] = np.exp(logs[:-2])
    return weights, math.exp(logs[-2]), math.exp(logs[-1])
