"""What an operator is told besides the parents: what was tried, what paid, the archive, lessons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, takewhile

from archive import Archive, Axis, Cell
from evolve.genome import mask_constants
from evolve.operators import Parent, Relative, Section
from evolve.operators.prompts.lessons import extract_lessons, extract_notes
from evolve.operators.prompts.quoting import DATA, quote_words
from evolve.operators.prompts.requests import diff_genomes, quote_idea
from evolve.search.search import Plan, Search
from population import Individual
from population.formatting import human
from population.lineage import Lineage
from trainer.log import REASON
from trainer.task import Task


@dataclass(frozen=True)
class Briefing:
    """What an operator is told: the parents with their genomes, and what its kind can use.

    Attributes:
        parents: of the child.
        background: sections for a language model, the most important first.
        target: the cell to reach, in words; empty if there is none.
        ancestor: the genome of the parents' lowest common ancestor; None if that is of no use.
        said: what the parent printed before it failed, or its scoring, if that is trusted.
        relatives: the genomes that have run and differ from the parent in constants alone.
    """

    parents: Sequence[Parent]
    background: Sequence[Section] = ()
    target: str = ""
    ancestor: str | None = None
    said: str = ""
    relatives: Sequence[Relative] = ()


LATEST = 15  # results of the whole run that a model is told
NEAR = 20  # results of the parent's children and siblings
KEPT = 1000  # genomes that are kept in memory
LOOKED_AT = 120  # genomes around a parent, in search of such as differ in constants alone
LINE = 100  # ancestors that are looked at
PAID = 3  # changes that paid whose text is shown
DIFF_LINES = 60  # of each
CONSIDERED, TELLING = 1000, 60  # latest results for lessons, and how many of them are told
INTENTS = 6  # ancestors of a parent of two, whose ideas are told
EXPECTED = 300  # characters of what a parent of two was expected to do
NOTES_SHARE, LESSONS_SHARE, PAID_SHARE = 0.25, 0.125, 0.125  # of a request's tokens, of each change
Source = Callable[[str], str]  # a commit to its genome


def background(
    plan: Plan, search: Search, task: Task, lessons: str, source: Source
) -> list[Section]:
    """The sections of a request to a language model, the most important first.

    Args:
        plan: what is to be proposed.
        search: what was tried and what came of it.
        task: with the names of metric and axes.
        lessons: as they were distilled last; may be empty.
        source: reads a genome.
    """
    near = {one.id: one for parent in plan.parents for one in search.family.near(parent.id, NEAR)}
    beside = [near[number] for number in sorted(near)][-NEAR:]
    latest = list(islice(reversed(search.individuals.values()), LATEST))[::-1]
    told = {one.id for one in beside}
    sections = [
        Section(
            "Lessons from the results so far, as a model drew them:",
            extract_lessons(lessons).splitlines(),
            share=LESSONS_SHARE,
        ),
        Section(
            f"What was tried on this genome and beside it, with what came of it ({DATA}):",
            results(beside, search, task),
        ),
        *_changes_that_paid(plan, search, task, source),
        Section("The archive now:", _archive_lines(search, task)),
        Section(
            f"The latest results of all ({DATA}):",
            results([one for one in latest if one.id not in told], search, task),
        ),
    ]
    return [section for section in sections if section.lines]


def results(individuals: Sequence[Individual], search: Search, task: Task) -> list[str]:
    """A line for each individual that has run: what it tried and what came of it."""
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


def telling(search: Search, latest: int) -> list[Individual]:
    """Of the latest children those whose results say most, the most telling ones first.

    That is what gained or lost most; then failures; then what changed nothing beyond the noise.
    """
    children = (i for i in reversed(search.individuals.values()) if i.parents and i.measurements)

    def worth(one: Individual) -> tuple[int, float]:
        if not one.scored:
            return 1, 0.0
        change = abs(search.gain(one))
        return (2, change) if change > search.noise else (0, change)

    return sorted(islice(children, min(latest, CONSIDERED)), key=worth, reverse=True)[:TELLING]


def outcome(
    individual: Individual, parent: Individual, noise: float, task: Task, whom: str = "its parent"
) -> str:
    """What came of an individual, in words: its score against its parent's, or its failure.

    Args:
        individual: that has run.
        parent: that it is compared with.
        noise: within which scores are no different.
        task: with the name of the metric.
        whom: what the parent is called.
    """
    if individual.objective is None:
        reason = quote_words(individual.measurements[-1].reason, REASON)
        return f"{individual.status}: {reason}"
    words = f"{task.metric} {individual.objective:.6g}"
    if parent.objective is None:
        return words
    gain = individual.direction.gain(individual.objective, parent.objective)
    if abs(gain) <= noise:
        return f"{words}, no different from {whom} within noise"
    return f"{words}, {abs(gain):.3g} {'better' if gain > 0 else 'worse'} than {whom}"


def _changes_that_paid(plan: Plan, search: Search, task: Task, source: Source) -> list[Section]:
    """The changes that gained most over their parents, those of the parents' own line first."""
    lines = (islice(search.family.line(parent.id), LINE) for parent in plan.parents)
    line = (one for one in chain.from_iterable(lines) if search.gain(one) > search.noise)
    paid = {one.id: one for one in islice(line, PAID)}
    elites = search.archive.elites if search.archive else []
    for one in sorted(elites, key=search.gain, reverse=True)[:PAID]:
        if search.gain(one) > search.noise:
            paid.setdefault(one.id, one)
    sections = []
    for one in list(paid.values())[:PAID]:
        parent = search.individuals[one.parents[0]]
        diff = diff_genomes(Parent(parent, source(parent.commit)), Parent(one, source(one.commit)))
        title = f"A change that paid ({outcome(one, parent, search.noise, task)}):"
        sections.append(Section(title, diff[:DIFF_LINES], fence="diff", share=PAID_SHARE))
    return sections


def _archive_lines(search: Search, task: Task) -> list[str]:
    archive, best = search.archive, search.best
    if archive is None or best is None:
        return []
    axes = " and ".join(axis.title for axis in archive.axes)
    lines = [
        f"{len(archive)} of {archive.cells} cells over {axes} are filled; the best is genome "
        f"{best.id} with {task.metric} {best.objective:.6g}; a run varies by {search.noise:.2g}"
    ]
    for elite in archive:
        place = ", ".join(human(elite.measures[axis.name], axis.unit) for axis in archive.axes)
        lines.append(f"- {place}: {task.metric} {elite.objective:.6g} (genome {elite.id})")
    return lines


def target_words(cell: Cell | None, archive: Archive | None, task: Task) -> str:
    """A cell of the archive in words: its bounds, its elite and the elites around it."""
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
        + ", ".join(human(one.measures[axis.name], axis.unit) for axis in archive.axes)
        for near in archive.neighbours(cell)
        if (one := archive.elite_of(near))
    ]
    beside = f" Beside it: {'; '.join(around)}." if around else ""
    return f"{bounds}; {holder}.{beside}"


def _between(axis: Axis, index: int) -> str:
    edges = axis.edges().tolist()
    return f"{axis.label} {human(edges[index], axis.unit)} to {human(edges[index + 1], axis.unit)}"


class Briefer:
    """Gathers what the operators are told. It reads genomes, so it stays in one thread.

    Args:
        task: with the names of metric and axes.
        search: what was tried and what came of it.
        lineage: the genomes.
        said_by: the last lines that an individual printed.
    """

    def __init__(
        self, task: Task, search: Search, lineage: Lineage, said_by: Callable[[Individual], str]
    ) -> None:
        self._task, self._search, self._lineage, self._said_by = task, search, lineage, said_by
        self.source = lru_cache(KEPT)(lineage.source)
        self._valueless = lru_cache(4 * KEPT)(lambda commit: mask_constants(self.source(commit)))
        self.lessons = ""
        self.notes = ""

    def brief(self, plan: Plan) -> Briefing:
        """What the operator of a plan is told."""
        operator, search, task = plan.operator, self._search, self._task
        asks = operator.needs_model
        unites = operator.arity > 1 and asks
        ancestor = self._ancestor(plan) if unites else None
        parents = tuple(
            Parent(one, self.source(one.commit), self._intent(one, ancestor) if unites else ())
            for one in plan.parents
        )
        return Briefing(
            parents=parents,
            background=self._background(plan) if asks else (),
            target=target_words(plan.target, search.archive, task),
            ancestor=self.source(ancestor) if ancestor else None,
            said=self._said_by(plan.parents[0]) if operator.mends or (asks and task.score) else "",
            relatives=self._relatives(parents[0]) if operator.learns else (),
        )

    def _background(self, plan: Plan) -> list[Section]:
        notes = Section(
            "Notes from the sources, as a model took them:",
            extract_notes(self.notes).splitlines(),
            share=NOTES_SHARE,
        )
        sections = background(plan, self._search, self._task, self.lessons, self.source)
        return [notes, *sections] if notes.lines else sections

    def _intent(self, parent: Individual, ancestor: str | None) -> list[str]:
        """What a parent was to achieve, and those between it and its ancestor."""
        expected = self._lineage.notes(parent.commit)
        lines = (
            [f"genome {parent.id} expected: {quote_words(expected, EXPECTED)}"] if expected else []
        )
        line = islice(self._search.family.line(parent.id), 1, INTENTS + 1)
        for one in takewhile(lambda one: one.commit != ancestor, line):
            lines.append(f"before genome {parent.id}, in genome {one.id}: {quote_idea(one)}")
        return lines

    def _relatives(self, parent: Parent) -> list[Relative]:
        own = self._valueless(parent.individual.commit)
        alike = self._search.family.relatives(
            parent.individual.id, lambda one: self._valueless(one.commit) == own, LOOKED_AT
        )
        return [
            Relative(self.source(one.commit), one.objective) for one in alike if one.measurements
        ]

    def _ancestor(self, plan: Plan) -> str | None:
        """The commit of the parents' lowest common ancestor."""
        first, second = (parent.commit for parent in plan.parents)
        return self._lineage.common_ancestor(first, second)
