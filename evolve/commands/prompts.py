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
from archive.run_folder import RunError
from evolve.commands.console import new_console, printable
from evolve.commands.options import new_parser, run_argument
from evolve.runs.history import LESSONS, NOTES
from evolve.runs.run import Run, find_individual, open_run
from population.formatting import format_count


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "prompts",
        "Show what the language models were asked and answered. With nothing but RUN: the spend by "
        "operator and model, and the latest lessons.",
    )
    run_argument(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "which",
        nargs="?",
        metavar="ID",
        help="a genome's number, or best: every request behind it; pN: those of proposal N, which "
        "may have been refused",
    )
    what.add_argument(
        "--refused",
        action="store_true",
        help="list the proposals that gave no child, each with its reason",
    )
    what.add_argument(
        "--lessons", action="store_true", help="show every version of the lessons, and the notes"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Show requests, refusals, lessons, or the spend of a run."""
    console = new_console()
    run = open_run(options.name)
    try:
        if options.refused:
            _print_refused(run, console)
        elif options.lessons:
            _print_all_lessons(run, console)
        elif options.which is None:
            _print_spend(run, console)
            _print_lessons(run, console)
        else:
            _print_requests(run, options.which, console)
    finally:
        run.close()
    return 0


def _print_requests(run: Run, which: str, console: Console) -> None:
    rows = run.record.proposals(with_calls=False)
    if which[:1] == "p" and which[1:].isdecimal():
        row = next((row for row in rows if row.number == int(which[1:])), None)
        if row is None:
            raise RunError(f"run {run.folder.name} has no proposal {which}; there are {len(rows)}")
        about = f"proposal {row.number}"
    else:
        number = find_individual(run, which).id
        row = next((row for row in rows if row.individual == number), None)
        about = f"genome {number}"
    calls = () if row is None else run.record.calls(row.number)
    if row is None or not calls:
        console.print(f"no language model was asked for {about}")
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
    if row.reason and row.ended:
        console.print(Text(f"refused: {printable(row.reason)}", "bold"), soft_wrap=True)


def _print_refused(run: Run, console: Console) -> None:
    """Every proposal without a child, so that `pN` can show what was asked and answered."""
    rows = [row for row in run.record.proposals(with_calls=False) if row.reason and row.ended]
    if not rows:
        console.print("no proposal was refused")
        return
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("proposal", "operator", "model"):
        table.add_column(column, no_wrap=True)
    table.add_column("reason", overflow="fold")
    for row in rows:
        table.add_row(f"p{row.number}", row.operator, row.model or "-", printable(row.reason))
    console.print(table)


def _print_all_lessons(run: Run, console: Console) -> None:
    lessons, notes = run.record.lessons(), run.record.meta(NOTES, "")
    for version, (_, children, text) in enumerate(lessons, 1):
        console.print(
            Text(
                f"lessons after {format_count(children, 'child', 'children')} (version {version}):",
                "bold",
            )
        )
        console.print(Text(printable(text) + "\n"), soft_wrap=True)
    if notes:
        console.print(Text("notes from the sources:", "bold"))
        console.print(Text(printable(notes)), soft_wrap=True)
    if not (lessons or notes):
        console.print("there are no lessons yet, and no notes")


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
    """Sums by operator and model.

    A proposal counts for the model that was drawn, a child and a request for the one that answered.
    """
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
        after = format_count(children, "child", "children")
        title = f"\nlessons after {after} (version {len(lessons)}):"
        console.print(Text(title, "bold"))
        console.print(Text(printable(text)), soft_wrap=True)
    elif any(row.operator == LESSONS for row in run.record.proposals(with_calls=False)):
        console.print("\nno model has answered what the results teach")
