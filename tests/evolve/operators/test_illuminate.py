"""Illumination: cells fill and improve that a blind search leaves empty."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pytest

from archive import Archive, Axis
from evolve.genome import Identity, RefusedError, identify
from evolve.operators import Cells, Context, Operator, Parent, Relative
from evolve.operators.constant_space import FEWEST_RELATIVES
from evolve.operators.illuminate import Illuminate
from evolve.operators.perturb import Perturb
from evolve.operators.tune import Tune
from population import Direction, Individual, Measurement, Status

SEED = """\
WIDTH = 64
DEPTH = 4
RATE = 0.01
DECAY = 0.1
"""
AXES = (
    Axis("size", "size", "parameters", 1e3, 1e7, 6, log=True),
    Axis("speed", "speed", "tokens/s", 10.0, 1e5, 6, log=True),
)
CRASHES = 1024  # a wider genome fails


def run(source: str) -> tuple[float, dict[str, float]] | None:
    """The loss and the measures of a genome; None if it fails.

    The best rate depends on the width, so that each cell has constants of its own.
    """
    names: dict[str, float] = {}
    exec(source, names)
    width, depth = names["WIDTH"], names["DEPTH"]
    if width > CRASHES:
        return None
    size = width**2 * (depth + 1)
    tokens = 1e7 / (width * (depth + 1))
    rate = np.log(max(names["RATE"], 1e-9) * width / 3.0)
    decay = np.log(max(names["DECAY"], 1e-9) / 0.02)
    loss = 3.0 + 0.1 * rate**2 + 0.05 * decay**2 + 0.02 * np.log(size / 1e5) ** 2
    return float(loss), {"size": size, "speed": tokens}


def make_individual(number: int, source: str, direction: Direction) -> Individual:
    one = Individual(number, f"{number}", (), "seed", "", 0, direction)
    result = run(source)
    if result is None:
        return one.measured(Measurement(Status.CRASH, None, {}, 1.0))
    loss, measures = result
    fitness = loss if direction is Direction.MINIMIZE else -loss
    return one.measured(Measurement(Status.OK, fitness, measures, 1.0))


def survey(archive: Archive) -> Cells:
    weakest = min(archive, key=lambda elite: elite.fitness)
    levels = np.full(archive.dims, weakest.objective)
    for elite in archive:
        levels[archive.cell_of(elite)] = elite.objective
    return Cells(archive.axes, levels)


def search(
    operator: Operator, runs: int, seed: int, direction: Direction = Direction.MINIMIZE
) -> Archive:
    """An archive after some runs, each a child of an elite drawn at random."""
    rng = np.random.default_rng(seed)
    archive, relatives, tried = Archive(AXES), [], set()

    def screen(source: str) -> Identity:
        identity = identify(source, "python")
        if identity.exact in tried:
            raise RefusedError("it was tried")
        return identity

    def measure(source: str) -> None:
        one = make_individual(len(tried), source, direction)
        tried.add(screen(source).exact)
        sources.append(source)
        measures = tuple(one.measures[axis.name] for axis in AXES) if one.scored else ()
        relatives.append(Relative(source, one.objective, measures))
        if one.scored:
            archive.add(one)

    sources: list[str] = []
    measure(SEED)
    while len(sources) < runs:
        elites = archive.elites
        elite = elites[int(rng.integers(len(elites)))]
        context = Context(
            task=None,  # type: ignore[arg-type]
            rng=rng,
            screen=screen,
            relatives=relatives,
            cells=survey(archive),
        )
        measure(operator.propose([Parent(elite, sources[elite.id])], context).source)
    return archive


def score(operator: Operator) -> tuple[float, float]:
    """The mean coverage and QD score of searches with an operator."""
    archives = [search(operator, 40, seed) for seed in range(3)]
    return (
        statistics.fmean(archive.coverage for archive in archives),
        statistics.fmean(archive.qd_score(4.0) for archive in archives),
    )


def test_it_fills_more_cells_with_better_elites_than_operators_that_do_not_aim() -> None:
    coverage, qd_score = score(Illuminate())
    for other, times in (Perturb(), 1.2), (Tune(), 1.0):  # there are but eight cells to reach
        less, worse = score(other)
        assert coverage > times * less
        assert qd_score > 1.2 * worse


def test_a_metric_that_is_maximized_takes_the_same_decisions() -> None:
    down, up = (search(Illuminate(), 16, 0, direction) for direction in Direction)
    assert [down.cell_of(one) for one in down] == [up.cell_of(one) for one in up]


@pytest.mark.parametrize("known", range(0, FEWEST_RELATIVES + 1, 2))
def test_it_draws_blindly_until_enough_relatives_have_a_score(known: int) -> None:
    rng = np.random.default_rng(0)
    relatives = [
        Relative(SEED.replace("64", str(64 + n)), 3.0 + n, (1e4 + n, 1e3 - n)) for n in range(known)
    ]
    context = Context(
        task=None,  # type: ignore[arg-type]
        rng=rng,
        screen=lambda source: identify(source, "python"),
        relatives=[*relatives, Relative(SEED.replace("64", "2048"), None)],
        cells=Cells(AXES, np.full((6, 6), 4.0)),
    )
    parent = Parent(make_individual(0, SEED, Direction.MINIMIZE), SEED)
    notes = Illuminate().propose([parent], context).notes
    assert ("drawn as perturb does" in notes) == (known < FEWEST_RELATIVES)


def test_a_run_of_it_alone_learns_and_takes_the_same_decisions_again(place: Any) -> None:
    done = place.evolve(
        *("--task", "toy", "--run", "lit", "--operators", "illuminate"),
        *("--generations", "3", "--final-runs", "0"),
    )
    assert done.returncode == 0, done.stderr
    notes = place.git("lit", "log", "--all", "--format=%b")
    assert "there are fewer (1)" in notes
    assert "a new elite in an empty cell" in notes
    aimed = "asks JOIN proposals p ON p.asked = place WHERE target {} '[]' AND p.individual > 0"
    learnt = notes.count("a new elite in an empty cell")
    assert place.count("lit", aimed.format("!=")) == learnt > 0
    assert place.count("lit", aimed.format("=")) > 0, "those that were drawn aim at nothing"
    again = place.evolve("replay", "lit")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout
    proposals = place.count("lit", "proposals")
    assert f"{proposals} of {proposals} proposals are the same" in again.stdout
