"""A run that is worked on to its end, whichever command has begun it or goes on with it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from archive.run_folder import RunError
from evolve.commands.changes import Step, markdown, story
from evolve.commands.console import sayer
from evolve.commands.summary import announce, closing_lines
from evolve.loop.conduct import Result, conduct
from evolve.loop.controller import End, reached
from evolve.loop.device_pool import Measure
from evolve.models import build_models
from evolve.runs.history import fruitless_replies, shown_search
from evolve.runs.pictures import Draw, draw
from evolve.runs.run import Run
from population import Individual
from trainer.measure import measure

TOLD = 15  # changes of the best genome that are told when a run ends


def work(
    run: Run, console: Console, *, measure: Measure = measure, draw: Draw = draw
) -> tuple[int, End]:
    """Work on a run to its end: the exit code, and why it ended. The caller has locked it.

    Args:
        run: which; it is closed then.
        console: where to say what happens.
        measure, draw: as for `conduct`.
    """
    say = sayer(console)
    try:
        models = build_models(run.settings)
        for line in announce(run, models):
            say(line)
        pairs = [(one.model, one.weight) for one in models]
        result = conduct(run, pairs, console, measure=measure, draw=draw)
        steps = _tell_story(run, result.best)
        console.print()
        for line in closing_lines(run, result):
            say(line)
        for one in steps[-TOLD:]:
            say(f"  #{one.individual.id} {one.individual.description}: {one.did}")
        write_output(run, result.best)
        return exit_code(run, result), result.end
    finally:
        run.close()


def _tell_story(run: Run, best: Individual | None) -> list[Step]:
    """Leave the best genome's story in the run: what each change in it was and did."""
    if best is None or not best.parents:
        return []
    search = shown_search(run)
    steps = story(run, search, best.id)
    run.folder.changes.write_text(markdown(run, search, steps), encoding="utf-8")
    return steps


def write_output(run: Run, best: Individual | None) -> Path | None:
    """Leave the best genome where the task wants it: where that is, None if there is none.

    Raises:
        RunError: it cannot be written there.
    """
    if best is None or not best.parents or not run.task.output:
        return None
    target = run.task.folder / run.task.output
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(run.lineage.source(best.commit), encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"the best genome cannot be written to {target}: {error.strerror}; it is kept all the "
            f"same: python -m evolve export {run.folder.name} best -o FILE"
        ) from error
    return target


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
    mute = mute or fruitless_replies(run) > 0
    failed = result.end is End.STUCK or mute or missed or (bool(children) and not scored)
    return 1 if failed else 0
