"""A run that is worked on to its end, whichever command has begun it or goes on with it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from archive.run_folder import RunError
from evolve.agents.configuration import build_agents
from evolve.commands.ablation_table import print_ablation
from evolve.commands.assembly import OpenEvaluator, carry_on
from evolve.commands.changes import write_story
from evolve.commands.console import sayer
from evolve.commands.summary import announce, list_closing_lines
from evolve.loop.loop import End
from evolve.loop.phases import Ending
from evolve.loop.target import is_reached
from evolve.models import build_models
from evolve.runs.history import count_fruitless_replies, view_search
from evolve.runs.pictures import Draw, draw
from evolve.runs.run import Run
from population import Individual
from population.invocation import write_command

LISTED = 15  # changes of the best genome that are listed when a run ends


def work_on(
    run: Run,
    console: Console,
    *,
    open_evaluator: OpenEvaluator | None = None,
    draw: Draw = draw,
) -> tuple[int, End]:
    """Work on a run to its end: the exit code, and why it ended. The caller has locked it.

    Args:
        run: The run, which is closed then.
        console: Console that the user looks at.
        open_evaluator: Function that opens the evaluator; None opens the one of the settings.
        draw: Function that draws the run's pictures.
    """
    say = sayer(console)
    try:
        models, agents = build_models(run.settings), build_agents(run.settings)
        for line in announce(run, models, agents):
            say(line)
        pairs = [(one.model, one.weight) for one in models]
        ending = carry_on(
            run, pairs, console, agents=agents, open_evaluator=open_evaluator, draw=draw
        )
        best = ending.best
        story = write_story(run, view_search(run), best) if best and best.parents else None
        console.print()
        for line in list_closing_lines(run, ending):
            say(line)
        for one in story.steps[-LISTED:] if story else ():
            did = "; ".join(filter(None, (one.did, one.stands)))
            say(f"  #{one.individual.id} {one.individual.description}: {did}")
        if ending.ablation is not None:
            print_ablation(run, ending.ablation, console)
        write_output(run, ending.best)
        return exit_code(run, ending), ending.end
    finally:
        run.close()


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
            f"same: {write_command('export', run.folder.name, 'best', '-o', 'FILE')}"
        ) from error
    return target


def is_target_confirmed(run: Run, ending: Ending) -> bool:
    """Whether the best has reached the target, in its fresh runs where there are some."""
    target, comparison = run.settings.target, ending.comparison
    if comparison is None or target is None:
        return is_reached(ending.best, target)
    return run.task.direction.gain(comparison.best_mean, target) >= 0


def exit_code(run: Run, ending: Ending) -> int:
    """0: it did what it was asked; 1: it did not; 2: it could not; 130: it was interrupted."""
    if ending.end is End.INTERRUPTED:
        return 130
    if ending.end is End.NO_DEVICE:
        return 2
    children = [i for i in run.individuals() if i.parents]
    scored = any(child.scored for child in children)
    spend = run.record.spend()
    mute = spend.calls + ending.unanswered > 0 and not spend.answered
    missed = run.settings.target is not None and not is_target_confirmed(run, ending)
    mute = mute or count_fruitless_replies(run) > 0
    failed = ending.end is End.STUCK or mute or missed or (bool(children) and not scored)
    return 1 if failed else 0
