"""How a genome came to be: every change that is in it, what was expected, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archive.comparison import describe_confirmation, read_comparison
from evolve.operators.prompts.background import outcome
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual
from population.formatting import format_score


@dataclass(frozen=True)
class Step:
    """One change on the way.

    Attributes:
        individual: Individual that the change made.
        notes: Operator's notes: what was changed and what was expected; may be empty.
        did: Result of the change, in words.
    """

    individual: Individual
    notes: str
    did: str


def trace_changes(run: Run, search: Search, number: int) -> list[Step]:
    """The changes from the seed to an individual, the oldest first, its own included."""
    line: set[int] = set()
    above = [number]
    while above:
        one = search.individuals[above.pop()]
        if one.parents and one.id not in line:
            line.add(one.id)
            above += one.parents
    return [trace_change(run, search, i) for i in sorted(line)]


def trace_change(run: Run, search: Search, number: int) -> Step:
    """One individual's own change."""
    individual = search.individuals[number]
    parents = [search.individuals[parent] for parent in individual.parents]
    did = ""
    if individual.measurements:
        parent = max(parents, key=lambda one: one.fitness) if parents else individual
        whom = "its parent" if len(parents) < 2 else f"the better parent, #{parent.id}"
        did = outcome(individual, parent, search.noise, run.task, whom)
    return Step(individual, run.lineage.notes(individual.commit), did)


def markdown(run: Run, search: Search, steps: Sequence[Step]) -> str:
    """The story as a file for people."""
    lines = [f"# What changed from the start to genome {steps[-1].individual.id}", ""]
    seed = search.reference
    comparison, metric = read_comparison(run.record, run.task.direction), run.task.metric
    lines += [describe_confirmation(comparison, metric, steps[-1].individual.id), ""]
    if seed is not None and seed.objective is not None:
        score = format_score(seed.objective, search.noise.deviation)
        lines += [f"In the search the start had {metric} {score}.", ""]
    for one in steps:
        individual = one.individual
        lines += [f"## {individual.id}: {individual.description}", ""]
        lines += [one.notes, ""] if one.notes else []
        by = f" by {individual.model}" if individual.model else ""
        lines += [f"- made of {_parents(individual)} with {individual.operator}{by}"]
        lines += [f"- {one.did}", ""]
    return "\n".join(lines)


def _parents(individual: Individual) -> str:
    return " and ".join(str(parent) for parent in individual.parents)
