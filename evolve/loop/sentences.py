"""What the loop says and records of a run, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from archive import Axis
from evolve.loop.evaluators import Loss, Running
from population import Individual
from population.formatting import format_count, format_number, format_score
from trainer.task import Task


def describe_result(individual: Individual, task: Task) -> str:
    """A measured individual's result in a line, for `git log`."""
    last = individual.measurements[-1]
    if individual.objective is None:
        return f"{last.status}: {last.reason}"
    score = f"{task.metric} {individual.objective:.6g}"
    measured = ", ".join(
        f"{axis.label} {format_number(individual.measures[axis.name], axis.unit)}"
        for axis in task.axes
    )
    return f"{score} ({format_count(len(individual.scored), 'run')}); {measured}"


def describe_refit(before: Sequence[Axis], after: Sequence[Axis]) -> str:
    """Say how the axes of the archive have moved."""
    moved = [
        f"{new.label} {format_number(new.low)} to {format_number(new.high, new.unit)} "
        f"(was {format_number(old.low)} to {format_number(old.high)})"
        for old, new in zip(before, after, strict=True)
        if old != new
    ]
    return f"the archive follows what was found: {'; '.join(moved)}"


def describe_loss(running: Running, loss: Loss, slots: int) -> str:
    """Say why a job is made again, and how many devices are left."""
    if slots:
        left = f"{slots} {'devices are' if slots > 1 else 'device is'} left"
    else:
        left = "no device is left"
    again = f"#{running.job.individual.id} will be measured again"
    return f"{loss.reason}, {again}; {left}"


def describe_fall(before: Individual, now: Individual, metric: str, deviation: float) -> str:
    """Say that an individual with a score has turned out worse than it seemed."""
    assert before.objective is not None
    assert now.objective is not None
    seemed, found = (format_score(one.objective or 0.0, deviation) for one in (before, now))
    runs = format_count(len(now.scored), "run")
    return f"#{now.id} was luck: {metric} {seemed} -> {found} after {runs}"
