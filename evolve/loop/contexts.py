"""The contexts of proposals: the parents' genomes, and what a kind of operator can use besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from statistics import fmean

import numpy as np

from evolve.edits.forms import FREE
from evolve.genome import Identity, mask_constants
from evolve.operators import (
    AskModel,
    Cells,
    Context,
    LetAgentWork,
    Operator,
    Parent,
    Relative,
    estimate_tokens,
)
from evolve.operators.prompts.background import background, describe_target
from evolve.operators.prompts.quoting import quote_words
from evolve.operators.prompts.requests import quote_idea
from evolve.search.plan import Plan
from evolve.search.search import Search
from population import Individual
from population.lineage import Lineage
from trainer.task import Task

CACHED = 1000  # genomes that are kept in memory
VISITED = 120  # genomes around a parent, in search of those that differ in constants alone
INTENTS = 6  # ancestors of a parent of two, whose ideas are told
EXPECTED = 300  # characters of what a parent of two was expected to do


class ContextBuilder:
    """Gathers what operators may use. It reads genomes, so it stays in one thread.

    Args:
        task: Task with the names of metric and axes.
        search: What was tried and what came of it.
        lineage: The genomes.
        last_words: Function that gives the last lines that an individual printed.
        shown: The task's files as a language model reads them; may be empty.
        tokens: Most tokens that a request may have, all its messages together.
        count: Function that counts a text's tokens.
    """

    def __init__(
        self,
        task: Task,
        search: Search,
        lineage: Lineage,
        *,
        last_words: Callable[[Individual], str] = lambda individual: "",
        shown: str = "",
        tokens: int = 30_000,
        count: Callable[[str], int] = estimate_tokens,
    ) -> None:
        self._task, self._search, self._lineage = task, search, lineage
        self._last_words, self.shown, self.tokens, self.count = last_words, shown, tokens, count
        self.read_source = lru_cache(CACHED)(lineage.source)
        self._masked = lru_cache(4 * CACHED)(
            lambda commit: mask_constants(self.read_source(commit))
        )

    def build(
        self,
        plan: Plan,
        *,
        screen: Callable[[str], Identity],
        ask: AskModel | None = None,
        work: LetAgentWork | None = None,
        lessons: str = "",
        notes: str = "",
    ) -> Context:
        """What the operator of a plan may use.

        Args:
            plan: The plan.
            screen: Function that identifies a source or refuses it.
            ask: Function that asks the plan's language model; None if it has none.
            work: Function that lets the plan's coding agent work; None if it has none.
            lessons: The latest lessons; may be empty.
            notes: Notes from the task's sources; may be empty.
        """
        operator, task = plan.operator, self._task
        asks = not operator.is_offline
        unites = operator.arity > 1 and asks
        ancestor = self._find_ancestor(plan) if unites else None
        parents = tuple(
            Parent(
                one,
                self.read_source(one.commit),
                self._list_intents(one, ancestor) if unites else (),
            )
            for one in plan.parents
        )
        return Context(
            task=task,
            rng=plan.rng,
            screen=screen,
            ask=ask,
            work=work,
            parents=parents,
            background=background(
                plan.parents, self._search, task, self.read_source, lessons=lessons, notes=notes
            )
            if asks
            else (),
            target=describe_target(plan.target, self._search.archive, task),
            target_cell=plan.target,
            ancestor=self.read_source(ancestor) if ancestor else None,
            relatives=self._find_relatives(parents[0], operator) if operator.learns else (),
            cells=self._survey_cells() if operator.maps else None,
            task_files=self.shown,
            output=self._last_words(plan.parents[0])
            if operator.mends or operator.needs_agent or (asks and task.score)
            else "",
            form=plan.form or FREE,
            request_tokens=self.tokens,
            count_tokens=self.count,
        )

    def _list_intents(self, parent: Individual, ancestor: str | None) -> list[str]:
        """What a parent was to achieve, and those between it and the parents' ancestor."""
        expected = self._lineage.notes(parent.commit)
        lines = (
            [f"genome {parent.id} expected: {quote_words(expected, EXPECTED)}"] if expected else []
        )
        line = islice(self._search.family.line(parent.id), 1, INTENTS + 1)
        for one in takewhile(lambda one: one.commit != ancestor, line):
            lines.append(f"before genome {parent.id}, in genome {one.id}: {quote_idea(one)}")
        return lines

    def _find_relatives(self, parent: Parent, operator: Operator) -> Sequence[Relative]:
        """The genomes that have run and differ from the parent in the values of constants alone."""
        own = self._masked(parent.individual.commit)
        alike = self._search.family.relatives(
            parent.individual.id, lambda one: self._masked(one.commit) == own, VISITED
        )
        return [
            Relative(
                self.read_source(one.commit),
                fmean(one.values) if operator.reads_means and one.values else one.objective,
                self._read_measures(one),
            )
            for one in alike
            if one.measurements
        ]

    def _read_measures(self, individual: Individual) -> tuple[float, ...]:
        """The individual's value on each axis of the archive; empty if it has no score."""
        archive = self._search.archive
        if archive is None or individual.objective is None:
            return ()
        return tuple(individual.measures[axis.name] for axis in archive.axes)

    def _survey_cells(self) -> Cells | None:
        """What is to be beaten in each cell now."""
        archive = self._search.archive
        if archive is None or not len(archive):
            return None
        weakest = min(archive.elites, key=lambda elite: elite.fitness).objective
        levels = np.full(archive.dims, weakest, dtype=np.float64)
        for elite in archive:
            levels[archive.cell_of(elite)] = elite.objective
        return Cells(archive.axes, levels)

    def _find_ancestor(self, plan: Plan) -> str | None:
        """The commit of the parents' lowest common ancestor."""
        first, second = (parent.commit for parent in plan.parents)
        return self._lineage.common_ancestor(first, second)
