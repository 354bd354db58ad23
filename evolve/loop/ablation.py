"""What the parts of a genome are worth: each is reverted alone and measured beside the genome.

An ablation never asks the search and never informs it. What it has measured is found again by the
genomes and their seeds, so that one that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from archive.rows import Experiment, Purpose
from evolve.genome.names import list_bound_names, list_used_names
from evolve.genome.parsing import INVALID
from evolve.genome.part_diff import PartDiff, compare_parts
from evolve.genome.screening import identify
from evolve.loop.evaluators import Job
from evolve.loop.finals import FRESH
from population import Comparison, Direction, Individual, compare_runs
from population.family import find_seed
from trainer.task import Task

ABLATE, DISTILL = "ablate", "distill"  # operators of the genomes that an ablation makes
RUNS = 5  # of each genome, unless somebody says otherwise
LEAST_RUNS = 3  # of each genome, where the number follows from a budget
ATTEMPTS = 2  # distilled genomes at most
NAMED = 3  # parts that the description of a distilled genome names


@dataclass(frozen=True)
class Unit:
    """One or more parts that are reverted together.

    Attributes:
        changes: Numbers of the changes in the difference.
        name: Names of the parts.
        change: What was changed in them, in a few words.
    """

    changes: frozenset[int]
    name: str
    change: str


@dataclass(frozen=True)
class Variant:
    """A genome without some of its changes.

    Attributes:
        left_out: Numbers of the changes that are reverted.
        source: Text of the genome.
        operator: Name under which it is recorded.
        description: One line on what it is.
    """

    left_out: frozenset[int]
    source: str
    operator: str
    description: str


@dataclass(frozen=True)
class Ablation:
    """What is to be measured.

    Attributes:
        base: Individual whose parts are measured.
        seed: Its first seed ancestor.
        source: Text of the individual's genome.
        language: Language of the genome.
        diff: Difference between the seed and the individual.
        units: What is reverted, one after the other.
        runs: Number of runs of each genome.
        attempts: Most distilled genomes that are measured.
    """

    base: Individual
    seed: Individual
    source: str
    language: str
    diff: PartDiff
    units: tuple[Unit, ...]
    runs: int = RUNS
    attempts: int = ATTEMPTS

    def make_variant(self, left_out: frozenset[int], operator: str) -> Variant:
        """The genome without some changes, with its description."""
        changes = [self.diff.changes[number] for number in sorted(left_out)]
        if operator == ABLATE and len(changes) == 1:
            names = f"{changes[0].name} ({changes[0].describe()})"
        else:
            names = list_names([change.name for change in changes])
        return Variant(left_out, self.diff.revert(left_out), operator, f"without {names}")

    @property
    def part_runs(self) -> int:
        """The number of runs that the units take, if none of them fails."""
        return self.runs * (len(self.units) + 2)

    @property
    def parts(self) -> int:
        """The number of parts that all units have together."""
        return sum(len(unit.changes) for unit in self.units)

    # -- the runs -----------------------------------------------------------------------------

    def list_jobs(
        self, stage: int, genomes: Sequence[tuple[Individual, str]], passes: range
    ) -> list[Job]:
        """Fresh runs of the individual and of some genomes beside it.

        Each pass measures all, in the opposite order of the one before, so that none of them gets
        one device, or the warmer machine. Where it is compared with many, the individual runs at
        both ends of a pass: its luck is in every comparison.

        Args:
            stage: 0 for the parts, 1 and on for the distilled genomes.
            genomes: The other genomes, with their texts.
            passes: Numbers of the passes, from 0.
        """
        often = 2 if stage == 0 else 1
        jobs = []
        for number in passes:
            row = [self._job(stage, number, *genome) for genome in genomes]
            own = [
                self._job(stage, often * number + again, self.base, self.source)
                for again in range(often)
            ]
            row = [own[0], *row, *own[1:]]
            jobs += row if number % 2 == 0 else row[::-1]
        return jobs

    def _job(self, stage: int, number: int, individual: Individual, source: str) -> Job:
        # each ablation of a run has seeds of its own, which also tell whose runs these are
        first = FRESH * (2 + (ATTEMPTS + 1) * self.base.id + stage)
        return Job(individual, source, Purpose.ABLATION, first + number)

    def find_runs(
        self, stage: int, individual: Individual, experiments: Sequence[Experiment], run_seed: int
    ) -> list[Experiment]:
        """The runs of a genome that were made in a stage, in the order in which they ended."""
        jobs = (self._job(stage, number, individual, "") for number in range(2 * self.runs))
        seeds = {job.seed(run_seed) for job in jobs}
        return [
            e
            for e in experiments
            if e.purpose is Purpose.ABLATION
            and e.individual == individual.id
            and e.measurement.seed in seeds
        ]


def open_ablation(
    individuals: Mapping[int, Individual],
    base: Individual,
    read_source: Callable[[str], str],
    task: Task,
) -> Ablation:
    """The ablation of an individual, with a unit for each of its parts.

    Args:
        individuals: Everyone by id.
        base: The individual, which has parents.
        read_source: Function that reads a commit's genome.
        task: The task.
    """
    seed = find_seed(individuals, base)
    source = read_source(base.commit)
    diff = compare_parts(read_source(seed.commit), source, task.language)
    exact = identify(source, task.language).exact
    units = tuple(
        Unit(frozenset({number}), change.name, change.describe())
        for number, change in enumerate(diff.changes)
        if _matters(diff.revert({number}), exact, task.language)
    )
    return Ablation(base, seed, source, task.language, diff, units)


def _matters(reverted: str, exact: str, language: str) -> bool:
    """Whether a change is one of the program, rather than of comments and layout alone."""
    try:
        return identify(reverted, language).exact != exact
    except INVALID:
        return True


def group_units(units: Sequence[Unit], most: int) -> tuple[Unit, ...]:
    """At most so many units, each of as many neighbours as it takes."""
    size = min(len(units), most)
    bounds = [len(units) * number // size for number in range(size + 1)] if size else [0]
    groups = [units[a:b] for a, b in pairwise(bounds)]
    return tuple(
        group[0]
        if len(group) == 1
        else Unit(
            frozenset().union(*(unit.changes for unit in group)),
            ", ".join(unit.name for unit in group),
            f"{len(group)} parts together",
        )
        for group in groups
    )


def list_names(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


# -- what the runs say ----------------------------------------------------------------------------


class Verdict(StrEnum):
    """What an ablation says of a unit."""

    COUNTS = "counts"  # without it the genome is worse, beyond the interval
    NO_OP = "no-op"  # without it the genome is no different, as far as the runs show
    HARMS = "harms"  # without it the genome is better, beyond the interval
    BOUND = "cannot be reverted alone"  # without it the genome fails
    UNKNOWN = "too few runs"


@dataclass(frozen=True)
class Worth:
    """What a unit is worth.

    Attributes:
        unit: The unit.
        individual: Id of the genome without it; None if there is none.
        comparison: The individual with the unit against the genome without it; None if one of them
            never scored.
        reason: Reason why it cannot be reverted alone; else empty.
    """

    unit: Unit
    individual: int | None
    comparison: Comparison | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """What is to be thought of the unit."""
        found = self.comparison
        if self.reason:
            return Verdict.BOUND
        if found is None or found.low is None:
            return Verdict.UNKNOWN
        if found.is_better:
            return Verdict.COUNTS
        return Verdict.HARMS if found.is_worse else Verdict.NO_OP


@dataclass(frozen=True)
class Distilled:
    """A genome without what does not count.

    Attributes:
        left_out: Names of the parts that it has no more.
        individual: The genome; None if it was refused.
        comparison: The genome against the individual that it was made of; None if it did not score.
        reason: Reason why it was refused or did not score; else empty.
    """

    left_out: tuple[str, ...]
    individual: Individual | None
    comparison: Comparison | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is no worse than what it was made of, as far as the runs show."""
        return self.comparison is not None and not self.comparison.is_worse


@dataclass(frozen=True)
class AblationResult:
    """What an ablation found.

    Attributes:
        ablation: What was measured.
        worths: Worth of each unit, in the order of the text.
        distilled: Distilled genomes that were measured, in their order; only the last can hold.
        complete: Whether everything was measured.
    """

    ablation: Ablation
    worths: tuple[Worth, ...]
    distilled: tuple[Distilled, ...]
    complete: bool


def judge_unit(
    unit: Unit,
    individual: int,
    runs: Sequence[Experiment],
    base_runs: Sequence[Experiment],
    direction: Direction,
) -> Worth:
    """What the runs with and without a unit say of it.

    Args:
        unit: The unit.
        individual: Id of the genome without it.
        runs: Runs of the genome without the unit.
        base_runs: Runs of the genome with it.
        direction: Direction of the metric.
    """
    scores = list_scores(runs)
    if runs and not scores:
        return Worth(unit, individual, reason=describe_failure(runs[0]))
    return Worth(unit, individual, compare_scores(list_scores(base_runs), scores, direction))


def compare_scores(
    scores: Sequence[float], reference: Sequence[float], direction: Direction
) -> Comparison | None:
    """Compare two genomes by their scores; None if one of them has none."""
    return compare_runs(scores, reference, direction) if scores and reference else None


def list_scores(experiments: Sequence[Experiment]) -> list[float]:
    """The scores of those experiments that have one."""
    return [e.measurement.fitness for e in experiments if e.measurement.fitness is not None]


def describe_failure(experiment: Experiment) -> str:
    """How a run failed, in one line."""
    return f"{experiment.measurement.status}: {experiment.measurement.reason}"


def list_reductions(ablation: Ablation, worths: Sequence[Worth]) -> list[frozenset[int]]:
    """The changes that distilled genomes leave out, the greatest reduction first.

    The first one leaves out every unit that does not count: without it the genome is not worse
    beyond the interval. Units that are no-ops one by one may count together; so the second one
    keeps the half of them that seemed to be worth most. Both leave out, too, what could not be
    reverted alone, if nothing uses it any more.

    Args:
        ablation: The ablation.
        worths: Worth of each of its units.
    """
    ranked = sorted(
        (one.comparison.gain, place)
        for place, one in enumerate(worths)
        if one.comparison and one.verdict in (Verdict.NO_OP, Verdict.HARMS)
    )
    found: list[frozenset[int]] = []
    for most in (len(ranked), len(ranked) // 2):
        units = (worths[place].unit for _, place in ranked[:most])
        changes = frozenset().union(*(unit.changes for unit in units))
        if changes:
            found.append(_leave_out_unused(ablation, worths, changes))
    return found[: ablation.attempts]


def _leave_out_unused(
    ablation: Ablation, worths: Sequence[Worth], left_out: frozenset[int]
) -> frozenset[int]:
    """The changes, with those of units that could not be reverted alone and that nothing uses."""
    if ablation.language != "python":
        return left_out
    bound = [one.unit.changes for one in worths if one.verdict is Verdict.BOUND]
    for changes in bound * len(bound):  # one may have been used by another one alone
        without = left_out | changes
        names = {n for c in changes for n in list_bound_names(ablation.diff.changes[c].after)}
        try:
            used = list_used_names(ablation.diff.revert(without))
        except INVALID:
            continue
        added = not any(ablation.diff.changes[c].before for c in changes)
        if added and names and not names & used:
            left_out = without
    return left_out
