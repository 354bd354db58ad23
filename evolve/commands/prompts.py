"""`python -m evolve prompts`: what the language models were asked and answered, and took."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive.rows import ModelCall
from evolve.commands.console import new_console, printable
from evolve.commands.options import new_parser, run_argument
from evolve.run.history import LESSONS
from evolve.run.run import Run, find_individual, look


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "prompts",
        "Show what the language models were asked and answered. Without ID: the spend by operator "
        "and model, and the lessons so far.",
    )
    run_argument(parser)
    parser.add_argument("individual", nargs="?", metavar="ID", help="of an individual, or best")
    return parser


def command(options: argparse.Namespace) -> int:
    """Show the requests behind an individual, or the spend and the lessons of a run."""
    console = new_console()
    run = look(options.name)
    try:
        if options.individual is None:
            _print_spend(run, console)
            _print_lessons(run, console)
        else:
            _print_requests(run, find_individual(run, options.individual).id, console)
    finally:
        run.close()
    return 0


def _print_requests(run: Run, number: int, console: Console) -> None:
    rows = run.record.proposals(with_calls=False)
    row = next((row for row in rows if row.individual == number), None)
    calls = () if row is None else run.record.calls(row.number)
    if row is None or not calls:
        console.print(f"no language model was asked for genome {number}")
        return
    for count, call in enumerate(calls, 1):
        title = f"request {count} of {len(calls)} to {call.model} ({row.operator}), {_price(call)}"
        console.print(Text(title, "bold"))
        for message in json.loads(call.prompt):
            console.print(Text(f"\n-- {message['role']}", "bold"))
            console.print(Text(printable(message["content"])), soft_wrap=True)
        console.print(Text("\n-- reply", "bold"))
        reply = printable(call.reply) or f"(none: {call.error})"
        console.print(Text(reply), soft_wrap=True)
        console.print()


def _price(call: ModelCall) -> str:
    cost = "of unknown price" if call.cost is None else f"${call.cost:.4f}"
    out = f"{call.tokens_out} out" + (" (cut at its limit)" if call.cut else "")
    return f"{call.tokens_in} tokens in, {out}, {cost}, {call.seconds:.1f} s"


@dataclass
class _Sum:
    """What an operator did with a model."""

    proposals: int = 0
    children: int = 0
    elites: int = 0
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0


def _print_spend(run: Run, console: Console) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("operator", "model", "proposals", "children", "kept", "calls", "tokens"):
        table.add_column(column, no_wrap=True)
    for column in ("cost", "a kept one"):
        table.add_column(column, justify="right")
    for (operator, model), total in sorted(_sums(run).items()):
        table.add_row(
            *(operator, model or "-", str(total.proposals), str(total.children)),
            *(str(total.elites), str(total.calls), str(total.tokens)),
            _dollars(total.cost, total.unpriced),
            _dollars(total.cost / total.elites, total.unpriced) if total.elites else "-",
        )
    console.print(table)
    whole = run.record.spend()
    console.print(
        f"{whole.calls} requests, {whole.answered} answered, "
        f"{whole.tokens_in + whole.tokens_out} tokens, {_dollars(whole.cost, whole.unpriced)}"
    )


def _sums(run: Run) -> dict[tuple[str, str], _Sum]:
    """By operator and model: a proposal is that of the model that was drawn for it, a child and
    a request that of the one which answered."""
    kept = {e.individual for e in run.record.experiments() if e.kept}
    authors = {individual.id: individual.model for individual in run.individuals()}
    sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for row in run.record.proposals():
        sums[row.operator, row.model].proposals += 1
        if row.individual is not None:
            made = sums[row.operator, authors[row.individual]]
            made.children += 1
            made.elites += row.individual in kept
        for call in row.calls:
            asked = sums[row.operator, call.model]
            asked.calls += 1
            asked.tokens += call.tokens_in + call.tokens_out
            asked.cost += call.cost or 0.0
            asked.unpriced += call.cost is None and not call.error
    return sums


def _dollars(cost: float, unpriced: int) -> str:
    return f"${cost:.4f}" + (f" and {unpriced} of unknown price" if unpriced else "")


def _print_lessons(run: Run, console: Console) -> None:
    lessons = run.record.lessons()
    if lessons:
        _, children, text = lessons[-1]
        title = f"\nlessons after {children} children (version {len(lessons)}):"
        console.print(Text(title, "bold"))
        console.print(Text(printable(text)), soft_wrap=True)
    elif any(row.operator == LESSONS for row in run.record.proposals(with_calls=False)):
        console.print("\nno model has answered what the results teach")
