"""Optimisers of other libraries as operators: the space of constants, and that they optimise."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.genome import Identity, RefusedError, find_literals, identify
from evolve.genome.masking import mask_constants, read_values
from evolve.operators import Context, Parent, ProposalError, Relative
from population import Direction, Individual

ROOT = Path(__file__).parents[2]
SEED = """\
DEPTH = 4
WIDTH = 96
BATCH = 64
TOKENS = 2**15
RATE = 0.02
BETA = 0.95
DECAY = 0.0
TIED = False
"""
SEED_PARENT = Parent(Individual(0, "", (), "seed", "", 0, Direction.MINIMIZE), SEED)
GOAL = np.array([5, 144, 128, 14, 0.05, 0.9, 0.1, 1.0])  # the best values
UNIT = np.array([2, 100, 64, 3, 0.03, 0.1, 0.1, 1.0])


@pytest.fixture(scope="module")
def optimizers(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("search_optimizers")


def loss(source: str) -> float:
    return float((((np.array(read_values(source)) - GOAL) / UNIT) ** 2).sum())


def draw(operator: Any, count: int, *, seed: int = 0, fail: int = 0) -> list[str]:
    """The genomes that an operator proposes one after the other, the seed first."""
    tried = [Relative(SEED, loss(SEED))]

    def screen(source: str) -> Identity:
        if any(read_values(source) == read_values(one.source) for one in tried):
            raise RefusedError("it was tried")
        return identify(source, "python")

    for number in range(count):
        context = Context(
            task=None,  # type: ignore[arg-type]  # which they do not look at
            rng=np.random.default_rng([seed, number]),
            screen=screen,
            parents=[SEED_PARENT],
            relatives=[tried[0], *reversed(tried[1:])],
        )
        source = operator.propose([SEED_PARENT], context).source
        failed = fail and number % fail == 0
        tried.append(Relative(source, None if failed else loss(source)))
    return [one.source for one in tried]


@given(data=st.data(), share=st.floats(0, 1))
def test_positions_and_values_belong_together(
    optimizers: ModuleType, data: st.DataObject, share: float
) -> None:
    literal = data.draw(st.sampled_from(find_literals(SEED)))
    one = optimizers.Coordinate.of(literal)
    position = one.low + share * (one.high - one.low)
    value = ast.literal_eval(one.write(position))
    assert type(value) is type(literal.value)
    located = one.locate(value)
    assert one.low <= located <= one.high
    grain = 0.7 if isinstance(literal.value, int) else 0.02  # of widths, in steps of 16
    assert value == 0 or abs(located - position) <= grain + 0.01
    least = 0.0101 if literal.value == 0 else 0  # the least value beside zero is written as zero
    assert ast.literal_eval(one.write(located)) == pytest.approx(value, rel=0.02, abs=least)


def test_the_seed_is_the_origin(optimizers: ModuleType) -> None:
    for one in optimizers.list_coordinates(SEED):
        assert one.low <= 0 <= one.high
        assert one.literal.value == 0 or one.locate(one.literal.value) == pytest.approx(0)
        assert ast.literal_eval(one.write(0.0)) == one.literal.value


@pytest.mark.parametrize("name", ["TPE", "CMAES"])
def test_an_optimiser_improves_on_chance(optimizers: ModuleType, name: str) -> None:
    operator = optimizers.OPTIMIZERS[name]()
    sources = draw(operator, 60)
    assert len({read_values(source) for source in sources}) == 61
    assert len({mask_constants(source) for source in sources}) == 1
    first = np.median([loss(source) for source in sources[7:22]])
    assert np.median([loss(source) for source in sources[-15:]]) < first
    assert min(map(loss, sources)) < 0.5 * loss(SEED)


@pytest.mark.parametrize("name", ["TPE", "GP", "CMAES"])
def test_proposals_follow_from_seed_and_results(optimizers: ModuleType, name: str) -> None:
    operator = optimizers.OPTIMIZERS[name]()
    once, again = (draw(operator, 9, fail=4) for _ in range(2))
    assert once == again
    assert draw(operator, 9, seed=1, fail=4) != once


def test_the_parent_is_the_seed(optimizers: ModuleType) -> None:
    child = Parent(Individual(1, "", (0,), "TPE", "", 1, Direction.MINIMIZE), SEED)
    with pytest.raises(ProposalError, match="--strategy random"):
        optimizers.TPE().propose([child], None)
