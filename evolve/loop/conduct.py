"""The course of a run: measure the seeds, open the archive, evolve, compare seed and best."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from archive.rows import Epoch, Purpose
from archive.run_folder import RunError
from evolve.commands.display import Display
from evolve.loop.briefing import Briefer
from evolve.loop.controller import End, Loop
from evolve.loop.device_pool import Bench, Job, Measure
from evolve.loop.finals import Headline, choose_finalists, final_jobs, headline
from evolve.loop.interrupt import Interrupt
from evolve.loop.proposer import Proposer
from evolve.loop.reports import Reports
from evolve.models.allowance import Allowance, Purse
from evolve.models.client import LiteLLM, count_tokens
from evolve.models.ensemble import Ensemble
from evolve.operators.base import rough_tokens
from evolve.operators.prompts.packing import remembering
from evolve.operators.prompts.requests import room_for_files, shown_text
from evolve.runs.history import restored_search
from evolve.runs.logbook import generation_line, new_logbook, record_generation
from evolve.runs.pictures import Artist, Draw, draw
from evolve.runs.run import Run, remove_work
from evolve.search.axes import axes_around
from evolve.search.search import Search
from population import Individual
from population.formatting import duration, human
from trainer.log import tail
from trainer.measure import measure
from trainer.secrets import Secrets
from trainer.task import shown_files

OVERHEAD_FACTOR = 4  # a child may take this many times the seed's start-up and evaluation
SAID = 40  # lines of a failed child, or of its scoring, that a language model is shown
OVERHEAD_LEAST = 60.0  # seconds that it may take in any case, a referee's audits of finalists included


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
        RunError: no seed genome scored, or program.md and the genome have no room in a request.
        RecordError, LineageError, SupervisorError: the disk or git failed, or a supervisor on a
            device that is there; what was recorded before is safe.
    """
    begun = time.monotonic()
    remove_work(run.folder)
    run.lineage.unlock()
    run.rebuild_results()
    run.record.abandon_proposals(time.time())
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
    count = remembering(count_tokens if models else rough_tokens)
    proposer = Proposer(
        run.task,
        ensemble,
        shown=_shown(run, search, count, display.say) if models else "",
        tokens=settings.context_tokens,
        count=count,
        wake=wake,
    )
    secrets = Secrets(os.environ)  # a scoring script runs in this environment, and may print it
    loop = Loop(
        run,
        search,
        bench,
        proposer,
        Briefer(
            run.task,
            search,
            run.lineage,
            said_by=lambda one: secrets.hidden(tail(run.folder.log(str(one.id)), SAID)),
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


def _shown(
    run: Run, search: Search, count: Callable[[str], int], say: Callable[[str], None]
) -> str:
    """The files that the task shows to a language model, as far as they have room."""
    genomes = [one for one in search.individuals.values() if not one.parents]
    genomes += [search.best] if search.best else []
    texts = [run.lineage.source(one.commit) for one in genomes]
    tokens, files = run.settings.context_tokens, shown_files(run.task)
    try:
        room = room_for_files(run.task, texts, tokens, count)
    except ValueError as error:
        raise RunError(str(error)) from error
    shown, whole = shown_text(files, room, count), sum(map(count, files.values()))
    if whole > room:
        say(
            f"of the files that the task shows ({whole:,} tokens) {room:,} tokens fit into a "
            f"request: allow more with --context-tokens, now {tokens:,}"
        )
    return shown


def _phases(
    run: Run, search: Search, loop: Loop, bench: Bench, say: Callable[[str], None]
) -> tuple[End, Headline | None]:
    if search.archive is None:
        if not loop.measure(_seed_jobs(run, search), "measuring the seed"):
            return _cut_short(bench), None
        _open_archive(run, search, bench)
        say(_prospect(run, bench, search))
    place, axes = run.record.next_place(), run.record.meta("axes")
    run.record.add_epoch(time.time(), Epoch(place, run.settings.to_json(), axes))
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
            f"{run.folder.log('0')}, mend it, and try it alone: {_by_hand(run, seeds[0])}"
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


def _by_hand(run: Run, seed: Individual) -> str:
    """The command that measures a seed genome alone, as the run did."""
    task, settings = run.task, run.settings
    own, source = task.folder / run.ready.seed, run.lineage.source(seed.commit)
    first = ""
    if not own.is_file() or own.read_text(encoding="utf-8", errors="replace") != source:
        own = Path("seed").with_suffix(Path(task.genome).suffix)
        export = ["python", "-m", "evolve", "export", str(run.folder.path), str(seed.id), "-o"]
        first = f"{shlex.join([*export, str(own)])} && "
    command = ["python", "-m", "trainer", _from_here(own), "--task", _from_here(task.folder)]
    if task.item is not None:
        command += ["--item", task.item.name]
    if settings.budget != task.budget:
        command += ["--budget", f"{settings.budget:g}"]
    if settings.sandbox != "auto":
        command += ["--sandbox", settings.sandbox]
    return first + shlex.join(command)


def _from_here(path: Path) -> str:
    """A path as short as it is from the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


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
