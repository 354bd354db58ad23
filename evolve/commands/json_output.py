"""What commands say with `--json`: one JSON value on stdout, for scripts and agents."""

from __future__ import annotations

import argparse
import json
import math
import time
from typing import Any

from archive import Experiment
from archive.comparison import FreshComparison
from evolve.commands.run_state import read_confirmation, read_state
from evolve.models.outages import summarise_outages
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts and agents")


def print_json(value: Any) -> None:
    """Print a value as JSON, in ASCII; NaN and infinities, which JSON lacks, are null."""
    print(json.dumps(make_plain(value), indent=2, allow_nan=False))


def make_plain(value: Any) -> Any:
    """Make a value one that JSON knows, with null for NaN and infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): make_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [make_plain(part) for part in value]
    return value


def describe_run(run: Run, search: Search) -> dict[str, Any]:
    """A run in numbers: state, counts, best, confirmed gain, cost."""
    state, task, archive = read_state(run), run.task, search.archive
    children = [one for one in search.individuals.values() if one.parents and one.measurements]
    spend = run.record.spend()
    reference, best = search.reference, search.champion
    outages = summarise_outages(run.record.events(), time.time())
    return {
        "run": run.folder.name,
        "folder": str(run.folder.path),
        "task": task.name,
        "state": state.words,
        "begun": state.begun,
        "seconds": state.seconds,
        "metric": task.metric,
        "direction": task.direction.value,
        "strategy": run.settings.strategy,
        "children": len(children),
        "children_wanted": run.settings.total_children,
        "failed": sum(not child.scored for child in children),
        "cells": None if archive is None else archive.cells,
        "cells_filled": None if archive is None else len(archive),
        "noise": search.noise.deviation or None,
        "seed": None if reference is None else describe_individual(reference, search),
        "best": None if best is None else describe_individual(best, search),
        "confirmed": describe_comparison(read_confirmation(run, search)),
        "dollars": spend.cost,
        "requests": spend.calls,
        "outages": outages.count,
        "outage_seconds": outages.seconds,
    }


def describe_individual(one: Individual, search: Search) -> dict[str, Any]:
    """A genome in numbers."""
    cell = search.archive.cell_of(one) if search.archive is not None and one.scored else None
    elite = None if search.archive is None or cell is None else search.archive.elite_of(cell)
    return {
        "id": one.id,
        "commit": one.commit,
        "parents": list(one.parents),
        "operator": one.operator,
        "model": one.model,
        "description": one.description,
        "generation": one.generation,
        "status": None if one.status is None else one.status.value,
        "objective": one.objective,
        "margin": one.margin(search.noise) if search.noise.deviation and one.scored else None,
        "runs": len(one.scored),
        "measures": one.measures,
        "cell": cell,
        "elite": elite is not None and elite.id == one.id,
    }


def describe_experiment(experiment: Experiment) -> dict[str, Any]:
    """An experiment in numbers."""
    m = experiment.measurement
    return {
        "experiment": experiment.number,
        "individual": experiment.individual,
        "purpose": experiment.purpose.value,
        "outcome": experiment.outcome,
        "fitness": m.fitness,
        "measures": dict(m.measures),
        "details": dict(m.details),
        "seconds": m.seconds,
        "memory_gb": m.memory_gb or None,
        "device": m.device,
        "seed": m.seed,
        "ended": m.ended,
        "reason": m.reason,
    }


def describe_comparison(comparison: FreshComparison | None) -> dict[str, Any] | None:
    """The fresh runs of seed and best in numbers; None if there are none."""
    if comparison is None:
        return None
    return {
        "seed": comparison.seed,
        "best": comparison.best,
        "seed_mean": comparison.seed_mean,
        "best_mean": comparison.best_mean,
        "gain": comparison.gain,
        "low": comparison.low,
        "high": comparison.high,
        "runs": list(comparison.runs),
        "is_confirmed": comparison.is_confirmed,
    }
