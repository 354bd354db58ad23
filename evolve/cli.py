"""The command line: `python -m evolve` starts a run, further commands look after runs."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from archive.record import RecordError
from archive.run_folder import RunError
from evolve import commands, inspection, items, show
from evolve.check import UnfitError
from evolve.models import ModelSpec, Price
from evolve.operators import OPERATORS, absolute, operator_mix
from evolve.options import (
    bounds,
    count,
    count_or_none,
    device_option,
    individual_argument,
    length_options,
    model_options,
    new_parser,
    positive,
    run_argument,
)
from evolve.settings import OptionError, Settings
from evolve.strategies import STRATEGIES
from population.lineage import LineageError
from population.selection import SELECTORS
from trainer.devices import DeviceError
from trainer.process import SupervisorError
from trainer.sandbox import SandboxError
from trainer.setup import SetupError
from trainer.task import LANGUAGES, TaskError, load_task

EXPECTED = (
    *(RunError, RecordError, LineageError, TaskError, SetupError, DeviceError, SupervisorError),
    *(OptionError, SandboxError, UnfitError, OSError),
)
RESUMABLE = (  # options that a resumed run may change, besides its models
    *("task", "generations", "hours", "target", "devices", "sandbox"),
    *("api_base", "price", "max_cost", "offline_after", "context_tokens"),
)
COMMANDS = """\
commands:
  resume RUN             go on with a run that was interrupted, or add --generations
  list [RUN]             the runs, or the elites of one
  show RUN [ID|best]     an individual: scores, parents, description, the change to each parent
  heatmap RUN [-o PNG]   the archive as a heatmap, in the terminal or as a picture
  export RUN ID|best     a genome's source, -o FILE to write it
  rebin RUN              cut the archive into other cells or bounds; loses nothing
  prompts RUN [ID]       what the language models were asked and answered, the spend, the lessons
  replay RUN             take a run's decisions once more, and tell whether they are the same
  new DIR                write a small task that works, to make another one of it
  check DIR              read a task, measure its start once, and say whether it can run

`python -m evolve COMMAND --help` says more of each.

exit codes: 0 it did what it was asked; 1 it did not (no child scored, no model answered, the target
was missed, nothing new could be proposed); 2 it could not, and says why; 130 it was interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 the run did not achieve what was asked, 2 it could not, 130 Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in PARSERS:
        parser, run = PARSERS[arguments[0]]()
        arguments = arguments[1:]
    else:
        parser, run = _start_parser()
    options = parser.parse_args(arguments)
    # what Python thinks of a genome's style (an odd escape, a needless `is`) is no news to the user
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        return run(options)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()  # or the interpreter complains that stdout cannot be flushed
        return 0
    except EXPECTED as error:
        print(f"evolve: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("evolve: interrupted", file=sys.stderr)
        return 130


Parsed = tuple[argparse.ArgumentParser, Callable[[argparse.Namespace], int]]


def _start_parser() -> Parsed:
    parser = argparse.ArgumentParser(
        prog="python -m evolve",
        description="Evolve a file: the one that a task names, towards the score that it names. "
        "Every option has a default that works, the task's own or this program's.",
        epilog=COMMANDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_argument_group("what to do")
    what.add_argument("--task", default=".", metavar="DIR", help="folder of program.md (default .)")
    what.add_argument("--run", metavar="NAME", help="name of the run (default: task and time)")
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
        help="of a task of many items, only these (default: all that are not done)",
    )
    length = length_options(parser)
    length.add_argument(
        "--children",
        type=count,
        metavar="N",
        help="children a generation (default: the task's, or 5)",
    )
    length.add_argument(
        "--budget",
        type=positive,
        metavar="S",
        help="seconds that a child may work (default: the task's)",
    )
    device_option(parser)
    search = parser.add_argument_group("the search")
    search.add_argument(
        "--strategy",
        choices=list(STRATEGIES),
        default="map-elites",
        help="map-elites; greedy: one parent, keep or discard; random: all children of the seed "
        "(default map-elites)",
    )
    search.add_argument(
        "--selector",
        choices=list(SELECTORS),
        default="ucb",
        help="how map-elites draws parents (default ucb)",
    )
    search.add_argument(
        "--operators",
        default="",
        metavar="NAME[:WEIGHT],...",
        help=f"of {', '.join(OPERATORS)}, or FILE.py:NAME of your own; with weights they are drawn "
        "by these (default: all that can work, and what pays is learnt)",
    )
    search.add_argument(
        "--cells",
        type=count,
        default=0,
        metavar="N",
        help="of each axis of the archive (default: 4, 6 or 8 by the number of children)",
    )
    search.add_argument("--seed", type=int, default=0, metavar="N", help="of all randomness")
    search.add_argument(
        "--seed-runs",
        type=count,
        default=0,
        metavar="N",
        help="runs of the seed at the start, to know the noise (default 2 to 4)",
    )
    search.add_argument(
        "--final-runs",
        type=count_or_none,
        default=-1,
        metavar="N",
        help="fresh runs of the seed and of the best at the end (default: a tenth of all)",
    )
    model_options(parser)
    return parser, _start


def _start(options: argparse.Namespace) -> int:
    names = filter(None, options.operators.split(","))
    operators = tuple(absolute(name, Path()) for name in names)
    task = load_task(Path(options.task))
    own = tuple(absolute(name, task.folder) for name in task.operators)
    operator_mix(operators, with_models=bool(options.model), language=task.language, suited=own)
    for model in options.model:
        ModelSpec.parse(model)
    if options.price:
        Price.parse(options.price)
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
        price=options.price,
        seed=options.seed,
        devices=options.devices or "auto",
        sandbox=options.sandbox or "auto",
        cells=options.cells,
        seed_runs=options.seed_runs,
        final_runs=options.final_runs,
        max_cost=options.max_cost,
        offline_after=options.offline_after or 60.0,
        hours=options.hours,
        target=task.target if options.target is None else options.target,
    )
    if task.items:
        only = list(filter(None, options.items.split(",")))
        return items.start(settings, task, options.run, options.seed_genome, only)
    return commands.start(settings, options.run, options.seed_genome)


def _resume_parser() -> Parsed:
    parser = new_parser(
        "resume", "Go on with a run where it stopped; more --generations extend it."
    )
    run_argument(parser)
    parser.add_argument(
        "--task",
        type=lambda text: str(Path(text).resolve()),
        metavar="DIR",
        help="where the task's folder is now, if it was moved",
    )
    length_options(parser)
    device_option(parser)
    model_options(parser)
    return parser, _resume


def _resume(options: argparse.Namespace) -> int:
    changes = {name: value for name in RESUMABLE if (value := getattr(options, name)) is not None}
    if options.model:
        changes["models"] = tuple(options.model)
    return commands.resume(options.name, changes)


def _list_parser() -> Parsed:
    parser = new_parser("list", "List the runs under runs/, or the elites of one run.")
    parser.add_argument("name", nargs="?", metavar="RUN", help="a run, or its folder")
    return parser, lambda options: commands.list_runs(options.name)


def _show_parser() -> Parsed:
    parser = new_parser("show", "Show an individual: its scores, its parents, what changed.")
    run_argument(parser)
    individual_argument(parser, nargs="?")
    return parser, lambda options: show.show(options.name, options.individual)


def _heatmap_parser() -> Parsed:
    parser = new_parser("heatmap", "Draw the archive: its two axes, colour is the elite's fitness.")
    run_argument(parser)
    parser.add_argument("-o", type=Path, dest="output", metavar="PNG", help="write a picture")
    return parser, lambda options: commands.heatmap(options.name, options.output)


def _export_parser() -> Parsed:
    parser = new_parser("export", "Write a genome's source.")
    run_argument(parser)
    individual_argument(parser)
    parser.add_argument("-o", type=Path, dest="output", metavar="FILE", help="(default: print it)")
    return parser, lambda options: commands.export(options.name, options.individual, options.output)


def _rebin_parser() -> Parsed:
    parser = new_parser(
        "rebin", "Cut the archive anew. All measures are kept raw, so nothing is lost."
    )
    run_argument(parser)
    parser.add_argument("--cells", type=count, metavar="N", help="of each axis")
    parser.add_argument(
        "--bounds",
        action="append",
        default=[],
        type=bounds,
        metavar="AXIS=LOW:HIGH",
        help="in the axis's unit, such as size=1e5:4e6; repeatable",
    )
    return parser, lambda options: commands.rebin(options.name, options.cells, dict(options.bounds))


def _prompts_parser() -> Parsed:
    parser = new_parser(
        "prompts",
        "Show what the language models were asked and answered. Without ID: the spend by operator "
        "and model, and the lessons so far.",
    )
    run_argument(parser)
    parser.add_argument("individual", nargs="?", metavar="ID", help="of an individual, or best")
    return parser, lambda options: inspection.prompts(options.name, options.individual)


def _replay_parser() -> Parsed:
    parser = new_parser(
        "replay",
        "Ask a new search what the run's was asked, with the recorded replies and results. "
        "Nothing is measured and no model is asked. Exit code 1 if a decision differs.",
    )
    run_argument(parser)
    return parser, lambda options: inspection.replayed(options.name)


def _new_parser() -> Parsed:
    parser = new_parser(
        "new", "Write a task's folder, small and working, to be changed into a task of your own."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="python",
        help="of the file that is evolved (default python)",
    )
    return parser, lambda options: commands.new(options.folder, options.language)


def _check_parser() -> Parsed:
    parser = new_parser(
        "check",
        "Read a task's program.md, measure its start once and explain what is missing or "
        "malformed. Exit code 0 only if the task can run.",
    )
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), metavar="DIR", help="the task (default .)"
    )
    parser.add_argument(
        "--budget", type=positive, metavar="S", help="seconds for the start (default: the task's)"
    )
    device_option(parser)
    return parser, _check


def _check(options: argparse.Namespace) -> int:
    devices, sandbox = options.devices or "auto", options.sandbox or "auto"
    return commands.check_task(options.folder, options.budget, devices, sandbox)


PARSERS: dict[str, Callable[[], Parsed]] = {
    "new": _new_parser,
    "check": _check_parser,
    "prompts": _prompts_parser,
    "replay": _replay_parser,
    "resume": _resume_parser,
    "list": _list_parser,
    "show": _show_parser,
    "heatmap": _heatmap_parser,
    "export": _export_parser,
    "rebin": _rebin_parser,
}
