"""An ablation carried out: its genomes are made and measured, or found in the record again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from archive.rows import Experiment
from evolve.genome.screening import Identity, RefusedError, screen
from evolve.loop.ablation import (
    ABLATE,
    ATTEMPTS,
    DISTILL,
    LEAST_RUNS,
    RUNS,
    Ablation,
    AblationResult,
    Distilled,
    Unit,
    Variant,
    Worth,
    compare_scores,
    describe_failure,
    group_units,
    judge_unit,
    list_reductions,
    list_scores,
    open_ablation,
)
from evolve.loop.controller import NewGenome
from evolve.loop.evaluators import Job
from evolve.loop.loop import Loop
from evolve.loop.reports import Reports
from evolve.runs.run import Run
from population import Individual
from population.formatting import format_count, format_duration

TRIALS = 2  # runs in which a genome may fail before it is run no more: one may be bad luck
STORED = "ablations"  # key of the record: the options of each individual's ablation, by its id


class RecordBench:
    """Finds what was measured in the record, and measures nothing.

    Args:
        run: Run whose record is read.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._individuals = run.individuals()
        self._experiments = run.record.experiments()
        self._numbers: dict[str, int] = {}  # of the first individual that has a genome
        self._searched: dict[str, int] = {}  # of the first one that the search knows
        for one, (exact, _) in zip(self._individuals, run.record.digests(), strict=True):
            self._index(one, exact)

    def _index(self, individual: Individual, exact: str) -> None:
        self._numbers.setdefault(exact, individual.id)
        if individual.operator != ABLATE:
            self._searched.setdefault(exact, individual.id)

    def find(self, ablation: Ablation, variant: Variant) -> Individual | None:
        """The individual that has a variant's genome; None if there is none.

        A distilled genome is one of the search: it is another individual than one that only an
        ablation knows.

        Raises:
            RefusedError: The genome is not fit to run.
        """
        identity = screen(variant.source, self.run.task, ())
        numbers = self._searched if variant.operator == DISTILL else self._numbers
        if identity.exact in numbers:
            return self._individuals[numbers[identity.exact]]
        return self._add(ablation, variant, identity)

    def _add(self, ablation: Ablation, variant: Variant, identity: Identity) -> Individual | None:
        return None

    def measure(self, jobs: Sequence[Job], phase: str) -> bool:
        """Whether some measurements were made.

        Args:
            jobs: The measurements.
            phase: What they are for, in a few words.
        """
        return not self._list_missing(jobs)

    def _list_missing(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that are not in the record."""
        made = {(e.individual, e.measurement.seed) for e in self._experiments}
        seed = self.run.settings.seed
        return [job for job in jobs if (job.individual.id, job.seed(seed)) not in made]

    def find_runs(self, ablation: Ablation, stage: int, individual: Individual) -> list[Experiment]:
        """The runs of a genome in a stage of an ablation."""
        return ablation.find_runs(stage, individual, self._experiments, self.run.settings.seed)


class LiveBench(RecordBench):
    """Adds genomes to a run, and measures what is missing.

    Args:
        run: The run.
        loop: Loop of the run.
        reports: Functions that are informed.
    """

    def __init__(self, run: Run, loop: Loop, reports: Reports) -> None:
        super().__init__(run)
        self._loop, self._reports = loop, reports

    def _add(self, ablation: Ablation, variant: Variant, identity: Identity) -> Individual:
        parts = [ablation.diff.changes[number] for number in sorted(variant.left_out)]
        lines = [f"reverted: {part.name} ({part.describe()})" for part in parts]
        notes = "" if len(lines) == 1 and variant.operator == ABLATE else "\n".join(lines)
        genome = NewGenome(variant.source, identity, variant.operator, variant.description, notes)
        added = self._loop.add_genome(genome, [ablation.base], joins=variant.operator == DISTILL)
        self._individuals.append(added)
        self._index(added, identity.exact)
        return added

    def measure(self, jobs: Sequence[Job], phase: str) -> bool:
        missing = self._list_missing(jobs)
        if not missing:
            return True
        self._reports.say(f"{phase}: {format_count(len(missing), 'run')}")
        made = self._loop.measure(missing, phase)
        self._experiments = self.run.record.experiments()
        return made


# -- the steps ------------------------------------------------------------------------------------


def carry_out_ablation(ablation: Ablation, bench: RecordBench) -> AblationResult:
    """Measure the parts, then the distilled genomes, as far as the bench can.

    Args:
        ablation: What is to be measured.
        bench: Bench that measures, or finds what was measured.
    """
    worths, complete = _measure_parts(ablation, bench)
    reductions = list_reductions(ablation, worths) if complete else ()
    distilled: list[Distilled] = []
    for stage, left_out in enumerate(reductions, 1):
        found = _measure_distilled(ablation, bench, stage, left_out)
        if found is None:
            complete = False
            break
        distilled.append(found)
        if found.holds:
            break
    return AblationResult(ablation, tuple(worths), tuple(distilled), complete)


@dataclass(frozen=True)
class _Reverted:
    """A unit with the individual without it, or why there is none."""

    unit: Unit
    individual: Individual | None
    reason: str = ""


def _measure_parts(ablation: Ablation, bench: RecordBench) -> tuple[list[Worth], bool]:
    """The worth of each unit, and whether everything was measured for it.

    The first passes show which genomes fail; these are not run again.
    """
    if not ablation.units:
        return [], True
    units = [_revert(ablation, unit, bench) for unit in ablation.units]
    genomes = [_with_source(one.individual, bench) for one in units if one.individual is not None]
    complete = all(one.individual or one.reason for one in units)
    complete = complete and _measure_passes(ablation, bench, genomes, range(TRIALS))
    if complete and ablation.runs > TRIALS:
        fit = [pair for pair in genomes if list_scores(bench.find_runs(ablation, 0, pair[0]))]
        complete = _measure_passes(ablation, bench, fit, range(TRIALS, ablation.runs))
    return [_judge(ablation, one, bench) for one in units], complete


def _measure_passes(
    ablation: Ablation,
    bench: RecordBench,
    genomes: Sequence[tuple[Individual, str]],
    passes: range,
) -> bool:
    first, last = passes.start + 1, passes.stop
    numbers = f"runs {first} to {last}" if last > first else f"run {first}"
    phase = f"each part reverted alone, {numbers} of each"
    return bench.measure(ablation.list_jobs(0, genomes, passes), phase)


def _revert(ablation: Ablation, unit: Unit, bench: RecordBench) -> _Reverted:
    try:
        return _Reverted(unit, bench.find(ablation, ablation.make_variant(unit.changes, ABLATE)))
    except RefusedError as error:
        return _Reverted(unit, None, str(error))


def _with_source(individual: Individual, bench: RecordBench) -> tuple[Individual, str]:
    return individual, bench.run.lineage.source(individual.commit)


def _judge(ablation: Ablation, reverted: _Reverted, bench: RecordBench) -> Worth:
    if reverted.individual is None:
        return Worth(reverted.unit, None, reason=reverted.reason)
    runs, base_runs = (
        bench.find_runs(ablation, 0, one) for one in (reverted.individual, ablation.base)
    )
    direction = ablation.base.direction
    return judge_unit(reverted.unit, reverted.individual.id, runs, base_runs, direction)


def _measure_distilled(
    ablation: Ablation, bench: RecordBench, stage: int, left_out: frozenset[int]
) -> Distilled | None:
    """A distilled genome beside the one that it was made of; None if that was not measured."""
    names = tuple(ablation.diff.changes[number].name for number in sorted(left_out))
    try:
        individual = bench.find(ablation, ablation.make_variant(left_out, DISTILL))
    except RefusedError as error:
        return Distilled(names, None, reason=str(error))
    if individual is None:
        return None
    jobs = ablation.list_jobs(stage, [_with_source(individual, bench)], range(ablation.runs))
    if not bench.measure(jobs, "the distilled genome"):
        return None
    runs, base_runs = (bench.find_runs(ablation, stage, one) for one in (individual, ablation.base))
    found = compare_scores(list_scores(runs), list_scores(base_runs), ablation.base.direction)
    reason = "" if list_scores(runs) else describe_failure(runs[0])
    return Distilled(names, individual, found, reason)


# -- whole ablations ------------------------------------------------------------------------------


def ablate(
    run: Run, loop: Loop, reports: Reports, ablation: Ablation, slots: int
) -> AblationResult:
    """Measure an ablation, or go on with it; it is incomplete if it was interrupted.

    Args:
        run: The run.
        loop: Loop of the run.
        reports: Functions that are informed.
        ablation: What is to be measured.
        slots: Number of devices.
    """
    bench = LiveBench(run, loop, reports)
    if not carry_out_ablation(ablation, RecordBench(run)).complete:
        reports.event(run.record, "ablation", announce_ablation(ablation, slots))
    stored = run.record.meta(STORED, {})
    own = {"runs": ablation.runs, "units": len(ablation.units), "attempts": ablation.attempts}
    run.record.set_meta({STORED: {**stored, str(ablation.base.id): own}})
    return carry_out_ablation(ablation, bench)


def announce_ablation(ablation: Ablation, slots: int) -> str:
    """What an ablation will do, and about how long that takes."""
    base, parts, runs = ablation.base, ablation.parts, ablation.runs
    units, first, more = len(ablation.units), ablation.part_runs, 2 * runs * ablation.attempts
    seconds = (first + more) * fmean(m.seconds for m in base.scored) / slots
    groups = "" if units == parts else f", which are taken in {units} groups"
    return (
        f"#{base.id} differs from its seed, #{ablation.seed.id}, in {parts} "
        f"part{'s' * (parts > 1)}{groups}: each is reverted alone and run {runs} times beside "
        f"#{base.id} ({first} runs), then the genome without what does not count (at most {more} "
        f"runs), some {format_duration(seconds)} in all"
    )


def fit_ablation(ablation: Ablation, most: int) -> Ablation:
    """The same with as many runs as a budget has; parts that are too many are grouped.

    Args:
        ablation: An ablation with a unit for each part.
        most: Most runs that it may take, at least 15.
    """
    others = 4  # passes of as many runs: two of the individual, and one attempt to distil
    runs = max(min(RUNS, most // (len(ablation.units) + others)), LEAST_RUNS)
    units = group_units(ablation.units, most // runs - others)
    fitted = replace(ablation, units=units, runs=runs)
    attempts = (most - fitted.part_runs) // (2 * runs)
    return replace(fitted, attempts=min(attempts, ATTEMPTS))


def read_options(run: Run, base: Individual) -> dict[str, int]:
    """The options of an individual's ablation, if there was one; else empty."""
    options: dict[str, int] = run.record.meta(STORED, {}).get(str(base.id), {})
    return options


def find_runs_before(run: Run, ablation: Ablation) -> int:
    """The runs of each genome in the same ablation before; else the usual number."""
    options = read_options(run, ablation.base)
    return options["runs"] if options.get("units") == len(ablation.units) else ablation.runs


def read_ablation(
    run: Run, individuals: Mapping[int, Individual], base: Individual
) -> AblationResult | None:
    """What the record has of an individual's ablation; None if there was none.

    Args:
        run: The run.
        individuals: Everyone by id.
        base: The individual.
    """
    options = read_options(run, base)
    if not options:
        return None
    whole = open_ablation(individuals, base, run.lineage.source, run.task)
    units = group_units(whole.units, options["units"])
    ablation = replace(whole, units=units, runs=options["runs"], attempts=options["attempts"])
    return carry_out_ablation(ablation, RecordBench(run))
