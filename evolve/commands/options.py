"""Arguments that several commands share."""

from __future__ import annotations

import argparse

from population.invocation import write_command


def new_parser(command: str, description: str) -> argparse.ArgumentParser:
    """A command's parser."""
    return argparse.ArgumentParser(prog=write_command(command), description=description)


def run_argument(parser: argparse._ActionsContainer) -> None:
    """Give a parser the argument that names a run."""
    parser.add_argument("name", metavar="RUN", help="the run: its name under runs/, or its folder")


def individual_argument(
    parser: argparse._ActionsContainer, nargs: str | None = None, default: str | None = "best"
) -> None:
    parser.add_argument(
        "individual",
        nargs=nargs,
        default=default,
        metavar="ID",
        help="a genome's number, or best" + (" (the default)" if nargs and default else ""),
    )


def parse_bounds(text: str) -> tuple[str, tuple[float, float]]:
    """The bounds of an axis, as AXIS=LOW:HIGH."""
    name, _, bounds = text.partition("=")
    low, _, high = bounds.partition(":")
    try:
        return name, (float(low), float(high))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not AXIS=LOW:HIGH") from None
