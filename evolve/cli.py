"""The command line: `python -m evolve` starts a run, further commands look after runs.

Each command is a file in `evolve/commands` with two functions: `arguments` makes its parser,
`command` does it. A command is imported when it is called and not before.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
import warnings
from collections.abc import Sequence
from typing import Protocol, cast

from population.errors import UserError
from population.invocation import write_command


class Command(Protocol):
    """A module of `evolve.commands`."""

    def arguments(self) -> argparse.ArgumentParser:
        """The parser of its options."""
        ...

    def command(self, options: argparse.Namespace) -> int:
        """Do it, and return the exit code."""
        ...


# The commands by name: the module, the arguments as the help shows them, and what it does.
COMMANDS = {
    "resume": ("resume", "RUN", "go on with a run that was interrupted, or add --generations"),
    "status": ("status", "[RUN]", "one screen: what runs, how good the best is, what is left"),
    "list": ("listing", "[RUN]", "the runs, or the elites of one"),
    "best": ("best", "RUN", "the best genome: its result, and the changes that made it better"),
    "show": ("show", "RUN [ID|best]", "an individual: scores, parents, changes; --events of a run"),
    "diff": ("diff", "RUN [A] [B]", "how a genome differs from another: from seed to best, net"),
    "ablate": ("ablate", "RUN [ID]", "what each part of the best is worth, and the best without"),
    "lineage": ("lineage", "RUN [ID|best]", "a genome's family tree, crossovers as merges"),
    "log": ("log", "RUN ID [-f]", "what a genome printed; -f: as it prints"),
    "brief": ("brief", "RUN", "what a person or an agent should know who proposes a genome"),
    "submit": ("submit", "RUN FILE", "hand a genome to a run: it is measured as any child is"),
    "mcp": ("mcp", "", "the same for agents that speak MCP: brief, submit, status, show, wait"),
    "heatmap": ("heatmap", "RUN [-o PNG]", "the archive as a heatmap, in the terminal or a file"),
    "pictures": (
        "pictures",
        "RUN [-o DIR]",
        "heatmap, progress, lineage, operators, learning curves as files",
    ),
    "report": ("report", "RUN [-o HTML]", "one HTML file that shows everything about a run"),
    "serve": ("serve", "[RUN ...]", "runs as live pages in a browser"),
    "compare": ("compare", "RUN RUN ...", "runs of one protocol side by side: do they differ?"),
    "export": (
        "export",
        "RUN ID|--to F",
        "a genome's source; --to csv, parquet or tensorboard: a run",
    ),
    "rebin": ("rebin", "RUN", "cut the archive into other cells or bounds; loses nothing"),
    "prompts": ("prompts", "RUN [ID]", "requests to language models, their replies and their cost"),
    "replay": ("replay", "RUN", "take a run's decisions once more, and compare them"),
    "new": ("new", "DIR", "write a small task that works, to make another one of it"),
    "check": ("check", "DIR", "read a task, measure its start, and say whether it can run"),
}
EXIT_CODES = """\
`{command} COMMAND --help` says more of each.

exit codes: 0 it did what it was asked; 1 it did not (no child scored, no model gave one, the target
was missed, nothing new could be proposed); 2 it could not, and says why; 130 it was interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 the run did not achieve what was asked, 2 it could not, 130 Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        print(f"evolve: {_describe_unknown(arguments[0])}", file=sys.stderr)
        return 2
    if arguments and arguments[0] in COMMANDS:
        chosen = _load(COMMANDS[arguments.pop(0)][0])
        parser = chosen.arguments()
    else:
        chosen = _load("start")
        parser = chosen.arguments()
        parser.epilog = write_commands()
    options = parser.parse_args(arguments)
    # what Python thinks of a genome's style (an odd escape, a needless `is`) is no news to the user
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        return chosen.command(options)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()  # or the interpreter complains that stdout cannot be flushed
        return 0
    except KeyboardInterrupt:
        print("evolve: interrupted", file=sys.stderr)
        return 130
    except (UserError, OSError) as error:
        print(f"evolve: {error}", file=sys.stderr)
        return 2


def write_commands() -> str:
    """The commands and the exit codes, for the help."""
    width = max(len(f"{name} {more}") for name, (_, more, _) in COMMANDS.items())
    lines = [f"  {f'{n} {more}':{width}}  {does}" for n, (_, more, does) in COMMANDS.items()]
    return "\n".join(["commands:", *lines, "", EXIT_CODES.format(command=write_command())])


def _load(module: str) -> Command:
    return cast(Command, importlib.import_module(f"evolve.commands.{module}"))


def _describe_unknown(word: str) -> str:
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    return f"there is no command {word}{hint} The commands are {', '.join(COMMANDS)}"
