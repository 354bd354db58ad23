"""The searches of `search.py` on simulated landscapes, whose genomes are written as constants.

All operators and optimisers work on it as they do on a script, and what they find is known exactly.
Nothing is written to disk but the record.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from noise import APART, AXES
from search_arms import ARMS, CHILDREN, ROOT
from search_grounds import open_ground
from search_record import Row, StudyRecord, fit_common_axes, rebin_by_mean
from search_tables import write_table

from archive import Archive
from evolve.genome import Identity, RefusedError, identify
from evolve.genome.masking import read_values
from evolve.loop.attempts import carry_out
from evolve.loop.contexts import ContextBuilder
from evolve.runs.history import new_strategy
from evolve.search.axes import axes_around
from evolve.search.operator_mix import operator_mix
from evolve.search.search import Search
from evolve.settings import Settings
from population import Direction, Individual, Measurement, Status
from trainer.task import Task, load_task

DEFAULT = "choices", "valleys", "slow"  # `steps` has 600 choices, which nobody would tune
RECORDS = Path(__file__).with_name("records")
MOST_REFUSED = 25  # proposals in a row without a child, after which a search gives up


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes:
        landscape: Name of the ground.
        evaluations: Runs that a search may make.
        noise: Standard deviation of one run; None takes the ground's own.
        checkpoints: Numbers of evaluations at which the searches are compared.
    """

    landscape: str
    evaluations: int
    noise: float | None
    checkpoints: tuple[int, ...]


class World:
    """A landscape whose genomes are source texts, and the runs that are made on it.

    It is also the lineage that operators read genomes from: a genome's number is its commit.

    Args:
        case: What is simulated.
        seed: Seed of the landscape and of the noise.
    """

    def __init__(self, case: Case, seed: int) -> None:
        self.ground = open_ground(case.landscape, seed)
        self.noise = self.ground.noise if case.noise is None else case.noise
        self._rng = np.random.default_rng([seed, 1])
        self.sources = [self.ground.seed]
        self.runs = 0

    def source(self, commit: str) -> str:
        """The text of a genome, by its number as a text."""
        return self.sources[int(commit)]

    def truth(self, number: int) -> float:
        """The true value of a genome."""
        return self.ground.truth(read_values(self.sources[number]))

    def run(self, number: int) -> Measurement:
        """One run of a genome."""
        self.runs += 1
        value = self.truth(number) + self._rng.normal(0.0, self.noise)
        measures = self.ground.measures(read_values(self.sources[number]))
        return Measurement(Status.OK, value, measures, 1.0)

    def screen(self, source: str) -> Identity:
        """Refuse what was tried."""
        values = read_values(source)
        if any(values == read_values(other) for other in self.sources):
            raise RefusedError("it was tried")
        return identify(source, "python")


@dataclass(frozen=True)
class Checkpoint:
    """A simulated search after some evaluations.

    Attributes:
        evaluations: Number of evaluations.
        claimed: Value of the best that it claims.
        truth: True value of that genome.
        seed: True value of the seed.
        noise: Standard deviation of one run.
        archive: Everyone who was measured by then.
    """

    evaluations: int
    claimed: float
    truth: float
    seed: float
    noise: float
    archive: Archive


def simulate(arm: str, case: Case, task: Task, seed: int) -> list[Checkpoint]:
    """Let a search work on a landscape.

    Args:
        arm: Name of the search.
        case: What is simulated.
        task: Task that stands in the operators' contexts.
        seed: Seed of the landscape, the noise and the search.
    """
    world, settings = World(case, seed), _settings(arm, case, seed)
    mix = operator_mix(settings.operators, with_models=False)
    search = Search(
        strategy=new_strategy(settings),
        operators=mix.operators,
        models={},
        chooser=mix.chooser({}),
        seed=settings.seed,
        movable_axes=[axis.name for axis in AXES[:2]],
        max_repeats=settings.max_repeats,
    )
    search.add_individual(Individual(0, "0", (), "seed", "", 0, Direction.MINIMIZE))
    for _ in range(settings.seed_repeats):
        search.tell(0, world.run(0))
    cells = settings.grid_cells(2)
    search.open_archive(axes_around(AXES[:2], search.individuals[0].measures, cells))
    builder = ContextBuilder(task, search, world)  # type: ignore[arg-type]
    found: list[Checkpoint] = []
    proposals = refused = 0
    while True:
        known = found[-1].evaluations if found else 0  # a refused proposal makes no run
        if world.runs in case.checkpoints and world.runs > known:
            found.append(_take_stock(search, world))
        if world.runs >= case.evaluations or refused >= MOST_REFUSED:
            return found
        doubtful = search.doubtful()
        if doubtful is not None:
            search.tell(doubtful.id, world.run(doubtful.id))
            continue
        born = _propose(search, builder, world, proposals)
        proposals, refused = proposals + 1, 0 if born else refused + 1
        if born and (len(world.sources) - 1) % CHILDREN == 0:
            search.refit_axes()


def _settings(arm: str, case: Case, seed: int) -> Settings:
    given: Mapping[str, Any] = ARMS[arm].settings
    children = case.evaluations // CHILDREN
    return Settings(generations=children, children=CHILDREN, seed=APART + seed, **given)


def _propose(search: Search, builder: ContextBuilder, world: World, number: int) -> bool:
    """Make and measure a child: whether there is one."""
    plan = search.ask(number)
    attempt = carry_out(plan, builder.build(plan, screen=world.screen))
    if attempt.defect:
        raise RuntimeError(attempt.defect)
    if attempt.proposal is None:
        search.add_refusal(plan.arm, plan.parent_ids)
        return False
    born, operator = len(world.sources), plan.operator.name
    world.sources.append(attempt.proposal.source)
    prior = search.prior(plan.parent_ids)
    child = Individual(
        born, str(born), plan.parent_ids, operator, "", 1, Direction.MINIMIZE, prior=prior
    )
    search.add_individual(child)
    search.tell(born, world.run(born))
    return True


def _take_stock(search: Search, world: World) -> Checkpoint:
    best, archive = search.champion, search.archive
    assert best is not None
    assert best.objective is not None
    assert archive is not None
    return Checkpoint(
        evaluations=world.runs,
        claimed=best.objective,
        truth=world.truth(best.id),
        seed=world.truth(0),
        noise=world.noise,
        archive=archive.rebin(archive.axes),
    )


def compare_landscapes(options: argparse.Namespace, say: Callable[[str], None] = print) -> None:
    """Compare the searches on each landscape; print the tables and write the records.

    Args:
        options: Options of `search.py`.
        say: Function that receives what is to be printed.
    """
    seeds = 40 if options.seeds is None else options.seeds
    task = load_task(ROOT)
    pool = ProcessPoolExecutor(options.processes)
    try:
        for landscape in options.landscapes or DEFAULT:
            case = Case(landscape, options.evaluations, options.noise, tuple(options.checkpoints))
            runs = {}
            for arm in options.arms:
                one = partial(simulate, arm, case, task)
                runs[arm] = list(pool.map(one, range(seeds)))
                say(f"{landscape}: {ARMS[arm].title}, {seeds} runs")
            record = make_record(case, seeds, runs)
            path = (options.out or RECORDS) / f"search_{landscape}.csv"
            record.write(path)
            say(f"{write_table(record)}\nrecord: {path}")
    finally:
        pool.shutdown(cancel_futures=True)


def make_record(
    case: Case, seeds: int, runs: Mapping[str, Sequence[Sequence[Checkpoint]]]
) -> StudyRecord:
    """Make the record of the searches on a landscape.

    Each seed has a landscape of its own, so that each has a common grid and reachable cells of its
    own; those that are stated are the mean over the seeds.

    Args:
        case: What was simulated.
        seeds: Number of landscapes.
        runs: Checkpoints of each run, by search and seed.
    """
    rows, reachable = [], []
    first = [points[-1] for points in next(iter(runs.values()))]
    for seed in range(seeds):
        points = [(arm, point) for arm, own in runs.items() for point in own[seed]]
        axes = fit_common_axes([point.archive for _, point in points])
        grids = [rebin_by_mean(point.archive, axes) for _, point in points]
        reachable.append(len({cell for grid in grids for cell in grid}))
        rows += [
            Row(
                arm=arm,
                seed=seed,
                evaluations=point.evaluations,
                genome="",
                claimed=point.claimed,
                truth=point.truth,
                deviation=point.noise,
                fresh=0,
                qd_score=sum(max(point.seed - value, 0.0) for value in grid.values()),
                cells=len(grid),
                failed=0,
            )
            for (arm, point), grid in zip(points, grids, strict=True)
        ]
    conditions = {
        "task": f"landscape {case.landscape}",
        "metric": "val_bpb",
        "direction": Direction.MINIMIZE.value,
        "noise": round(statistics.fmean(point.noise for point in first), 6),
        "paired": True,
        "arms": {arm: ARMS[arm].title for arm in runs},
        "seeds": seeds,
        "evaluations": case.evaluations,
        "checkpoints": list(case.checkpoints),
        "seed_truth": round(statistics.fmean(point.seed for point in first), 6),
        "reachable_cells": round(math.fsum(reachable) / seeds, 1),
    }
    return StudyRecord(rows, conditions)
