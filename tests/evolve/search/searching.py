"""A search with made-up results, and what the tests of it ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from archive import Axis
from evolve.operators import OPERATORS
from evolve.search.bandit import Arm, Chooser, FixedMix, Outcome
from evolve.search.search import Search
from evolve.search.strategies import STRATEGIES
from population import Direction, Individual, Measurement, Status
from population.beliefs import RULES, begin_beliefs
from population.selection import SELECTORS, ParentSelector

AXES = (
    Axis("size", "model size", "", 1, 16, 4, log=True),
    Axis("speed", "throughput", "", 1, 16, 4, log=True),
)
FAILED = Measurement(Status.CRASH, None, {}, 1.0, reason="it fell over")


def run(fitness: float, size: float = 1.5, speed: float = 1.5) -> Measurement:
    return Measurement(Status.OK, fitness, {"size": size, "speed": speed}, 5.0)


OFFLINE = {"perturb": 0.7, "recombine": 0.3}
EVERYTHING = dict.fromkeys(OPERATORS, 1.0)
ONE_MODEL = {"m": 1.0}


def mixed(operators: Mapping[str, float], models: Mapping[str, float]) -> FixedMix:
    return FixedMix(
        {
            Arm(name, model): weight
            for name, weight in operators.items()
            for model in (models if OPERATORS[name].needs_model else [""])
        }
    )


class Scripted(ParentSelector):
    """Draws as a test says."""

    name = "scripted"

    def __init__(self, draw: Callable[..., Individual]) -> None:
        self._draw = draw

    def select(self, *told: Any) -> Individual:
        return self._draw(*told)


def new_search(
    strategy: str = "map-elites",
    operators: Mapping[str, float] = OFFLINE,
    models: Mapping[str, float] = ONE_MODEL,
    chooser: Chooser | None = None,
    selector: str = "uniform",
    seed: int = 0,
    seeds: tuple[Measurement, ...] = (run(2.0),),
    budget: float = 0.0,
    select: Callable[..., Any] | None = None,
    opened: bool = True,
    exact: bool = False,
    max_repeats: float = math.inf,
) -> Search:
    """A search whose seeds, genomes 0 and on, are measured."""
    chosen = SELECTORS[selector] if select is None else Scripted(select)
    search = Search(
        strategy=STRATEGIES[strategy](chosen),
        operators={name: OPERATORS[name] for name in operators},
        models=models,
        chooser=chooser or mixed(operators, models),
        seed=seed,
        budget=budget,
        beliefs=begin_beliefs(RULES, exact=exact),
        max_repeats=max_repeats,
    )
    for number, measurement in enumerate(seeds):
        search.add_individual(Individual(number, "c", (), "seed", "", 0, Direction.MINIMIZE))
        search.tell(number, measurement)
    if opened:
        search.open_archive(AXES)
    return search


def add(search: Search, measurement: Measurement, *parents: int) -> bool:
    """A child of genome 0, if no other is named, is born and measured; whether it was kept."""
    number = len(search.individuals)
    search.add_individual(
        Individual(number, "c", parents or (0,), "perturb", "", 1, Direction.MINIMIZE)
    )
    return search.tell(number, measurement)


def asked(search: Search, count: int = 60, *, offline: bool = False) -> list[tuple[Any, ...]]:
    """What the next plans are, their randomness included."""
    plans = [search.ask(number, offline=offline) for number in range(count)]
    return [(p.number, p.operator.name, p.parents, p.rng.random()) for p in plans]


def parents(search: Search) -> set[int]:
    """The ids that are drawn as parents."""
    return {parent.id for _, _, drawn, _ in asked(search) for parent in drawn}


def populated(strategy: str) -> Search:
    """The elites are 0 (a seed), 3 (the best) and 4; 1 is worse than 0, 2 failed."""
    search = new_search(strategy)
    add(search, run(2.5))
    add(search, FAILED)
    add(search, run(1.0, size=3.0))
    add(search, run(4.0, speed=9.0), 3)
    return search


class Listener:
    """A chooser that draws the first arm and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Arm, Outcome]] = []

    def draw(self, arms: Any, rng: Any) -> Arm:
        return arms[0]  # type: ignore[no-any-return]

    def tell(self, arm: Arm, outcome: Outcome) -> None:
        self.heard.append((arm, outcome))
