"""The phases of a run: measure the seeds, open the archive, evolve, compare seed and best."""

from __future__ import annotations

import time
from dataclasses import dataclass

from archive.comparison import FreshComparison, choose_finalists, read_comparison
from archive.rows import Epoch, Purpose
from archive.run_folder import RunError
from evolve.loop.ablation import AblationResult, open_ablation
from evolve.loop.distill import ablate, fit_ablation, read_ablation
from evolve.loop.evaluators import Evaluator, Job
from evolve.loop.finals import list_final_jobs
from evolve.loop.forecast import forecast, guess_turn, observe_turn
from evolve.loop.loop import End, Loop
from evolve.loop.reports import Reports
from evolve.runs.by_hand import describe_measurement
from evolve.runs.run import Run
from evolve.search.axes import axes_around, read_bounds
from evolve.search.search import Search
from population import Individual
from population.formatting import format_count, format_duration, format_number, format_score

OVERHEAD_FACTOR = 4  # a child may take this many times the seed's start-up and evaluation
OVERHEAD_LEAST = 60.0  # seconds in any case, for a referee's audits of finalists


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        end: Reason why it ended.
        best: The fittest of the search whose score is believed; None if no seed scored.
        comparison: The fresh comparison of seed and best; None if it was not made.
        seconds: Time that this process worked on it, in seconds.
        busy: Share of that time, over all devices while they were there, in which children ran.
        unanswered: Number of requests to language models that still waited for an answer.
        ablation: Worth of the best's parts; None if it was not measured.
    """

    end: End
    best: Individual | None
    comparison: FreshComparison | None
    seconds: float
    busy: float
    unanswered: int = 0
    ablation: AblationResult | None = None


def run_phases(
    run: Run, search: Search, loop: Loop, evaluator: Evaluator, reports: Reports
) -> tuple[End, FreshComparison | None]:
    """Take a run through its phases: why it ended, and the fresh comparison if it was made.

    Args:
        run: The run.
        search: Search of the run, restored from its record.
        loop: The run's loop.
        evaluator: Devices that measure.
        reports: Functions that are informed.

    Raises:
        RunError: No seed genome scored, or no archive can be laid around it.
    """
    if search.archive is None:
        if not loop.measure(_list_seed_jobs(run, search), "measuring the seed"):
            return name_end(evaluator), None
        _open_archive(run, search, evaluator)
        reports.say(_describe_prospect(run, evaluator, search))
    loop.refit_axes()  # a process that was killed may not have come to it
    place, axes = run.record.next_place(), run.record.meta("axes")
    run.record.add_epoch(time.time(), Epoch(place, run.settings.to_json(), axes))
    loop.take_notes()
    end = loop.evolve()
    if end in (End.INTERRUPTED, End.STUCK, End.NO_DEVICE):
        return end, None
    best, reference = search.champion, search.reference
    assert best is not None
    assert reference is not None
    if best.id == reference.id or not run.settings.final_repeats:
        return end, None
    finalists = choose_finalists(run.record, reference, best, search.noise.beside())
    genomes = {one.id: (one, run.lineage.source(one.commit)) for one in (reference, best)}
    experiments, repeats = run.record.experiments(), run.settings.final_repeats
    jobs = list_final_jobs(finalists, experiments, genomes, repeats, run.settings.seed)
    if jobs:
        reports.say(
            f"the seed and the best (#{best.id}) are measured again on fresh seeds, "
            f"{format_count(repeats, 'run')} of each"
        )
    if not loop.measure(jobs, "fresh runs of the seed and the best"):
        return name_end(evaluator), None
    return end, read_comparison(run.record, run.task.direction)


def distill_best(
    run: Run, search: Search, loop: Loop, evaluator: Evaluator, reports: Reports
) -> AblationResult | None:
    """Measure what the parts of the best are worth, within the share of the budget for it.

    Returns:
        What was found; None if the best is a seed, of which nothing was changed.
    """
    best = search.champion
    if best is None or not best.parents or not run.settings.distill_runs:
        return None
    before = read_ablation(run, search.individuals, best)
    if before is not None and before.complete:
        return before  # which may be a finer one than the budget allows here
    whole = open_ablation(search.individuals, best, run.lineage.source, run.task)
    ablation = fit_ablation(whole, run.settings.distill_runs)
    return ablate(run, loop, reports, ablation, evaluator.slots)


def name_end(evaluator: Evaluator) -> End:
    """Why measurements were not made."""
    return End.NO_DEVICE if evaluator.is_exhausted else End.INTERRUPTED


def _list_seed_jobs(run: Run, search: Search) -> list[Job]:
    """The seeds' first runs, the first one's repeats included, less those that were made."""
    jobs = []
    for seed in search.individuals.values():
        repeats = run.settings.seed_repeats if seed.id == 0 else 1
        source = run.lineage.source(seed.commit)
        made = {measurement.seed for measurement in seed.measurements}
        runs = (Job(seed, source, Purpose.SEARCH, repeat) for repeat in range(repeats))
        jobs += [job for job in runs if job.seed(run.settings.seed) not in made]
    return jobs


def _open_archive(run: Run, search: Search, evaluator: Evaluator) -> None:
    """Lay the grid around the first seed that scored, and store it with the run."""
    seeds = list(search.individuals.values())
    reference = next((seed for seed in seeds if seed.scored), None)
    if reference is None or reference.objective is None:
        failed = seeds[0].measurements[-1]
        raise RunError(
            f"the seed genome did not score ({failed.status}: {failed.reason}); see "
            f"{run.folder.log('0')}, mend it, and try it alone: "
            + describe_measurement(run, seeds[0])
        )
    try:
        cells = run.settings.grid_cells(len(run.task.axes))
        bounds = read_bounds(run.settings.bounds, [axis.name for axis in run.task.axes])
        axes = axes_around(run.task.axes, reference.measures, cells, bounds)
    except ValueError as error:
        raise RunError(f"the archive cannot be laid around the seed: {error}") from error
    search.open_archive(axes)
    overhead = max(m.seconds for m in reference.scored) - run.settings.budget
    evaluator.limit = min(
        evaluator.limit, run.settings.budget + max(OVERHEAD_FACTOR * overhead, OVERHEAD_LEAST)
    )
    run.record.set_meta(
        {
            "axes": [axis.to_dict() for axis in axes],
            "reference": reference.objective,
            "limit": evaluator.limit,
        }
    )


def _describe_prospect(run: Run, evaluator: Evaluator, search: Search) -> str:
    """What the seed showed: its score, the noise, and how long the run will take."""
    seed, settings = search.reference, run.settings
    assert seed is not None
    assert seed.objective is not None
    measured = ", ".join(
        format_number(seed.measures[axis.name], axis.unit) for axis in run.task.axes
    )
    hint, deviation = "", search.noise.deviation
    if search.noise.looks_deterministic:
        hint = '; its runs scored the same: if they always do, add noise = "none" to program.md'
    runs = settings.total_children + 2 * settings.final_repeats + settings.distill_runs
    each = evaluator.usage.mean_seconds
    turn = observe_turn(search.individuals.values()) or guess_turn(run.task, settings)
    span = forecast(turn, runs, settings.max_repeats, evaluator.slots, usage=evaluator.usage)
    margin = f" ± {deviation:.2g}" if deviation else ""
    return (
        f"the seed: {run.task.metric} {format_score(seed.objective, deviation)}{margin} over "
        f"{format_count(len(seed.scored), 'run')} ({measured}); a run takes "
        f"{format_duration(each)}, the {runs} to come {span}{hint}"
    )
