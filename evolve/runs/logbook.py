"""The search, generation by generation, in DEAP's Logbook."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from deap import tools

from archive import Archive
from archive.rows import Experiment, Purpose
from evolve.runs.history import begin_search, replay_events
from evolve.runs.run import Run
from population import Individual
from population.formatting import choose_format, format_count


def new_logbook() -> tools.Logbook:
    """An empty logbook; its columns are those of `record_generation`."""
    logbook = tools.Logbook()
    logbook.header = ["gen", "children", "scored", "min", "mean", "max", "best", "elites", "qd"]
    return logbook


def record_generation(
    logbook: tools.Logbook,
    number: int,
    children: Sequence[Individual],
    archive: Archive,
    reference: float,
) -> None:
    """Add a generation.

    Args:
        logbook: Logbook that gets the row.
        number: Number of the generation, from 1.
        children: Children that ended in it, scored or not.
        archive: The archive after them.
        reference: Fitness against which the QD score counts, in the metric's unit.
    """
    scored = [child for child in children if child.objective is not None]
    of_children = tools.Statistics(key=lambda child: child.objective)
    of_children.register("min", min)
    of_children.register("mean", statistics.fmean)
    of_children.register("max", max)
    nothing = {"min": None, "mean": None, "max": None}
    state = archive.stats(reference)
    logbook.record(
        gen=number,
        children=len(children),
        scored=len(scored),
        **(of_children.compile(scored) if scored else nothing),
        best=state.obj_best,
        elites=state.num_elites,
        coverage=state.coverage,
        qd=state.qd_score,
    )


def read_logbook(run: Run) -> tools.Logbook:
    """The logbook of a run so far, from its record; empty before its archive is open."""
    logbook, children = new_logbook(), []
    search = begin_search(run)
    for event in replay_events(run, search):
        if not isinstance(event, Experiment) or event.purpose is not Purpose.SEARCH:
            continue
        child = search.individuals[event.individual]
        if child.parents:
            children.append(child)
            if len(children) % run.settings.children == 0:
                assert search.archive is not None
                number = len(children) // run.settings.children
                latest = children[-run.settings.children :]
                reference = run.record.meta("reference")
                record_generation(logbook, number, latest, search.archive, reference)
    return logbook


def describe_generation(
    logbook: tools.Logbook, archive: Archive, metric: str, deviation: float
) -> str:
    """The last generation in one line, for people.

    Args:
        logbook: The run's logbook, which has a generation.
        archive: Archive at its end.
        metric: Name of the metric.
        deviation: Standard deviation of one run, which decides the digits; 0 if unknown.
    """
    row = logbook[-1]
    best = archive.best
    assert best is not None
    values = [value for value in (row["min"], row["max"], row["best"]) if value is not None]
    write = choose_format(values, deviation)
    children = f"mean {write(row['mean'])}, " if row["mean"] is not None else ""
    return (
        f"generation {row['gen']}: {row['scored']} of "
        f"{format_count(row['children'], 'child', 'children')} scored, {children}"
        f"best {metric} {write(row['best'])} (#{best.id}); "
        f"{row['elites']} of {archive.cells} cells, QD score {row['qd']:.3g}"
    )
