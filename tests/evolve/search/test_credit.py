"""Whom the search credits when another model answered than the one that was drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from archive import Axis
from archive.rows import ProposalRow
from evolve.operators.mutations import TWEAK
from evolve.runs.history import tell_proposal
from evolve.search.bandit import Arm, Outcome
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from population import Direction, Individual, Measurement, Status
from population.beliefs import Beliefs
from population.estimate import Noise
from population.selection import SELECTORS

A, B = "openai/a", "openai/b"
AXES = (Axis("size", "", "", 1, 100, 4, log=True), Axis("speed", "", "", 1, 100, 4, log=True))


class Listener:
    """A chooser that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Arm, Outcome]] = []

    def draw(self, arms: Sequence[Arm], rng: np.random.Generator) -> Arm:
        return arms[0]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        self.told.append((arm, outcome))


def measurement(score: float) -> Measurement:
    return Measurement(Status.OK, score, {"size": 10.0, "speed": 10.0}, 3.0, device="none")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def search(listener: Listener) -> Search:
    """A search whose seed has scored 2, on a task whose score is deterministic."""
    search = Search(
        strategy=STRATEGIES["map-elites"](SELECTORS["ucb"]),
        operators={"tweak": TWEAK},
        models={A: 1.0, B: 1.0},
        chooser=listener,
        seed=0,
        beliefs=Beliefs(Noise(exact=True)),
    )
    search.add_individual(Individual(0, "c", (), "seed", "", 0, Direction.MINIMIZE))
    search.tell(0, measurement(2.0))
    search.open_archive(AXES)
    return search


def row(individual: int | None) -> ProposalRow:
    return ProposalRow(0, "tweak", (0,), individual, "", 1.0, 1.0, model=A)


def child(model: str) -> Individual:
    return Individual(1, "c", (0,), "tweak", "", 1, Direction.MINIMIZE, model=model)


def test_the_model_that_answered_has_the_gain_at_its_own_price(
    search: Search, listener: Listener
) -> None:
    tell_proposal(search, row(1), child(B), {A: 0.5, B: 0.25})
    assert listener.told == [(Arm("tweak", A), Outcome(0.0, 0.5, measured=False))]
    search.tell(1, measurement(1.0))
    assert listener.told[1:] == [(Arm("tweak", B), Outcome(1.0, 0.25))]


def test_the_model_that_was_drawn_and_answered_pays_for_all(
    search: Search, listener: Listener
) -> None:
    tell_proposal(search, row(1), child(A), {A: 0.5, B: 0.25})
    assert listener.told == []
    search.tell(1, measurement(1.0))
    assert listener.told == [(Arm("tweak", A), Outcome(1.0, 0.75))]


def test_where_nobody_answered_the_one_that_was_drawn_is_refused(
    search: Search, listener: Listener
) -> None:
    tell_proposal(search, row(None), None, {A: 0.0, B: 0.25})
    assert listener.told == [(Arm("tweak", A), Outcome(0.0, 0.25, measured=False))]
