"""The course of a run: measure the seeds, open the archive, evolve, compare seed and best."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from archive.human import duration, human
from archive.rows import Purpose
from archive.run_folder import RunError
from evolve.allowance import Allowance, Purse
from evolve.bench import Bench, Job, Measure
from evolve.context import Briefer
from evolve.display import Display
from evolve.drawing import Artist, Draw, draw
from evolve.ensemble import Ensemble
from evolve.finals import Headline, choose_finalists, final_jobs, headline
from evolve.interrupt import Interrupt
from evolve.logbook import generation_line, new_logbook, record_generation
from evolve.loop import End, Loop, reached
from evolve.models import LiteLLM, ModelSpec, Price, count_tokens
from evolve.operators.base import rough_tokens
from evolve.operators.prompts import shown_text
from evolve.proposer import Proposer
from evolve.reports import Reports
from evolve.run import Run, remove_work, restored_search, stored_axes
from evolve.search import Search, axes_around
from population import Individual
from trainer.log import tail
from trainer.measure import measure
from trainer.sandbox import Level
from trainer.task import shown_files

OVERHEAD_FACTOR = 4  # a child may take this many times the seed's start-up and evaluation
SAID = 40  # lines of a failed child, or of its scoring, that a language model is shown
OVERHEAD_LEAST = 20.0  # seconds that it may take in any case, a referee's harder look included


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        end: why.
        best: the fittest of the search.
        headline: the fresh comparison, if it was made.
        seconds: this process worked on it.
        busy: share of that time, over all devices while they were there, in which children ran.
        unanswered: requests to language models that still waited for an answer.
    """

    end: End
    best: Individual | None
    headline: Headline | None
    seconds: float
    busy: float
    unanswered: int = 0


def conduct(
    run: Run,
    models: list[tuple[LiteLLM, float]],
    console: Console,
    *,
    measure: Measure = measure,
    draw: Draw = draw,
) -> Result:
    """Work on a run until it ends or is interrupted. The caller holds the run's lock.

    Args:
        run: what to work on.
        models: its language models with their weights.
        console: where to say what happens.
        measure: runs a genome once.
        draw: draws the run's pictures.

    Raises:
        RunError: no seed genome scored.
        RecordError, LineageError, SupervisorError: the disk or git failed, or a supervisor on a
            device that is there; what was recorded before is safe.
    """
    begun = time.monotonic()
    remove_work(run.folder)
    run.lineage.unlock()
    run.rebuild_results()
    run.record.add_event(time.time(), "sandbox", f"{run.sandbox.level}: {run.sandbox.note}")
    search = restored_search(run)
    logbook = new_logbook()
    wake = threading.Event()
    interrupt = Interrupt(wake)
    settings = run.settings
    bench = Bench(
        run.task,
        run.ready,
        run.devices,
        sandbox=run.sandbox,
        budget=settings.budget,
        run_seed=settings.seed,
        folder=run.folder,
        wake=wake,
        measure=measure,
    )
    bench.limit = run.record.meta("limit", bench.limit)
    title = f"{run.folder.name} ({settings.strategy})"
    artist = Artist(run, draw)
    display = Display(console, run.task, search, title, settings.budget)

    def generation(number: int, children: list[Individual]) -> None:
        assert search.archive is not None
        reference = run.record.meta("reference")
        record_generation(logbook, number, children, search.archive, reference)
        artist(search.archive, search.noise)
        display.say(generation_line(logbook, search.archive, run.task.metric), "bold")

    purse = Purse(settings.max_cost, run.record.spend().cost)
    ensemble = Ensemble(
        [model for model, _ in models], purse=purse, patience=settings.offline_after
    )
    proposer = Proposer(
        run.task,
        ensemble,
        shown=shown_text(shown_files(run.task)) if models else "",
        tokens=settings.context_tokens,
        count=count_tokens if models else rough_tokens,
        wake=wake,
    )
    loop = Loop(
        run,
        search,
        bench,
        proposer,
        Briefer(
            run.task,
            search,
            run.lineage,
            said_by=lambda one: tail(run.folder.log(str(one.id)), SAID),
        ),
        Allowance(
            has_models=bool(models),
            purse=purse,
            deadline=None if settings.hours is None else begun + settings.hours * 3600,
            clock=time.monotonic,
            why_silent=ensemble.why_silent,
        ),
        interrupt,
        wake,
        Reports(display.watch, display.experiment, display.best, generation, display.say),
    )
    with interrupt.listening(), closing(bench), display:
        end, result = _phases(run, search, loop, bench, display.say)
    remove_work(run.folder)
    if search.archive is not None:
        draw(run, search.archive, search.noise)
    seconds = time.monotonic() - begun
    busy = bench.busy_seconds / bench.slot_seconds
    run.record.add_event(time.time(), "end", str(end))
    return Result(end, search.best, result, seconds, busy, proposer.asking)


def _phases(
    run: Run, search: Search, loop: Loop, bench: Bench, say: Callable[[str], None]
) -> tuple[End, Headline | None]:
    if search.archive is None:
        if not loop.measure(_seed_jobs(run, search), "measuring the seed"):
            return _cut_short(bench), None
        _open_archive(run, search, bench)
        say(_prospect(run, bench, search))
    loop.take_notes()
    end = loop.evolve()
    if end in (End.INTERRUPTED, End.STUCK, End.NO_DEVICE):
        return end, None
    best, reference = search.best, search.reference
    assert best is not None
    assert reference is not None
    if best.id == reference.id or not run.settings.final_repeats:
        return end, None
    finalists = choose_finalists(run.record, reference, best)
    genomes = {one.id: (one, run.lineage.source(one.commit)) for one in (reference, best)}
    experiments, repeats = run.record.experiments(), run.settings.final_repeats
    jobs = final_jobs(finalists, experiments, genomes, repeats, run.settings.seed)
    if jobs:
        say(f"the seed and the best (#{best.id}) are measured again on {len(jobs)} fresh seeds")
    if not loop.measure(jobs, "fresh runs of the seed and the best"):
        return _cut_short(bench), None
    return end, headline(finalists, run.record.experiments(), run.task.direction)


def _cut_short(bench: Bench) -> End:
    """Why measurements were not made."""
    return End.INTERRUPTED if bench.slots else End.NO_DEVICE


def _seed_jobs(run: Run, search: Search) -> list[Job]:
    """The seeds' first runs, the first one's repeats included, less those that were made."""
    jobs = []
    for seed in search.individuals.values():
        repeats = run.settings.seed_repeats if seed.id == 0 else 1
        source = run.lineage.source(seed.commit)
        made = {measurement.seed for measurement in seed.measurements}
        runs = (Job(seed, source, Purpose.SEARCH, repeat) for repeat in range(repeats))
        jobs += [job for job in runs if job.seed(run.settings.seed) not in made]
    return jobs


def _open_archive(run: Run, search: Search, bench: Bench) -> None:
    """Lay the grid around the first seed that scored, and store it with the run."""
    seeds = list(search.individuals.values())
    reference = next((seed for seed in seeds if seed.scored), None)
    if reference is None or reference.objective is None:
        failed = seeds[0].measurements[-1]
        raise RunError(
            f"the seed genome did not score ({failed.status}: {failed.reason}); see "
            f"{run.folder.log('0')}, mend it, and try it alone: python -m trainer FILE"
        )
    try:
        axes = axes_around(run.task.axes, reference.measures, run.settings.grid_cells)
    except ValueError as error:
        raise RunError(f"the archive cannot be laid around the seed: {error}") from error
    search.open_archive(axes)
    overhead = max(m.seconds for m in reference.scored) - run.settings.budget
    bench.limit = min(
        bench.limit, run.settings.budget + max(OVERHEAD_FACTOR * overhead, OVERHEAD_LEAST)
    )
    run.record.set_meta(
        {
            "axes": [axis.to_dict() for axis in axes],
            "reference": reference.objective,
            "limit": bench.limit,
        }
    )


def _prospect(run: Run, bench: Bench, search: Search) -> str:
    """What the seed showed: its score, the noise, and how long the run will take."""
    seed, settings = search.reference, run.settings
    assert seed is not None
    assert seed.objective is not None
    measured = ", ".join(human(seed.measures[axis.name], axis.unit) for axis in run.task.axes)
    runs = settings.total_children + 2 * settings.final_repeats
    left = runs * bench.mean_seconds / bench.slots
    return (
        f"the seed: {run.task.metric} {seed.objective:.6g} ± {search.noise:.2g} over "
        f"{len(seed.scored)} runs ({measured}); a run takes {duration(bench.mean_seconds)}, "
        f"the {runs} to come about {duration(left)}"
    )


def announce(run: Run, models: list[tuple[LiteLLM, float]]) -> list[str]:
    """What a run is about to do, how long that takes at least, and what it may cost."""
    settings, task = run.settings, run.task
    ended = {e.individual for e in run.record.experiments()}
    seeds = {i.id for i in run.individuals() if not i.parents}
    children = max(settings.total_children - len(ended - seeds), 0)
    runs = children + (0 if ended else settings.seed_repeats) + 2 * settings.final_repeats
    span = duration(runs * settings.budget / len(run.devices))
    devices = ", ".join(device.name for device in run.devices)
    lines = [
        f"run {run.folder.name}: {task.name}, {settings.strategy}, {settings.generations} "
        f"generations of {settings.children} children, {settings.budget:g} s each on {devices}",
        f"{runs} runs are to come, with those of the seed and the finalists: "
        + (
            f"at most {span}"
            if task.score
            else f"about {span}, start-up and evaluation not counted"
        ),
        f"everything is kept in {run.folder.path}; Ctrl-C stops cleanly, and "
        f"`python -m evolve resume {run.folder.name}` goes on",
    ]
    if run.sandbox.level is Level.NONE:
        lines.append(f"WARNING: {run.sandbox.note}")
    else:
        lines.append(f"children are kept in by {run.sandbox.note}")
    return lines + _cost_lines(run, models, children)


def _cost_lines(run: Run, models: list[tuple[LiteLLM, float]], children: int) -> list[str]:
    if not models:
        return [
            "no language model is configured: the offline operators vary what is there. For new "
            "ideas add --model NAME, any name that litellm knows, with its key in the environment"
        ]
    lines = []
    total = sum(weight for _, weight in models)
    for (model, weight), each in zip(models, _request_costs(run, models), strict=True):
        calls = children * weight / total
        cost = (
            "of unknown price (--price IN:OUT, in dollars a million tokens, makes it known)"
            if each is None
            else f"about ${calls * each:.2f}"
        )
        lines.append(f"model {model.name}: some {calls:.0f} requests, {cost}")
    if run.settings.max_cost is not None:
        lines.append(f"the models may take ${run.settings.max_cost:.2f} in all")
    return lines


def _request_costs(run: Run, models: list[tuple[LiteLLM, float]]) -> list[float | None]:
    """What a request to each model is likely to cost, in dollars; None if its price is unknown."""
    if not models:
        return []
    genome = run.lineage.source(run.individuals()[0].commit)
    messages = [{"role": "user", "content": f"{run.task.text}\n{genome}\n{genome}"}]
    return [model.estimate(messages) for model, _ in models]


def make_models(run: Run) -> list[tuple[LiteLLM, float]]:
    """The language models of a run with their weights.

    Raises:
        RunError: a cap on cost cannot be kept, since a price is unknown.
    """
    settings = run.settings
    price = Price.parse(settings.price) if settings.price else None
    models = []
    for spec in map(ModelSpec.parse, settings.models):
        model = LiteLLM(spec.name, api_base=settings.api_base, price=price)
        if settings.max_cost is not None and model.price is None:
            raise RunError(
                f"--max-cost cannot be kept: the price of {spec.name} is unknown. Give it with "
                "--price IN:OUT, in dollars a million tokens, or leave --max-cost out"
            )
        models.append((model, spec.weight))
    return models


def exit_code(run: Run, result: Result) -> int:
    """0: it did what it was asked; 1: it did not; 2: it could not; 130: it was interrupted."""
    if result.end is End.INTERRUPTED:
        return 130
    if result.end is End.NO_DEVICE:
        return 2
    children = [i for i in run.individuals() if i.parents]
    scored = any(child.scored for child in children)
    spend = run.record.spend()
    mute = spend.calls + result.unanswered > 0 and not spend.answered
    missed = run.settings.target is not None and not reached(result.best, run.settings.target)
    failed = result.end is End.STUCK or mute or missed or (bool(children) and not scored)
    return 1 if failed else 0


def closing_lines(run: Run, result: Result) -> list[str]:
    """What a run achieved and where everything is."""
    settings, best = run.settings, result.best
    name, folder = run.folder.name, run.folder
    lines = [f"{result.end} after {duration(result.seconds)}; children ran {result.busy:.0%} of it"]
    if result.end is End.INTERRUPTED:
        lines.append(f"go on with: python -m evolve resume {name}")
    if result.end is End.NO_DEVICE:
        devices = ",".join(device.name for device in run.devices)
        models = " and ".join(sorted({device.model for device in run.devices}))
        lines.append(
            f"nothing is lost: once a device of the same model ({models}) is here, go on with: "
            f"python -m evolve resume {name} --devices {devices}"
        )
    spend = run.record.spend()
    requests = spend.calls + result.unanswered
    if requests and not spend.answered:
        why = run.record.last_error() or "the requests still wait"
        lines.append(
            f"no model ever answered in {requests} requests, the offline operators did it all: "
            f"check the model's name, its key and --api-base ({why})"
        )
    if settings.target is not None and not reached(best, settings.target):
        lines.append(f"the target {settings.target:g} was not reached")
    children = [i for i in run.individuals() if i.parents]
    if children and not any(child.scored for child in children):
        reasons = {f"{c.status}: {c.measurements[-1].reason}" for c in children if c.measurements}
        lines.append(f"no child scored; they ended with {'; '.join(sorted(reasons)[:3])}")
    if best is None or best.objective is None or stored_axes(run.record) is None:
        return lines
    if result.headline is not None:
        lines.append(result.headline.text(run.task.metric, best.id))
    elif not best.parents:
        lines.append(f"no child was fitter than the seed ({run.task.metric} {best.objective:.6g})")
    lines += [
        f"heatmap:     {folder.artifacts / 'heatmap.png'}",
        f"progress:    {folder.artifacts / 'progress.png'}",
        f"experiments: {folder.results}",
        f"best genome: python -m evolve export {name} best -o best{Path(run.task.genome).suffix}",
    ]
    if best.parents:
        lines.append(f"its story:   {folder.changes}")
    if best.parents and run.task.output:
        lines.append(f"result:      {run.task.folder / run.task.output}")
    return lines
