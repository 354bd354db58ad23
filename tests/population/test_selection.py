"""Parents: the UCB of elites against a computation by hand, tournaments, repeatability."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from population import Direction, Individual, Measurement, Status
from population.selection import SELECTORS, Offspring


def elite(number: int, fitness: float, direction: Direction = Direction.MINIMIZE) -> Individual:
    measurement = Measurement(Status.OK, fitness, {}, 1.0)
    return Individual(number, f"c{number}", (), "seed", "", 0, direction, (measurement,))


def drawn(selector, elites, offspring, unit=0.0, draws=400) -> Counter[int]:
    rng = np.random.default_rng(0)
    return Counter(
        SELECTORS[selector].select(elites, offspring, unit, rng).id for _ in range(draws)
    )


def by_hand(elites: list[Individual], offspring: dict[int, Offspring], unit: float) -> list[float]:
    values = [e.objective for e in elites]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
    scale = unit or spread
    best = min(values) if elites[0].direction is Direction.MINIMIZE else max(values)
    total = sum(record.children for record in offspring.values())
    scores = []
    for e, value in zip(elites, values, strict=True):
        record = offspring.get(e.id, Offspring())
        chance = (record.wins + 1) / (record.children + 2)
        bonus = math.sqrt(math.log(total + 1) / 2 / (record.children + 1))
        scores.append(chance + bonus - abs(value - best) / scale)
    return scores


@pytest.mark.parametrize("seed", range(12))
def test_ucb_takes_the_highest_score_computed_by_hand(seed: int) -> None:
    rng = np.random.default_rng([7, seed])
    direction = [Direction.MINIMIZE, Direction.MAXIMIZE][seed % 2]
    elites = [elite(i, float(rng.normal()), direction) for i in range(5)]
    offspring = {
        i: Offspring(children, int(rng.integers(children + 1)))
        for i, children in enumerate(map(int, rng.integers(9, size=4)))
    }
    unit = float(rng.uniform(0, 1)) if seed % 3 else 0.0
    scores = by_hand(elites, offspring, unit)
    favourite = int(np.argmax(scores))
    counts = drawn("ucb", elites, offspring, unit)
    assert counts[favourite] > 0.85 * 400  # nine draws in ten, and its share of the uniform tenth
    assert len(counts) == 5, "a draw in ten is uniform, so nobody starves"


def test_ucb_spreads_parallel_proposals_since_children_in_flight_count() -> None:
    elites = [elite(0, 1.0), elite(1, 1.0), elite(2, 1.0)]
    offspring: dict[int, Offspring] = {}
    rng = np.random.default_rng(3)
    for _ in range(60):
        parent = SELECTORS["ucb"].select(elites, offspring, 0.0, rng).id
        before = offspring.get(parent, Offspring())
        offspring[parent] = Offspring(before.children + 1, before.wins)
    assert min(record.children for record in offspring.values()) >= 15


def test_ucb_gives_a_single_elite_and_equal_elites_a_chance() -> None:
    assert set(drawn("ucb", [elite(4, 2.0)], {})) == {4}
    counts = drawn("ucb", [elite(0, 1.0), elite(1, 1.0)], {})
    assert min(counts[0], counts[1]) > 120


def test_a_gap_that_is_small_against_the_unit_does_not_decide() -> None:
    elites = [elite(0, 1.000), elite(1, 1.002)]
    offspring = {0: Offspring(4, 0), 1: Offspring(4, 1)}
    assert drawn("ucb", elites, offspring)[0] > 350, "the gap is twice the spread"
    assert drawn("ucb", elites, offspring, unit=0.03)[1] > 350, "the wins decide"


@pytest.mark.parametrize("direction", list(Direction))
def test_tournament_prefers_the_fitter(direction: Direction) -> None:
    elites = [elite(i, float(i), direction) for i in range(3)]
    best, worst = (0, 2) if direction is Direction.MINIMIZE else (2, 0)
    counts = drawn("tournament", elites, {}, draws=2000)
    assert counts[best] / 2000 == pytest.approx(19 / 27, abs=0.05)
    assert counts[worst] / 2000 == pytest.approx(1 / 27, abs=0.02)


@pytest.mark.parametrize("name", SELECTORS)
def test_equal_generators_draw_equal_parents(name: str) -> None:
    elites = [elite(i, float(i % 3)) for i in range(6)]
    assert drawn(name, elites, {}) == drawn(name, elites, {})
