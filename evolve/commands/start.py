"""`python -m evolve`: begin a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from evolve.commands import items
from evolve.commands.console import new_console, sayer
from evolve.commands.options import (
    count,
    count_or_none,
    device_option,
    length_options,
    model_options,
    positive,
    resumed,
)
from evolve.commands.working import work
from evolve.models.configuration import check_model_options, configured
from evolve.operators.registry import OPERATORS, absolute
from evolve.runs.run import begin
from evolve.search.operator_mix import operator_mix
from evolve.search.strategies import STRATEGIES
from evolve.settings import OptionError, Settings
from population.selection import SELECTORS
from trainer.task import load_task


def arguments(epilog: str) -> argparse.ArgumentParser:
    """The options of a new run; the epilog tells the other commands."""
    parser = argparse.ArgumentParser(
        prog="python -m evolve",
        usage="%(prog)s [OPTION ...]\n       %(prog)s COMMAND ...",
        description="Evolve the file that a task names, towards the score that it names. Every "
        "option has a\ndefault that works: the task's own, or the one below.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_argument_group("what to do")
    what.add_argument(
        "--task", default=".", metavar="DIR", help="folder with the task's program.md (default .)"
    )
    what.add_argument(
        "--run", metavar="NAME", help="name of the new run (default: the task's, and the time)"
    )
    what.add_argument(
        "--seed-genome",
        action="append",
        default=[],
        metavar="FILE",
        help="a genome to start from: a file, or RUN:ID or RUN:best of another run; repeatable "
        "(default: the task's own)",
    )
    what.add_argument(
        "--items",
        default="",
        metavar="NAME,...",
        help="items to work on, if the task has many (default: all that are not done)",
    )
    length = length_options(parser)
    length.add_argument(
        "--children",
        type=count,
        metavar="N",
        help="children that make a generation (default: as many as the task says, or 5)",
    )
    length.add_argument(
        "--budget",
        type=positive,
        metavar="S",
        help="seconds that each child may work (default: the task's)",
    )
    device_option(parser)
    search = parser.add_argument_group("the search")
    search.add_argument(
        "--strategy",
        choices=list(STRATEGIES),
        default="map-elites",
        help="map-elites keeps the best of every cell; greedy has one parent, which a better child "
        "replaces; random makes all children from the seed (default map-elites)",
    )
    search.add_argument(
        "--selector",
        choices=list(SELECTORS),
        default="ucb",
        help="how map-elites draws parents among the elites (default ucb)",
    )
    search.add_argument(
        "--operators",
        default="",
        metavar="NAME[:WEIGHT],...",
        help=f"operators that make children: {', '.join(OPERATORS)}, or FILE.py:NAME of your own; "
        "with weights they are drawn by these, else what pays is learnt (default: all that can "
        "work)",
    )
    search.add_argument(
        "--cells",
        type=count,
        default=0,
        metavar="N",
        help="cells on each axis of the archive (default: 4, 6 or 8, more for more children)",
    )
    search.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="number from which all randomness of the run follows (default 0)",
    )
    search.add_argument(
        "--seed-runs",
        type=count,
        default=0,
        metavar="N",
        help="runs of the seed genome at the start, which show the noise (default: 2 to 4, more "
        "for more children)",
    )
    search.add_argument(
        "--final-runs",
        type=count_or_none,
        default=-1,
        metavar="N",
        help="fresh runs of the seed genome, and as many of the best, at the end (default: 2 to 5, "
        "more for more children)",
    )
    model_options(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Begin a run, or one of each item that is not done, and work on it to its end."""
    names = filter(None, options.operators.split(","))
    operators = tuple(absolute(name, Path()) for name in names)
    task = load_task(Path(options.task))
    if options.items and not task.items:
        raise OptionError(f"the task {task.name} has no items, so leave --items out")
    own = tuple(absolute(name, task.folder) for name in task.operators)
    operator_mix(operators, with_models=bool(options.model), language=task.language, suited=own)
    check_model_options(options.model, options.api_base, options.prices or ())
    settings = Settings(
        task=str(task.folder),
        generations=task.generations or 20 if options.generations is None else options.generations,
        children=options.children or task.children or 5,
        budget=options.budget or task.budget,
        strategy=options.strategy,
        selector=options.selector,
        operators=operators,
        context_tokens=options.context_tokens or 30_000,
        models=tuple(options.model),
        api_base=options.api_base,
        prices=tuple(options.prices or ()),
        seed=options.seed,
        devices=options.devices or "auto",
        sandbox=options.sandbox or "auto",
        cells=options.cells,
        seed_runs=options.seed_runs or int(task.exact),  # an exact score is measured once
        final_runs=1 if task.exact and options.final_runs < 0 else options.final_runs,
        max_cost=options.max_cost,
        offline_after=options.offline_after or 60.0,
        hours=options.hours,
        target=task.target if options.target is None else options.target,
    )
    if settings.max_cost is not None:
        configured(settings)  # a cap that cannot be kept is refused before anything is made
    if task.items:
        only = list(filter(None, options.items.split(",")))
        changes = {**resumed(options), "task": settings.task}
        return items.start(settings, changes, task, options.run, options.seed_genome, only)
    console = new_console()
    run = begin(settings, options.run, options.seed_genome, sayer(console))
    with run.folder.lock():
        return work(run, console)[0]
