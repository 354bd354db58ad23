"""Noise, gains and posteriors against numpy, scipy and simulated truth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from population.estimate import (
    Component,
    Deviation,
    Estimate,
    Noise,
    Prior,
    estimate_fitness,
    posterior_mean,
)
from population.estimate.gains import BEFORE, LATEST_GAINS, MEANS, SPREADS, Gain, Gains
from population.estimate.posterior import MOST_SHIFT

fitnesses = st.floats(-1e3, 1e3)
runs = st.lists(fitnesses, min_size=1, max_size=9)
KNOWN = Deviation(1e6, 1e6)  # a deviation of 1 that is as good as certain


def noise_of(groups: list[list[float]], floor_share: float = 0.0) -> Noise:
    """What is known of the noise when the genomes 0, 1, ... ran with these results."""
    noise = Noise(floor_share=floor_share)
    for genome, group in enumerate(groups):
        for index, value in enumerate(group):
            noise = noise.with_run(genome, group[:index], value)
    return noise


# -- the noise of a run ---------------------------------------------------------------------------


@given(st.lists(st.lists(fitnesses, max_size=5), max_size=5))
def test_the_pooled_deviation_is_that_of_the_residuals(groups: list[list[float]]) -> None:
    noise = noise_of(groups)
    repeated = [np.array(group) for group in groups if len(group) > 1]
    residuals = np.concatenate([[0.0], *(group - group.mean() for group in repeated)])
    freedom = sum(len(group) - 1 for group in repeated)
    assert noise.pooled.freedom == freedom
    expected = float(np.sqrt(residuals @ residuals / freedom)) if freedom else 0.0
    assert noise.deviation == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(runs, min_size=2, max_size=5), st.integers(0, 4))
def test_beside_a_genome_only_the_others_count(groups: list[list[float]], own: int) -> None:
    own %= len(groups)
    others = noise_of([group for genome, group in enumerate(groups) if genome != own])
    beside = noise_of(groups).beside(own)
    assert beside.freedom <= others.pooled.freedom
    assert beside.variance == pytest.approx(others.pooled.variance, rel=1e-6, abs=1e-6)


def test_two_runs_that_agree_do_not_show_that_there_is_no_noise() -> None:
    agreeing = noise_of([[2.83, 2.83]], floor_share=1e-4)
    assert agreeing.looks_deterministic
    assert agreeing.deviation == pytest.approx(2.83e-4)
    later = agreeing.with_run(1, [2.5], 2.52)
    assert not later.looks_deterministic
    assert later.deviation == pytest.approx(0.02 / 2, rel=1e-3)


def test_where_the_task_declares_its_score_exact_nothing_is_left_to_learn() -> None:
    exact = Noise(exact=True).with_run(0, [1.0], 1.0)
    assert (exact.deviation, exact.looks_deterministic) == (0.0, False)
    assert estimate_fitness(None, [1.0], exact.beside(0)).margin() == 0.0


def test_before_any_repeat_nothing_is_known() -> None:
    noise = noise_of([[2.0], [3.0]], floor_share=1e-4)
    assert noise.deviation == 0.0
    assert estimate_fitness(None, [2.0], noise.beside(0)).margin() == math.inf


@pytest.mark.parametrize(("scatter", "at_least", "at_most"), [(0.0, 0.0, 0.05), (1.0, 0.15, 1.0)])
def test_genomes_are_told_apart_where_their_repeats_differ(
    scatter: float, at_least: float, at_most: float
) -> None:
    rng = np.random.default_rng(0)
    deviations = np.exp(scatter * rng.normal(size=40))
    groups = [list(rng.normal(0.0, deviation, 4)) for deviation in deviations]
    assert at_least <= noise_of(groups).unlikeness <= at_most


@pytest.mark.parametrize("scatter", [0.0, 0.3])
@pytest.mark.parametrize("repeated", [2, 8])
def test_the_intervals_of_single_runs_cover_the_truth(scatter: float, repeated: int) -> None:
    """Genomes of 2 runs tell the noise of one that ran once, 1,000 times anew."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        groups = [
            list(rng.normal(0.0, math.exp(scatter * rng.normal()), 3)) for _ in range(repeated)
        ]
        run = rng.normal(0.0, math.exp(scatter * rng.normal()))
        inside += abs(run) <= estimate_fitness(None, [run], noise_of(groups).beside()).margin()
    assert 0.93 <= inside / 1000 <= 0.985


# -- what a genome is worth -----------------------------------------------------------------------


@given(runs)
def test_without_a_prior_the_guess_is_the_mean(values: list[float]) -> None:
    assert posterior_mean(None, values) == pytest.approx(float(np.mean(values)))


@given(runs, fitnesses, st.integers(1, 9))
def test_a_normal_prior_counts_as_so_many_runs_of_its_mean(
    values: list[float], mean: float, weight: int
) -> None:
    expected = float(np.mean([*values, *[mean] * weight]))
    prior = Prior.normal(mean, weight)
    assert posterior_mean(prior, values) == pytest.approx(expected, abs=1e-9)
    assert prior.typical == mean


components = st.lists(
    st.builds(Component, st.floats(0.05, 1), st.floats(-5, 5), st.floats(0.01, 9)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@example([Component(1.0, -3.0, 0.25)], [5.0], 2.0)  # rare, and far out if it comes
@given(components, st.lists(st.floats(-6, 6), min_size=1, max_size=3), st.floats(2, 9))
def test_the_posterior_is_that_of_numerical_integration(
    parts: list[Component], values: list[float], freedom: float
) -> None:
    """Over the truth (a mixture given the variance) and the variance (inverse chi-squared)."""
    deviation = Deviation(freedom * 1.5, freedom)

    # four deviations of the largest variance beyond any value
    truth, variance = np.meshgrid(np.linspace(-80, 80, 1281), np.geomspace(0.05, 300, 80))
    half, root = freedom / 2, np.sqrt(variance)
    density = stats.invgamma.pdf(variance, half, scale=half * deviation.variance) * sum(
        one.share * stats.norm.pdf(truth, one.mean, root / math.sqrt(one.weight)) for one in parts
    )
    for value in values:
        density = density * stats.norm.pdf(value, truth, root)
    weights = integrate.simpson(density, x=variance[:, 0], axis=0)
    mean = float(weights @ truth[0] / weights.sum())
    found = estimate_fitness(Prior(tuple(parts), deviation), values, deviation)
    own = math.sqrt(estimate_fitness(None, values, deviation).variance)
    assume(abs(mean - float(np.mean(values))) < MOST_SHIFT * own - 0.05)  # else it is limited
    assert found.mean == pytest.approx(mean, abs=0.05)


def test_guesses_of_rare_large_and_frequent_small_gains_are_right_on_average() -> None:
    """Truths that are drawn from the prior: guesses beat the runs, and intervals cover."""
    rng = np.random.default_rng(0)
    prior = Prior((Component(0.9, 5.0, 16.0), Component(0.1, 5.0, 1e-4)), KNOWN)
    size = 3000
    spreads = np.where(rng.random(size) < 0.9, 0.25, 100.0)
    truths = 5.0 + spreads * rng.normal(size=size)
    results = truths + rng.normal(size=size)
    guesses = [estimate_fitness(prior, [run], KNOWN) for run in results]
    means = np.array([guess.mean for guess in guesses])
    margins = np.array([guess.margin() for guess in guesses])
    assert np.mean((means - truths) ** 2) < 0.3 * np.mean((results - truths) ** 2)
    assert 0.93 < np.mean(np.abs(means - truths) <= margins) < 0.97
    far = np.abs(results - 5.0) > 10
    assert np.abs(means - results)[far].max() < 0.05, "a breakthrough is believed"


def test_a_value_that_is_shown_is_never_outside_of_what_its_runs_allow() -> None:
    """Three thousand histories: whatever others gained and how little is known of the noise."""
    rng = np.random.default_rng(5)
    furthest = 0.0
    for _ in range(3000):
        repeats = [
            list(2.8 + rng.normal(size=rng.integers(2, 4))) for _ in range(rng.integers(1, 5))
        ]
        noise = noise_of(repeats, floor_share=1e-4)
        observed = rng.standard_t(1, rng.integers(60)) * 10 ** rng.uniform(-1, 2)
        shares = Gains(tuple(Gain(value, rng.uniform(0, 2)) for value in observed)).fit_shares(1.0)
        weights = 1 / (SPREADS**2 + rng.uniform(0, 2))
        parts = [Component(*one) for one in zip(shares, MEANS, weights, strict=True)]
        values = rng.standard_t(1) * 10 ** rng.uniform(-1, 2) + rng.normal(size=rng.integers(1, 4))
        known = estimate_fitness(None, values, noise.beside())
        guess = posterior_mean(Prior(tuple(parts), noise.beside()), values)
        shift = abs(guess - known.mean) / math.sqrt(known.variance)
        furthest = max(furthest, shift)
        assert shift <= MOST_SHIFT * (1 + 1e-9)
    assert furthest > 2, "what was expected does count"


@given(runs, components, st.floats(0.1, 10))
def test_a_prior_survives_its_way_through_json(
    values: list[float], parts: list[Component], squares: float
) -> None:
    prior = Prior(tuple(parts), Deviation(squares, 3.0))
    again = Prior.from_dict(json.loads(json.dumps(prior.to_dict())))
    assert again == prior
    assert posterior_mean(again, values) == posterior_mean(prior, values)


# -- numbers that are known up to a margin --------------------------------------------------------


@given(runs.filter(lambda r: len(set(r)) > 1), runs.filter(lambda r: len(set(r)) > 1))
def test_a_difference_without_pooled_noise_is_welchs(one: list[float], other: list[float]) -> None:
    nothing = Deviation()
    found = estimate_fitness(None, one, nothing).minus(estimate_fitness(None, other, nothing))
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert found.mean - found.margin() == pytest.approx(welch.low, rel=1e-6, abs=1e-9)
    assert found.mean + found.margin() == pytest.approx(welch.high, rel=1e-6, abs=1e-9)


@given(st.floats(-5, 5), st.floats(0.01, 9), st.floats(1, 99) | st.just(math.inf))
def test_margins_and_probabilities_are_students(mean: float, scale: float, freedom: float) -> None:
    estimate = Estimate(mean, scale**2, freedom)
    student = stats.t(freedom, mean, scale)
    assert estimate.margin(0.9) == pytest.approx(student.ppf(0.95) - mean)
    assert estimate.probability_above(1.0) == pytest.approx(student.sf(1.0), abs=1e-9)


@pytest.mark.parametrize(("mean", "chance"), [(-0.1, 0.0), (0.0, 0.5), (0.1, 1.0)])
def test_what_is_known_exactly_is_no_matter_of_chance(mean: float, chance: float) -> None:
    assert Estimate(mean, 0.0, math.inf).probability_above(0.0) == chance
    assert Estimate(mean, 1.0, 0.0).probability_above(0.0) == 0.5, "nothing is known"


# -- what children gain ---------------------------------------------------------------------------


def test_before_any_gain_most_children_are_taken_to_do_nothing() -> None:
    shares = Gains().fit_shares(1.0)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[MEANS == 0].sum() > 0.7
    assert shares.min() > 0.01, "but a gain of any size is believed when it comes"


def test_shares_are_those_that_are_most_probable() -> None:
    """No shift of probability between two components is better, by the density itself."""
    rng = np.random.default_rng(2)
    gains = Gains(tuple(Gain(value, 0.5) for value in rng.standard_t(2, LATEST_GAINS) * 4))
    shares = gains.fit_shares(1.0)
    values = np.array([gain.value for gain in gains.latest])[:, None]
    densities = stats.norm.pdf(values, MEANS, np.sqrt(SPREADS**2 + 1.5))

    def score(candidate: np.ndarray) -> float:
        before = (BEFORE * np.log(candidate)).sum()
        return float(np.log(densities @ candidate).sum() + before)

    for source in range(len(MEANS)):
        for goal in range(len(MEANS)):
            shifted = shares.copy()
            shifted[source] -= 0.3 * shares[source]
            shifted[goal] += 0.3 * shares[source]
            assert score(shifted) <= score(shares) + 0.02


def test_most_do_nothing_and_few_do_much_is_what_is_learnt() -> None:
    rng = np.random.default_rng(3)
    gains = Gains()
    for number in range(LATEST_GAINS):
        gains = gains.with_gain(Gain(100.0 * (number % 25 == 0) + rng.normal(), 0.0))
    shares = gains.fit_shares(1.0)
    assert shares[MEANS == 0].sum() > 0.5
    assert 0.02 < shares[MEANS > 30].sum() < 0.2
    assert shares[MEANS < -30].sum() < 0.02, "no child has lost that much"


def test_old_gains_are_forgotten_and_a_few_do_not_tell_their_spread() -> None:
    gains = Gains()
    for number in range(LATEST_GAINS):
        assert (gains.spread(0.0) is None) == (number < 5)
        gains = gains.with_gain(Gain(5.0 * (-1) ** number, 0.0))
    assert gains.spread(0.0) == pytest.approx(5 * 1.4826)
    for _ in range(LATEST_GAINS):
        gains = gains.with_gain(Gain(1.0, 0.0))
    assert gains.spread(0.0) == 0.0


def test_the_spread_of_gains_is_robust_and_without_the_noise() -> None:
    rng = np.random.default_rng(1)
    spreads = []
    for _ in range(200):
        gains = Gains()
        for _ in range(LATEST_GAINS):
            value = -9.0 if rng.random() < 0.1 else rng.normal(-0.5, np.hypot(1.0, 0.7))
            gains = gains.with_gain(Gain(value, 0.0))
        spread = gains.spread(0.7)
        assert spread is not None
        spreads.append(spread)
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.3)
