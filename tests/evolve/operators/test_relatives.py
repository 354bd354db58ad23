"""From whom a model of the constants learns: genomes that differ in constants alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.genome import Identity, mask_constants
from evolve.loop.contexts import VISITED, ContextBuilder
from evolve.operators import Operator, Relative
from evolve.operators.perturb import Perturb
from evolve.operators.tune import SparseTune, Tune
from evolve.search.bandit import FixedMix
from evolve.search.plan import Plan
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from population import Direction, Individual, Measurement, Status
from population.estimate import Prior
from population.lineage import Lineage
from population.selection import SELECTORS


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A = 1", "A = 300  # more", True),
        ("A = 0.5; B = True", "A = 1e-9\nB = False\n", True),
        ("A = 2**18", "A = 2**3", True),
        ("A = 2**18", "A = 3**18", False),
        ("A = 1", "A = 1.0", False),
        ("A = 1", "A = True", False),
        ("A = 1", "A = -1", False),
        ("A = 1", "B = 1", False),
        ("A = (1, 2)", "A = (1, 2, 3)", False),
        ("A = 1\ndef f(): return 2", "A = 1\ndef f(): return 3", False),
        ("A = (", "A = (", True),
        ("A = ( 1", "A = ( 2", False),
    ],
)
def test_a_masked_genome_is_all_but_the_values_of_its_constants(
    one: str, other: str, same: bool
) -> None:
    assert (mask_constants(one) == mask_constants(other)) is same


def unscreened(source: str) -> Identity:
    raise AssertionError("nothing is screened here")


class Told:
    """A search whose genomes are in a real repository, and what `tune` is told in it."""

    def __init__(self, folder: Path, task: Any) -> None:
        self._lineage = Lineage.create(folder / "genomes", task.genome, "root")
        self._search = Search(
            strategy=STRATEGIES["map-elites"](SELECTORS["uniform"]),
            operators={"tune": Tune()},
            models={},
            chooser=FixedMix({}),
            seed=0,
        )
        self._contexts = ContextBuilder(task, self._search, self._lineage)

    def add(
        self,
        source: str,
        *parents: int,
        fitness: float | None = None,
        ran: bool = True,
        prior: Prior | None = None,
    ) -> int:
        individuals = self._search.individuals
        number = len(individuals)
        commit = self._lineage.commit(
            number, source, [individuals[parent].commit for parent in parents], "tune: a child"
        )
        self._search.add_individual(
            Individual(number, commit, parents, "tune", "", 1, Direction.MINIMIZE, prior=prior)
        )
        if ran:
            status = Status.CRASH if fitness is None else Status.OK
            measures = {"size": 1.0, "speed": 1.0}
            self._search.tell(number, Measurement(status, fitness, measures, 1.0))
        return number

    def relatives(self, number: int, operator: Operator | None = None) -> list[Relative]:
        parents = (self._search.individuals[number],)
        plan = Plan(0, operator or Tune(), "", parents, np.random.default_rng(0))
        return list(self._contexts.build(plan, screen=unscreened).relatives)

    def looked_at(self, number: int, limit: int) -> tuple[int, list[int]]:
        """How many genomes a search for relatives looks at, and which it finds if all are alike."""
        looked = []
        found = self._search.family.relatives(number, lambda one: looked.append(one) is None, limit)
        return len(looked), [one.id for one in found]


@pytest.fixture
def told(tmp_path: Path, place: Any) -> Told:
    return Told(tmp_path, place.task)


def test_it_is_told_the_results_of_those_that_differ_in_constants_alone(told: Told) -> None:
    seed = told.add("A = 1\n", fitness=3.0)
    first = told.add("A = 2\n", seed, fitness=2.0)
    other = told.add("A = 2\nB = 1\n", seed, fitness=1.0)
    told.add("A = 3\n", first)
    told.add("A = 4  # four\n", first, fitness=5.0)
    told.add("A = 5\n", first, ran=False)
    told.add("A = 2\nB = 2\n", other, fitness=4.0)
    assert told.relatives(first) == [
        Relative("A = 2\n", 2.0),
        Relative("A = 1\n", 3.0),
        Relative("A = 4  # four\n", 5.0),
        Relative("A = 3\n", None),
    ]
    assert [one.objective for one in told.relatives(other)] == [1.0, 4.0]
    assert told.relatives(first, Perturb()) == []


def test_a_model_that_smooths_by_itself_gets_the_mean_of_the_runs(told: Told) -> None:
    seed = told.add("A = 1\n", fitness=3.0)
    child = told.add("A = 2\n", seed, fitness=2.0, prior=Prior.normal(3.0, 1.0))
    assert told.relatives(child, SparseTune())[0].objective == 2.5
    assert told.relatives(child)[0].objective == 2.0


def test_relatives_are_the_nearest_and_of_these_the_latest(told: Told) -> None:
    seed = told.add("A = 1\n", fitness=3.0)
    children = [told.add(f"A = {n}\n", seed, fitness=3.0) for n in (2, 3, 4)]
    grandchildren = [
        told.add(f"A = {n}\n", child, fitness=3.0)
        for n, child in ((5, children[0]), (6, children[1]))
    ]
    assert told.looked_at(children[0], 100)[1] == [1, 0, 4, 3, 2, 5]
    assert told.looked_at(children[0], 4)[1] == [1, 0, 4, 3]
    assert told.looked_at(grandchildren[1], 100)[1] == [5, 2, 0, 3, 1, 4]


def test_the_work_for_a_proposal_does_not_grow_with_the_run(told: Told) -> None:
    seed = told.add("A = 0\n", fitness=3.0)
    children = [told.add(f"A = {n}\n", seed, fitness=3.0) for n in range(1, 2 * VISITED)]
    assert len(told.relatives(children[0])) == VISITED
    assert told.looked_at(seed, 10) == (9, [0, *children[:-10:-1]])
