"""The command line: `python -m evolve` starts a run, further commands look after runs.

Each command is a file in `evolve/commands`: `arguments` makes its parser, `command` does it.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from typing import Protocol

from archive.record import RecordError
from archive.run_folder import RunError
from evolve.commands import (
    check,
    export,
    heatmap,
    listing,
    new,
    prompts,
    rebin,
    replay,
    resume,
    show,
    start,
)
from evolve.settings import OptionError
from population.lineage import LineageError
from trainer.devices import DeviceError
from trainer.process import SupervisorError
from trainer.sandbox import SandboxError
from trainer.setup import SetupError
from trainer.task import TaskError

EXPECTED = (
    *(RunError, RecordError, LineageError, TaskError, SetupError, DeviceError, SupervisorError),
    *(OptionError, SandboxError, check.UnfitError, OSError),
)


class Command(Protocol):
    """A module of `evolve.commands`."""

    def arguments(self) -> argparse.ArgumentParser:
        """The parser of its options."""
        ...

    def command(self, options: argparse.Namespace) -> int:
        """Do it, and return the exit code."""
        ...


COMMANDS: dict[str, Command] = {
    "resume": resume,
    "list": listing,
    "show": show,
    "heatmap": heatmap,
    "export": export,
    "rebin": rebin,
    "prompts": prompts,
    "replay": replay,
    "new": new,
    "check": check,
}
HELP = """\
commands:
  resume RUN             go on with a run that was interrupted, or add --generations
  list [RUN]             the runs, or the elites of one
  show RUN [ID|best]     an individual: scores, parents, description, the change to each parent
  show RUN --events      what happened to the run: starts, stops, fallbacks, defects
  heatmap RUN [-o FILE]  the archive as a heatmap, in the terminal or as a picture
  export RUN ID|best     a genome's source, -o FILE to write it
  rebin RUN              divide the archive into other cells or bounds; loses nothing
  prompts RUN [ID]       what the language models were asked and answered, the spend, the lessons
  replay RUN             take a run's decisions once more, and tell whether they are the same
  new DIR                write a small task that works, to make another one of it
  check DIR              read a task, measure its start once, and say whether it can run

`python -m evolve COMMAND --help` says more of each.

exit codes: 0 it did what it was asked; 1 it did not (no child scored, no model gave one, the target
was missed, nothing new could be proposed); 2 it could not, and says why; 130 it was interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 the run did not achieve what was asked, 2 it could not, 130 Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMANDS:
        chosen = COMMANDS[arguments.pop(0)]
        parser, command = chosen.arguments(), chosen.command
    else:
        parser, command = start.arguments(HELP), start.command
    options = parser.parse_args(arguments)
    # what Python thinks of a genome's style (an odd escape, a needless `is`) is no news to the user
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        return command(options)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()  # or the interpreter complains that stdout cannot be flushed
        return 0
    except EXPECTED as error:
        print(f"evolve: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("evolve: interrupted", file=sys.stderr)
        return 130
