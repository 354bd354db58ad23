"""The record of a comparison: a small table with a row for each run and checkpoint."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from search_arms import ARMS, ArmRun, Study
from search_truth import FreshRuns, digest

from archive import Archive, Axis
from archive.rows import Experiment
from evolve.runs.history import begin_search, read_axes, replay_events
from evolve.runs.run import open_run
from evolve.search.axes import refit_axes
from trainer.fingerprint import FILE


@dataclass(frozen=True)
class Claim:
    """What a run claims at a checkpoint.

    Attributes:
        run: The run.
        evaluations: Number of measurements made by then.
        source: Text of the genome that it takes for its best.
        claimed: Objective that it ascribes to it, in the metric's unit.
        archive: Everyone who has scored by then, over the axes that the run had at its end.
        failed: Number of measurements by then that gave no score.
    """

    run: ArmRun
    evaluations: int
    source: str
    claimed: float
    archive: Archive
    failed: int


@dataclass(frozen=True)
class Row:
    """A run at a checkpoint, as the record holds it.

    Attributes:
        arm: Name of the search.
        seed: Seed of the run.
        evaluations: Number of measurements made by then.
        genome: Digest of the genome that it takes for its best.
        claimed: Objective that it ascribes to it, in the metric's unit.
        truth: Mean objective of that genome on fresh seeds, in the metric's unit.
        deviation: Standard deviation of one fresh run of it, in the metric's unit.
        fresh: Number of its fresh runs that scored.
        qd_score: Sum over the cells of the common grid of the elites' gains over the seed.
        cells: Number of filled cells of the common grid.
        failed: Number of measurements that gave no score.
    """

    arm: str
    seed: int
    evaluations: int
    genome: str
    claimed: float
    truth: float
    deviation: float
    fresh: int
    qd_score: float
    cells: int
    failed: int


@dataclass(frozen=True)
class StudyRecord:
    """A comparison as it is shipped.

    Attributes:
        rows: A row for each run and checkpoint.
        conditions: What was compared, and under which conditions.
    """

    rows: Sequence[Row]
    conditions: Mapping[str, Any]

    def write(self, path: Path) -> None:
        """Write the table to a .csv file, and the conditions to a .json file beside it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, [one.name for one in fields(Row)], lineterminator="\n")
            writer.writeheader()
            for row in self.rows:
                values = asdict(row)
                writer.writerow(
                    {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in values.items()}
                )
        path.with_suffix(".json").write_text(json.dumps(self.conditions, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> StudyRecord:
        """Read what `write` wrote."""
        kinds = {"str": str, "int": int, "float": float}
        with open(path, newline="") as file:
            rows = [
                Row(**{one.name: kinds[str(one.type)](line[one.name]) for one in fields(Row)})
                for line in csv.DictReader(file)
            ]
        return cls(rows, json.loads(path.with_suffix(".json").read_text()))


def list_claims(run: ArmRun, checkpoints: Sequence[int]) -> list[Claim]:
    """What a run claims at each checkpoint that it has come to."""
    with closing(open_run(str(run.folder))) as opened:
        axes = read_axes(opened.record)
        if axes is None:
            return []
        search, made, failed, claims = begin_search(opened), 0, 0, []
        for event in replay_events(opened, search):
            if not isinstance(event, Experiment) or not event.purpose.decides:
                continue
            made += 1
            failed += event.measurement.fitness is None
            if made not in checkpoints:
                continue
            if search.archive is None:  # it is still at the seed
                search.open_archive(axes)
            best = search.champion
            assert search.archive is not None
            assert best is not None
            assert best.objective is not None
            archive = search.archive.rebin(search.archive.axes)
            source = opened.lineage.source(best.commit)
            claims.append(Claim(run, made, source, best.objective, archive, failed))
        return claims


def list_seed(study: Study) -> str:
    """The text of the seed that all runs began from.

    Raises:
        ValueError: They began from different ones, so they do not compare.
    """
    sources = set()
    for run in study.list_runs():
        if run.is_begun:
            with closing(open_run(str(run.folder))) as opened:
                sources.add(opened.lineage.source(opened.individuals()[0].commit))
    if len(sources) != 1:
        raise ValueError(f"the runs of {study.out} began from {len(sources)} different seeds")
    return sources.pop()


def fit_common_axes(archives: Sequence[Archive]) -> tuple[Axis, ...]:
    """Axes for all runs: those of the first one, refitted to everyone whom any run has scored."""
    everyone = [one for archive in archives for one in archive.individuals]
    bests = [archive.best for archive in archives if archive.best is not None]
    axes = archives[0].axes
    return refit_axes(axes, everyone, bests, [axis.name for axis in axes]) or axes


def make_record(
    study: Study, claims: Sequence[Claim], fresh: FreshRuns, checkpoints: Sequence[int]
) -> StudyRecord:
    """Make the record of a comparison whose claims were measured on fresh seeds.

    Args:
        study: The comparison.
        claims: What the runs claim at the checkpoints.
        fresh: The fresh runs.
        checkpoints: Numbers of evaluations at which the runs are compared.
    """
    seed_values = fresh.values(digest(list_seed(study)))
    seed = statistics.fmean(seed_values)
    axes = fit_common_axes([claim.archive for claim in claims])
    grids = [rebin_by_mean(claim.archive, axes) for claim in claims]
    reached = {cell for grid in grids for cell in grid}
    values = {name: fresh.values(name) for name in {digest(claim.source) for claim in claims}}
    direction = claims[0].archive.direction
    assert direction is not None
    rows = []
    for claim, grid in zip(claims, grids, strict=True):
        name = digest(claim.source)
        runs = values[name]
        gains = (direction.gain(value, seed) for value in grid.values())
        rows.append(
            Row(
                claim.run.arm,
                claim.run.seed,
                claim.evaluations,
                name,
                claim.claimed,
                statistics.fmean(runs) if runs else float("nan"),
                statistics.stdev(runs) if len(runs) > 1 else float("nan"),
                len(runs),
                sum(max(gain, 0.0) for gain in gains),
                len(grid),
                claim.failed,
            )
        )
    conditions = {
        **_describe_protocol(claims[0].run),
        "arms": {arm: ARMS[arm].title for arm in study.arms},
        "seeds": study.seeds,
        "evaluations": study.evaluations,
        "checkpoints": list(checkpoints),
        "fresh_runs": max(len(runs) for runs in values.values()),
        "seed_truth": round(seed, 6),
        "seed_deviation": round(statistics.stdev(seed_values), 6) if len(seed_values) > 1 else None,
        "axes": [axis.to_dict() for axis in axes],
        "reachable_cells": len(reached),
    }
    return StudyRecord(rows, conditions)


def rebin_by_mean(archive: Archive, axes: Sequence[Axis]) -> dict[tuple[int, ...], float]:
    """The best mean of runs in each cell, whatever the search itself believed of them."""
    grid = Archive(axes)
    elites: dict[tuple[int, ...], float] = {}
    for one in archive.individuals:
        cell, mean = grid.cell_of(one), statistics.fmean(one.values)
        best = elites.get(cell)
        if best is None or one.direction.gain(mean, best) > 0:
            elites[cell] = mean
    return elites


def _describe_protocol(run: ArmRun) -> dict[str, Any]:
    with closing(open_run(str(run.folder))) as opened:
        facts = opened.record.meta("fingerprint")
        task = opened.task
        kept = {name: value for name, value in facts.items() if not name.startswith(FILE)}
        return {
            "task": task.name,
            "metric": task.metric,
            "direction": task.direction.value,
            "protocol": kept,
        }
