"""`python -m evolve status`: one screen on a run: what runs, how good it is, what is left."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archive import RUNS, RunError
from archive.comparison import NOT_CONFIRMED
from evolve.commands.console import new_console, printable, score_words
from evolve.commands.json_output import describe_run, json_option, print_json
from evolve.commands.options import new_parser
from evolve.commands.run_state import read_confirmation, read_state
from evolve.commands.running import list_idle, list_running
from evolve.models.outages import summarise_outages
from evolve.runs.history import view_search
from evolve.runs.run import Run, open_run
from evolve.search.search import Search
from population.formatting import format_count, format_dollars, format_duration
from population.invocation import write_command
from views.running import RunningChild, estimate_left

EVENTS = 3  # latest ones shown
BAR = 40  # columns of the bar at most


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "status",
        "Show how a run stands: what runs now, how good the best is, what is left. Without RUN: "
        "the run that was worked on last.",
    )
    parser.add_argument("name", nargs="?", metavar="RUN", help="the run, or its folder")
    json_option(parser)
    return parser


def command(options: argparse.Namespace) -> int:
    """Show how a run stands."""
    with closing(open_run(options.name or find_latest_run())) as run:
        search = view_search(run)
        if options.json:
            print_json(describe_status(run, search))
        else:
            _print(run, search, new_console())
    return 0


def find_latest_run() -> str:
    """The folder of the run that was written last.

    Raises:
        RunError: There is no run.
    """
    databases = list(RUNS.glob("*/archive.db"))
    if not databases:
        raise RunError(f"there are no runs in {RUNS.resolve()}; begin one: {write_command()}")

    def changed(path: Path) -> float:
        journal = path.with_name("archive.db-wal")
        return max(one.stat().st_mtime for one in (path, journal) if one.exists())

    return str(max(databases, key=changed).parent)


def _estimate_left(run: Run, search: Search) -> float | None:
    ended = sum(1 for one in search.individuals.values() if one.parents and one.measurements)
    return estimate_left(ended, run.settings.total_children, read_state(run).seconds)


def describe_status(run: Run, search: Search) -> dict[str, Any]:
    """How a run stands, for JSON."""
    return {
        **describe_run(run, search),
        "seconds_left": _estimate_left(run, search),
        "running": [asdict(child) for child in list_running(run)],
        "idle": list_idle(run),
        "events": [event._asdict() for event in run.record.events()[-EVENTS:]],
    }


def _print(run: Run, search: Search, console: Console) -> None:
    state, metric = read_state(run), run.task.metric
    title = Text(run.folder.name, "bold")
    title.append(f"  {run.task.name}, {run.settings.strategy}: ", "default")
    title.append(state.words, "green" if state.words in ("running", "finished") else "yellow")
    title.append(f", {format_duration(state.seconds)} of work", "default")
    console.print(title)
    _print_progress(run, search, console)
    best = search.champion
    if best is not None:
        comparison = read_confirmation(run, search)
        words = f"{metric} {score_words(best, search.noise)}, {NOT_CONFIRMED}"
        result = words if comparison is None else comparison.text(metric)
        console.print(Text(f"best: #{best.id} {printable(best.description)}"), soft_wrap=True)
        console.print(Text(f"      {result}"), soft_wrap=True)
    _print_running(run, console)
    events = run.record.events()[-EVENTS:]
    for event in events:
        when = time.strftime("%H:%M:%S", time.localtime(event.time))
        first = printable(event.text).partition("\n")[0]
        line = Text(f"{when} {printable(event.kind)}: {first}", "dim")
        console.print(line, no_wrap=True, overflow="ellipsis")


def _print_progress(run: Run, search: Search, console: Console) -> None:
    children = [one for one in search.individuals.values() if one.parents and one.measurements]
    total, failed = run.settings.total_children, sum(not one.scored for one in children)
    row = Table.grid(padding=(0, 1))
    width = max(min(BAR, console.width - 40), 10)
    left = _estimate_left(run, search)
    words = f"{len(children)} of {total} children"
    if left:
        words += f", about {format_duration(left)} of work left"
    row.add_row(ProgressBar(total=max(total, 1), completed=len(children), width=width), words)
    console.print(row)
    facts = [f"{failed} failed"]
    if search.archive is not None:
        facts.append(f"{len(search.archive)} of {search.archive.cells} cells filled")
    spend = run.record.spend()
    if spend.calls:
        cap = run.settings.max_cost
        of = "" if cap is None else f" of {format_dollars(cap)}"
        who = "models and agents" if run.settings.agents else "models"
        facts.append(
            f"{who} {format_dollars(spend.cost)}{of} in {format_count(spend.calls, 'request')}"
        )
    console.print(Text(", ".join(facts)), soft_wrap=True)
    if outages := summarise_outages(run.record.events(), time.time()).describe():
        console.print(Text(outages, "yellow"), soft_wrap=True)


def _print_running(run: Run, console: Console) -> None:
    children, idle = list(list_running(run)), list_idle(run)
    if children:
        _print_children(children, console)
    for line in idle:
        console.print(Text(f"idle: {printable(line)}", "yellow"), soft_wrap=True)


def _print_children(children: Sequence[RunningChild], console: Console) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("running", no_wrap=True)
    table.add_column("for", no_wrap=True)
    devices = any(child.device for child in children)
    if devices:
        table.add_column("on", no_wrap=True)
    table.add_column("its last line", no_wrap=True, overflow="ellipsis")
    for child in children:
        row = [f"#{child.label}", format_duration(child.seconds)]
        row += [printable(child.device)] if devices else []
        table.add_row(*row, Text(printable(child.line)))
    console.print(table)
