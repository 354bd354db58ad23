"""The background of a request: what was tried, what gained, the archive as it is, the lessons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Protocol

from archive import Archive, Axis, Cell
from evolve.operators import Parent, Section
from evolve.operators.prompts.lessons import extract_lessons, extract_notes
from evolve.operators.prompts.quoting import DATA, quote_words
from evolve.operators.prompts.requests import diff_genomes, quote_idea
from population import Individual, Noise
from population.beliefs import is_different
from population.family import Family
from population.formatting import format_number, format_score
from trainer.log import REASON
from trainer.task import Task

LATEST = 15  # results of the whole run in a request
NEAR = 20  # results of the parents' children and siblings in a request
LINE = 100  # ancestors that are searched for changes that gained
GAINS = 3  # changes that gained, whose text is in a request
DIFF_LINES = 60  # lines of each such change
CONSIDERED, INFORMATIVE = 1000, 60  # latest results for lessons, and how many of them are sent
NOTES_SHARE, LESSONS_SHARE, GAINS_SHARE = 0.25, 0.125, 0.125  # of a request's tokens; each change
Source = Callable[[str], str]  # the genome of a commit


class Findings(Protocol):
    """What a search has found so far.

    Attributes:
        individuals: Everyone by id.
        family: The family tree.
        archive: The archive; None before the seeds are measured.
        best: The fittest; None before the seeds are measured.
        noise: What is known of the noise of a run.
    """

    @property
    def individuals(self) -> dict[int, Individual]: ...
    @property
    def family(self) -> Family: ...
    @property
    def archive(self) -> Archive | None: ...
    @property
    def best(self) -> Individual | None: ...
    @property
    def noise(self) -> Noise: ...

    def gain(self, individual: Individual) -> float:
        """How much fitter an individual is than its fittest parent, in the metric's unit."""
        ...

    def is_improvement(self, individual: Individual) -> bool:
        """Whether an individual is fitter than all its parents that scored, beyond luck."""
        ...


def background(
    parents: Sequence[Individual],
    search: Findings,
    task: Task,
    source: Source,
    *,
    lessons: str = "",
    notes: str = "",
) -> list[Section]:
    """The sections of a request to a language model, the most important first.

    Args:
        parents: Parents of the child to be proposed.
        search: What was tried and what came of it.
        task: Task with the names of metric and axes.
        source: Function that reads a commit's genome.
        lessons: The latest lessons; may be empty.
        notes: Notes from the task's sources; may be empty.
    """
    near = {one.id: one for parent in parents for one in search.family.near(parent.id, NEAR)}
    beside = [near[number] for number in sorted(near)][-NEAR:]
    latest = list(islice(reversed(search.individuals.values()), LATEST))[::-1]
    told = {one.id for one in beside}
    sections = [
        Section(
            "Notes from the sources, as a model took them:",
            extract_notes(notes).splitlines(),
            share=NOTES_SHARE,
        ),
        Section(
            "Lessons from the results so far, as a model drew them:",
            extract_lessons(lessons).splitlines(),
            share=LESSONS_SHARE,
        ),
        Section(
            f"What was tried on this genome and beside it, with what came of it ({DATA}):",
            results(beside, search, task),
        ),
        *_changes_that_gained(parents, search, task, source),
        Section("The archive now:", _archive_lines(search, task)),
        Section(
            f"The latest results of all ({DATA}):",
            results([one for one in latest if one.id not in told], search, task),
        ),
    ]
    return [section for section in sections if section.lines]


def results(individuals: Sequence[Individual], search: Findings, task: Task) -> list[str]:
    """A line for each individual that has run: its idea, and what came of it."""
    lines = []
    for individual in individuals:
        if not individual.measurements or not individual.parents:
            continue
        parent = search.individuals[individual.parents[0]]
        lines.append(
            f"- genome {individual.id}, child of {parent.id}, tried {quote_idea(individual)}: "
            f"{outcome(individual, parent, search.noise, task)}"
        )
    return lines


def informative_children(search: Findings, latest: int) -> list[Individual]:
    """The most informative recent children: largest gains and losses, failures, then the rest.

    Args:
        search: What was tried and what came of it.
        latest: Number of latest children to choose from.
    """
    children = (i for i in reversed(search.individuals.values()) if i.parents and i.measurements)

    def information(one: Individual) -> tuple[int, float]:
        if not one.scored:
            return 1, 0.0
        change = abs(search.gain(one))
        return (2, change) if change > search.noise.deviation else (0, change)

    return sorted(islice(children, min(latest, CONSIDERED)), key=information, reverse=True)[
        :INFORMATIVE
    ]


def outcome(
    individual: Individual, parent: Individual, noise: Noise, task: Task, whom: str = "its parent"
) -> str:
    """Describe what came of an individual: its score against its parent's, or its failure.

    Args:
        individual: Individual that has run.
        parent: Parent that it is compared with.
        noise: What is known of the noise of a run, which decides whether two scores differ.
        task: Task with the name of the metric.
        whom: Words for the parent.
    """
    if individual.objective is None:
        reason = quote_words(individual.measurements[-1].reason, REASON)
        return f"{individual.status}: {reason}"
    words = f"{task.metric} {format_score(individual.objective, noise.deviation)}"
    if parent.objective is None:
        return words
    gain = individual.direction.gain(individual.objective, parent.objective)
    if not is_different(individual, parent, noise):
        return f"{words}, no different from {whom} within noise"
    return f"{words}, {abs(gain):.3g} {'better' if gain > 0 else 'worse'} than {whom}"


def _changes_that_gained(
    parents: Sequence[Individual], search: Findings, task: Task, source: Source
) -> list[Section]:
    """The changes that gained most over their parents, those of the parents' own line first."""
    lines = (islice(search.family.line(parent.id), LINE) for parent in parents)
    line = (one for one in chain.from_iterable(lines) if search.is_improvement(one))
    gained = {one.id: one for one in islice(line, GAINS)}
    elites = search.archive.elites if search.archive else []
    for one in sorted(elites, key=search.gain, reverse=True)[:GAINS]:
        if search.is_improvement(one):
            gained.setdefault(one.id, one)
    sections = []
    for one in list(gained.values())[:GAINS]:
        parent = search.individuals[one.parents[0]]
        diff = diff_genomes(Parent(parent, source(parent.commit)), Parent(one, source(one.commit)))
        title = f"A change that gained ({outcome(one, parent, search.noise, task)}):"
        sections.append(Section(title, diff[:DIFF_LINES], fence="diff", share=GAINS_SHARE))
    return sections


def _archive_lines(search: Findings, task: Task) -> list[str]:
    archive, best = search.archive, search.best
    if archive is None or best is None:
        return []
    axes = " and ".join(axis.title for axis in archive.axes)
    deviation = search.noise.deviation
    lines = [
        f"{len(archive)} of {archive.cells} cells over {axes} are filled; the best is genome "
        f"{best.id} with {task.metric} {best.objective:.6g}; a run varies by {deviation:.2g}"
    ]
    for elite in archive:
        place = ", ".join(
            format_number(elite.measures[axis.name], axis.unit) for axis in archive.axes
        )
        lines.append(f"- {place}: {task.metric} {elite.objective:.6g} (genome {elite.id})")
    return lines


def describe_target(cell: Cell | None, archive: Archive | None, task: Task) -> str:
    """Describe a cell of the archive: its bounds, its elite and the elites around it."""
    if cell is None or archive is None:
        return ""
    bounds = " and ".join(
        _between(axis, index) for axis, index in zip(archive.axes, cell, strict=True)
    )
    elite = archive.elite_of(cell)
    holder = (
        f"it is held by genome {elite.id} with {task.metric} {elite.objective:.6g}"
        if elite
        else "it is empty"
    )
    around = [
        f"genome {one.id} with {task.metric} {one.objective:.6g} at "
        + ", ".join(format_number(one.measures[axis.name], axis.unit) for axis in archive.axes)
        for near in archive.neighbours(cell)
        if (one := archive.elite_of(near))
    ]
    beside = f" Beside it: {'; '.join(around)}." if around else ""
    return f"{bounds}; {holder}.{beside}"


def _between(axis: Axis, index: int) -> str:
    low, high = axis.bounds_of(index)
    return f"{axis.label} {format_number(low)} to {format_number(high, axis.unit)}"
