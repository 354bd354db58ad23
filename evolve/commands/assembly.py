"""A run's parts put together: devices, models, operators, loop and display."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from rich.console import Console

from archive.comparison import read_comparison
from archive.run_folder import RunError
from evolve.agents.configuration import ConfiguredAgent, limit_session
from evolve.agents.pool import AgentPool
from evolve.agents.workspace import sweep_workspaces
from evolve.commands.display import Display
from evolve.loop.ablation import AblationResult, open_ablation
from evolve.loop.contexts import ContextBuilder
from evolve.loop.distill import ablate, find_runs_before
from evolve.loop.evaluators import EVALUATORS, Evaluator
from evolve.loop.interrupt import Interrupt
from evolve.loop.loop import End, Loop
from evolve.loop.phases import Ending, distill_best, name_end, run_phases
from evolve.loop.proposer import Proposer
from evolve.loop.reports import Reports
from evolve.models import Availability, CostBudget, Ensemble, LiteLLM, count_tokens
from evolve.operators import estimate_tokens
from evolve.operators.prompts.packing import cache_counts
from evolve.operators.prompts.requests import compute_room_for_files, write_task_files
from evolve.runs.history import restore_search, view_search
from evolve.runs.logbook import describe_generation, new_logbook, record_generation
from evolve.runs.pictures import Artist, Draw, draw
from evolve.runs.run import Run, remove_work
from evolve.search.search import Search
from population import Individual
from trainer.log import read_tail
from trainer.secrets import Secrets
from trainer.task import read_shown_files

OpenEvaluator = Callable[[Run, threading.Event], Evaluator]  # as an evaluator's constructor
DONE = (End.COMPLETE, End.TARGET, End.HOURS)  # a run that ended so has a best to look into
LAST_LINES = 40  # lines of a failed child, or of its scoring, that a language model is shown


def carry_on(
    run: Run,
    models: Sequence[tuple[LiteLLM, float]],
    console: Console,
    *,
    agents: Sequence[ConfiguredAgent] = (),
    open_evaluator: OpenEvaluator | None = None,
    draw: Draw = draw,
) -> Ending:
    """Put a run's parts together and work on it until it ends or is interrupted.

    The caller holds the run's lock.

    Args:
        run: The run.
        models: The run's language models with their weights.
        console: Console that the user looks at.
        agents: The run's coding agents.
        open_evaluator: Function that opens the evaluator; None opens the one of the settings.
        draw: Function that draws the run's pictures.

    Raises:
        RunError: No seed genome scored, or program.md and the genome have no room in a request.
        RecordError, LineageError, SupervisorError: The disk or git failed, or a supervisor on a
            device that is there; what was recorded before is safe.
    """
    begun = time.monotonic()
    _tidy_up(run)
    search = restore_search(run)
    with assemble(run, search, models, console, open_evaluator, draw, agents) as parts:
        loop, evaluator, reports = parts.loop, parts.evaluator, parts.reports
        end, comparison = run_phases(run, search, loop, evaluator, reports)
        ablation = None
        if run.settings.distill and end in DONE:
            ablation = distill_best(run, search, loop, evaluator, reports)
            if ablation is not None and not ablation.complete:
                end = name_end(evaluator)
    remove_work(run.folder)
    if search.archive is not None:
        draw(run, search.archive, search.noise)
    run.record.add_event(time.time(), "end", str(end))
    usage = evaluator.usage
    return Ending(
        end=end,
        best=search.champion,
        comparison=comparison,
        seconds=time.monotonic() - begun,
        busy=usage.busy_seconds / usage.slot_seconds,
        unanswered=parts.proposer.asking,
        ablation=ablation,
    )


def ablate_run(
    run: Run,
    base: Individual,
    runs: int | None,
    console: Console,
    *,
    open_evaluator: OpenEvaluator | None = None,
) -> tuple[AblationResult, End]:
    """Measure what the parts of an individual are worth, or go on with that.

    The caller holds the run's lock.

    Args:
        run: The run.
        base: The individual, which is no seed and has scored.
        runs: Number of runs of each genome; None is as many as before, or the usual number.
        console: Console that the user looks at.
        open_evaluator: Function that opens the evaluator; None opens the one of the settings.

    Returns:
        What was found, which is incomplete if it was interrupted, and how it ended.

    Raises:
        RecordError, LineageError, SupervisorError: As for `carry_on`.
    """
    _tidy_up(run)
    search = view_search(run)  # nothing is proposed, so it needs no operator
    ablation = open_ablation(search.individuals, base, run.lineage.source, run.task)
    ablation = replace(ablation, runs=runs or find_runs_before(run, ablation))
    with assemble(run, search, [], console, open_evaluator, draw) as parts:
        result = ablate(run, parts.loop, parts.reports, ablation, parts.evaluator.slots)
    remove_work(run.folder)
    return result, End.COMPLETE if result.complete else name_end(parts.evaluator)


@dataclass(frozen=True)
class Assembly:
    """The parts that work on a run.

    Attributes:
        loop: The loop.
        evaluator: Devices that measure.
        proposer: Operators at work.
        reports: Functions that are informed.
    """

    loop: Loop
    evaluator: Evaluator
    proposer: Proposer
    reports: Reports


@contextmanager
def assemble(
    run: Run,
    search: Search,
    models: Sequence[tuple[LiteLLM, float]],
    console: Console,
    open_evaluator: OpenEvaluator | None,
    draw: Draw,
    agents: Sequence[ConfiguredAgent] = (),
) -> Iterator[Assembly]:
    """Put the parts together; at the end devices, agents' sessions and display are closed.

    Args:
        run: The run.
        search: Search of the run, restored from its record.
        models: The run's language models with their weights.
        console: Console that the user looks at.
        open_evaluator: Function that opens the evaluator; None opens the one of the settings.
        draw: Function that draws the run's pictures.
        agents: The run's coding agents.
    """
    begun, settings = time.monotonic(), run.settings
    wake = threading.Event()
    interrupt = Interrupt(wake)
    evaluator = (open_evaluator or EVALUATORS[settings.evaluator_name])(run, wake)
    evaluator.limit = run.record.meta("limit", evaluator.limit)
    display = Display(
        console,
        run.task,
        search,
        title=f"{run.folder.name} ({settings.strategy})",
        settings=settings,
        comparison=read_comparison(run.record, run.task.direction),
    )
    reports = _connect(run, search, display, Artist(run, draw))
    budget = CostBudget(settings.max_cost, run.record.spend().cost)
    ensemble = Ensemble(
        [model for model, _ in models], budget=budget, patience=settings.offline_after
    )
    allowance = Availability(
        has_models=bool(models),
        budget=budget,
        deadline=None if settings.hours is None else begun + settings.hours * 3600,
        clock=time.monotonic,
        why_unresponsive=ensemble.why_unresponsive,
    )
    pool = _open_pool(run, agents, budget)
    contexts = _build_contexts(run, search, reports, with_models=bool(models or agents))
    proposer = Proposer(run.told_task, ensemble, pool, contexts, wake)
    loop = Loop(run, search, evaluator, proposer, allowance, interrupt, wake, reports)
    with interrupt.listening(), closing(evaluator), closing(pool), display:
        yield Assembly(loop, evaluator, proposer, reports)


def _open_pool(run: Run, agents: Sequence[ConfiguredAgent], budget: CostBudget) -> AgentPool:
    """The coding agents of a run, which go on counting where earlier processes stopped."""
    names, settings = {agent.name for agent in agents}, run.settings
    if agents:
        sweep_workspaces()
    spent = run.record.spend_by_arm().items()
    return AgentPool(
        agents,
        sandbox=run.sandbox,
        budget=budget,
        seconds=limit_session(settings, run.task.overhead),
        find_log=lambda number: run.folder.log(f"agent-p{number}"),
        most=settings.max_proposals,
        held=sum(spend.calls for (_, name), spend in spent if name in names),
    )


def _tidy_up(run: Run) -> None:
    """Put in order what a process that was killed has left, and record the sandbox."""
    remove_work(run.folder)
    run.lineage.unlock()
    run.rebuild_results()
    run.record.abandon_proposals(time.time())
    run.record.add_event(time.time(), "sandbox", f"{run.sandbox.level}: {run.sandbox.note}")


def _connect(run: Run, search: Search, display: Display, artist: Artist) -> Reports:
    """Connect what the loop reports with the display, the logbook and the pictures."""
    logbook = new_logbook()

    def report_generation(number: int, children: list[Individual]) -> None:
        assert search.archive is not None
        reference = run.record.meta("reference")
        record_generation(logbook, number, children, search.archive, reference)
        artist(search.archive, search.noise)
        text = describe_generation(logbook, search.archive, run.task.metric, search.noise.deviation)
        display.say(f"{text}{display.describe_left()}", "bold")

    return Reports(
        watch=display.watch,
        experiment=display.experiment,
        best=display.best,
        generation=report_generation,
        say=display.say,
    )


def _build_contexts(
    run: Run, search: Search, reports: Reports, *, with_models: bool
) -> ContextBuilder:
    count = cache_counts(count_tokens if with_models else estimate_tokens)
    secrets = Secrets(os.environ)  # a scoring script runs in this environment, and may print it

    def last_words(individual: Individual) -> str:
        return secrets.hide(read_tail(run.folder.log(str(individual.id)), LAST_LINES))

    return ContextBuilder(
        run.told_task,
        search,
        run.lineage,
        last_words=last_words,
        shown=_pack_files(run, search, count, reports.say) if with_models else "",
        tokens=run.settings.context_tokens,
        count=count,
    )


def _pack_files(
    run: Run, search: Search, count: Callable[[str], int], say: Callable[[str], None]
) -> str:
    """The files that the task shows to a language model, as far as they have room."""
    genomes = [one for one in search.individuals.values() if not one.parents]
    genomes += [search.best] if search.best else []
    texts = [run.lineage.source(one.commit) for one in genomes]
    tokens, files = run.settings.context_tokens, read_shown_files(run.task)
    try:
        room = compute_room_for_files(run.task, texts, tokens, count)
    except ValueError as error:
        raise RunError(str(error)) from error
    shown, whole = write_task_files(files, room, count), sum(map(count, files.values()))
    if whole > room:
        say(
            f"of the files that the task shows ({whole:,} tokens) {room:,} tokens fit into a "
            f"request: allow more with --context-tokens, now {tokens:,}"
        )
    return shown
