"""Options that several commands share, and the kinds of values that they take."""

from __future__ import annotations

import argparse


def new_parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"python -m evolve {command}", description=description)


def run_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="RUN", help="a run's name under runs/, or its folder")


def individual_argument(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "individual", nargs=nargs, default="best", metavar="ID", help="an id, or best (default)"
    )


def length_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    length = parser.add_argument_group("how long")
    length.add_argument(
        "--generations",
        type=count_or_none,
        metavar="N",
        help="in all (default: the task's, or 20)",
    )
    length.add_argument(
        "--hours", type=positive, metavar="H", help="start no child after so many hours"
    )
    length.add_argument(
        "--target", type=float, metavar="F", help="stop when the best is as fit as this"
    )
    return length


def device_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--devices",
        metavar="D,...",
        help="cuda:0,cuda:1 or cuda; cpu (a child a core) or cpu:0,cpu:2 (default: every GPU, "
        "else every core)",
    )
    parser.add_argument(
        "--sandbox",
        choices=["auto", "bwrap", "landlock", "none"],
        help="what keeps the children in: bwrap, landlock, or none, which trusts them (default: "
        "the strongest that works here)",
    )


def model_options(parser: argparse.ArgumentParser) -> None:
    models = parser.add_argument_group("language models (none: offline operators)")
    models.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME[:WEIGHT]",
        help="as litellm names it, its key in the environment; repeatable",
    )
    models.add_argument("--api-base", metavar="URL", help="of an OpenAI-compatible server")
    models.add_argument(
        "--context-tokens",
        type=count,
        metavar="N",
        help="that a request may have (default 30000)",
    )
    models.add_argument(
        "--price", metavar="IN:OUT", help="dollars a million tokens, where litellm knows no price"
    )
    models.add_argument(
        "--max-cost", type=positive, metavar="USD", help="ask no model beyond so many dollars"
    )
    models.add_argument(
        "--offline-after",
        type=positive,
        metavar="S",
        help="let the offline operators go on when no model has answered for so many seconds: all "
        "fail, or limit the requests (default 60)",
    )


def count(text: str) -> int:
    value = count_or_none(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} should be at least 1")
    return value


def count_or_none(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0")
    return int(text)


def positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def bounds(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.partition("=")
    low, _, high = bounds.partition(":")
    try:
        return name, (float(low), float(high))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not AXIS=LOW:HIGH") from None
