"""How a genome came to be: what differs from its seed, and the steps whose changes still stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.comparison import describe_confirmation, read_comparison
from evolve.commands.ablation_table import list_findings, write_table
from evolve.genome.blame import Standing, Version, find_standing
from evolve.genome.part_diff import Change, compare_parts
from evolve.loop.ablation import AblationResult
from evolve.loop.distill import read_ablation
from evolve.operators.prompts.background import outcome
from evolve.runs.run import Run
from evolve.search.search import Search
from population import Individual
from population.family import find_seed
from population.formatting import format_score

LISTED = 10  # ids in a sentence
QUOTED = 3  # lines of a step that are quoted, where others of its lines are gone


@dataclass(frozen=True)
class Step:
    """One individual on the way, with its own change.

    Attributes:
        individual: The individual.
        notes: Operator's notes: what was changed and what was expected; empty if there are none, or
            if an earlier step of the same operator has the same ones.
        did: Result of the change, in words; empty if there is none.
        stands: What of its change still stands, in words; empty if all of it does.
    """

    individual: Individual
    notes: str
    did: str
    stands: str = ""


@dataclass(frozen=True)
class Story:
    """How an individual came to be.

    Attributes:
        individual: The individual.
        seed: Its first seed ancestor.
        changes: The parts in which it differs from that seed.
        steps: The steps whose changes still stand, the oldest first, its own the last.
        undone: Ids of its other ancestors that are no seeds.
        ablation: What its parts are worth; None if that was not measured.
    """

    individual: Individual
    seed: Individual
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    undone: tuple[int, ...]
    ablation: AblationResult | None = None


def tell_story(run: Run, search: Search, individual: Individual) -> Story:
    """The way from the seed to an individual, which has parents."""
    ancestors = {one.id: one for one in _list_ancestors(search, individual)}
    texts = {number: run.lineage.source(one.commit) for number, one in ancestors.items()}
    versions = {n: Version(one.parents, texts[n]) for n, one in ancestors.items()}
    seed = find_seed(ancestors, individual)
    standing = find_standing(versions, seed.id, individual.id)
    steps = [
        trace_step(run, search, ancestors[number], standing.get(number))
        for number in sorted({*standing, individual.id} - {seed.id})
    ]
    shown = {step.individual.id for step in steps}
    return Story(
        individual=individual,
        seed=seed,
        changes=compare_parts(texts[seed.id], texts[individual.id], run.task.language).changes,
        steps=tuple(drop_repeated_notes(steps)),
        undone=tuple(n for n, one in ancestors.items() if one.parents and n not in shown),
        ablation=read_ablation(run, ancestors, individual),
    )


def _list_ancestors(search: Search, individual: Individual) -> list[Individual]:
    """An individual and all its ancestors, the oldest first."""
    found, above = {individual.id: individual}, list(individual.parents)
    while above:
        one = search.individuals[above.pop()]
        if one.id not in found:
            found[one.id] = one
            above += one.parents
    return [found[number] for number in sorted(found)]


def trace_step(
    run: Run, search: Search, individual: Individual, standing: Standing | None = None
) -> Step:
    """One individual's own change, and what of it stands in a later one."""
    parents = [search.individuals[parent] for parent in individual.parents]
    did = ""
    if individual.measurements and parents:
        parent = max(parents, key=lambda one: one.fitness)
        whom = "its parent" if len(parents) < 2 else f"the better parent, #{parent.id}"
        did = outcome(individual, parent, search.noise, run.task, whom)
    notes = run.lineage.notes(individual.commit)
    return Step(individual, notes, did, _describe_standing(standing) if standing else "")


def _describe_standing(standing: Standing) -> str:
    """What of a step still stands, if not all that it wrote does."""
    lines, written, removed = standing.lines, standing.written, standing.removed
    if len(lines) == written:
        return ""
    words = [f"{len(lines)} of its {written} lines"] if lines else []
    words += [f"its removal of {removed} line{'s' * (removed > 1)}"] if removed else []
    verb = "stand" if len(lines) + bool(removed) > 1 else "stands"
    quoted = "; ".join(f"`{line.strip()}`" for line in lines[:QUOTED])
    return f"{' and '.join(words)} still {verb}" + (f": {quoted}" if quoted else "")


def drop_repeated_notes(steps: Sequence[Step]) -> list[Step]:
    """The steps; notes that are those of an earlier step but for their numbers are dropped."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for step in steps:
        notes = step.individual.operator, re.sub(r"\d+", "#", step.notes)
        kept.append(replace(step, notes="") if notes in seen else step)
        seen.add(notes)
    return kept


# -- as text --------------------------------------------------------------------------------------


def write_story(run: Run, search: Search, best: Individual) -> Story:
    """Leave the story of the best in the run's folder, and return it."""
    story = tell_story(run, search, best)
    run.folder.changes.write_text(write_markdown(run, search, story), encoding="utf-8")
    return story


def write_markdown(run: Run, search: Search, story: Story) -> str:
    """The story as a file for people."""
    metric, seed, individual = run.task.metric, story.seed, story.individual
    comparison = read_comparison(run.record, run.task.direction)
    lines = [f"# What changed from the start to genome {individual.id}", ""]
    lines += [describe_confirmation(comparison, metric, individual.id), ""]
    if seed.objective is not None:
        score = format_score(seed.objective, search.noise.deviation)
        lines += [f"In the search the start, genome {seed.id}, had {metric} {score}.", ""]
    lines += ["## What differs from the start", ""]
    lines += [f"- {change.name}: {change.describe()}" for change in story.changes]
    if story.ablation is not None:
        lines += ["", "## What each part is worth", "", *write_table(story.ablation), ""]
        lines += [f"- {line}" for line in list_findings(run, story.ablation)]
    lines += ["", "## The steps whose changes still stand", ""]
    for one in story.steps:
        lines += [f"### {one.individual.id}: {one.individual.description}", ""]
        lines += [one.notes, ""] if one.notes else []
        lines += [f"- {words}" for words in _list_facts(one)]
        lines.append("")
    if story.undone:
        lines += [describe_undone(story), ""]
    return "\n".join(lines)


def _list_facts(step: Step) -> list[str]:
    individual = step.individual
    if not individual.parents:
        return ["a seed genome, of which lines came in by a crossover"]
    parents = " and ".join(str(parent) for parent in individual.parents)
    by = f" by {individual.model}" if individual.model else ""
    facts = [f"made of {parents} with {individual.operator}{by}", step.did, step.stands]
    return list(filter(None, facts))


def describe_undone(story: Story) -> str:
    """The ancestors whose changes are gone, in a sentence."""
    count, ids = len(story.undone), ", ".join(f"#{number}" for number in story.undone[:LISTED])
    more = f" and {count - LISTED} more" if count > LISTED else ""
    return f"{count} other ancestor{'s' * (count > 1)} left nothing in it: {ids}{more}"
