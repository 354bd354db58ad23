"""Options that several commands share, and the kinds of values that they take."""

from __future__ import annotations

import argparse
from typing import Any

RESUMABLE = (  # options that a run which goes on may change, besides its models
    *("task", "generations", "hours", "target", "devices", "sandbox"),
    *("api_base", "max_cost", "offline_after", "context_tokens"),
)


def resumed(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that a run which goes on takes from the options; others stay as they are."""
    changes = {name: value for name in RESUMABLE if (value := getattr(options, name)) is not None}
    changes |= {"models": tuple(options.model)} if options.model else {}
    return changes | ({"prices": tuple(options.prices)} if options.prices else {})


def new_parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"python -m evolve {command}", description=description)


def run_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("name", metavar="RUN", help="the run: its name under runs/, or its folder")


def individual_argument(parser: argparse._ActionsContainer, nargs: str | None = None) -> None:
    parser.add_argument(
        "individual",
        nargs=nargs,
        default="best",
        metavar="ID",
        help="a genome's number, or best" + (" (the default)" if nargs else ""),
    )


def length_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    length = parser.add_argument_group("how long")
    length.add_argument(
        "--generations",
        type=count_or_none,
        metavar="N",
        help="generations that the run has in all (default: as many as the task says, or 20)",
    )
    length.add_argument(
        "--hours",
        type=positive,
        metavar="H",
        help="hours after which no further child is started (default: no limit)",
    )
    length.add_argument(
        "--target",
        type=float,
        metavar="F",
        help="score of the best at which the run stops (default: the task's, if it has one)",
    )
    return length


def device_option(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--devices",
        metavar="D,...",
        help="devices that children run on, one at a time on each: cuda or cuda:0,cuda:1 for GPUs, "
        "cpu or cpu:0,cpu:2 for cores (default: every GPU, or every core if there is none)",
    )
    where.add_argument(
        "--sandbox",
        choices=["auto", "bwrap", "landlock", "none"],
        help="what keeps children from the rest of the machine; none trusts them (default auto: "
        "the strongest that works here)",
    )


def model_options(parser: argparse.ArgumentParser) -> None:
    models = parser.add_argument_group(
        "language models", "Without --model the offline operators work alone."
    )
    models.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME[:WEIGHT][@URL]",
        help="a model by litellm's name, such as anthropic/claude-sonnet-4-5, with its key in the "
        "environment, or openai/NAME@URL on a server of your own; repeat it for several: if their "
        "weights differ they are drawn by these, and if not (the default) what pays is learnt",
    )
    models.add_argument(
        "--api-base",
        metavar="URL",
        help="the server of every model on a server of your own (openai/..., hosted_vllm/..., "
        "ollama_chat/...) that has no @URL; hosted models are asked at their providers",
    )
    models.add_argument(
        "--context-tokens",
        type=count,
        metavar="N",
        help="tokens that a request has at most (default 30000)",
    )
    models.add_argument(
        "--price",
        action="append",
        dest="prices",
        metavar="[NAME=]IN:OUT",
        help="the price of a model, or of all models whose price is unknown, in dollars for a "
        "million tokens in and out; repeatable (default: what litellm knows)",
    )
    models.add_argument(
        "--max-cost",
        type=positive,
        metavar="USD",
        help="dollars that the models may take in all (default: no limit)",
    )
    models.add_argument(
        "--offline-after",
        type=positive,
        metavar="S",
        help="seconds without an answer from any model, after which the offline operators go on "
        "alone until one answers (default 60)",
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
