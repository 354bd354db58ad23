"""`python -m evolve report`: one HTML file that shows everything about a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from archive import RecordError, RunError, RunFolder
from archive.files import replace_file
from evolve.commands.options import new_parser, run_argument
from evolve.commands.output_file import check_output, output_option
from evolve.commands.run_view import view_run
from evolve.runs.run import open_run
from population.errors import UserError
from views.pictures import PICTURES

NAME = "report.html"  # in the run's artifacts
STILLS = ("progress", "lineage", "operators", "curves")  # the archive is a picture without scripts
FEW = 300  # genomes, below which a report takes a moment and shows no progress


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "report",
        "Write one HTML file that shows everything about a run: its result, its archive, progress, "
        "family tree, and of each genome source, changes, runs, learning curves, requests and "
        "logs. It opens from disk in any browser, needs no network and sends nothing.",
    )
    run_argument(parser)
    output_option(parser, "FILE", f"page to write (default: artifacts/{NAME} in the run's folder)")
    return parser


def command(options: argparse.Namespace) -> int:
    """Write the report of a run."""
    from views.report import render_damaged, render_report  # Jinja2 and Pygments, only here

    folder = RunFolder.existing(options.name)
    path: Path = options.output or folder.artifacts / NAME
    check_output(path, force=options.force or options.output is None)
    try:
        with closing(open_run(options.name)) as run, _show_progress() as progress:
            view = view_run(run)
            stills = {one.about: one.draw(view) for one in map(PICTURES.__getitem__, STILLS)}
            page, problem = render_report(view, progress, stills), None
    except (RecordError, UserError) as error:
        page, problem = render_damaged(folder.name, str(error)), error
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
    print(f"{path} ({_describe_size(len(page.encode()))})")
    if problem is not None:
        raise RunError(str(problem)) from problem
    return 0


@contextmanager
def _show_progress() -> Iterator[Callable[[int, int], None]]:
    """A function that shows how many genomes of how many are ready; a terminal alone sees it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("packing genomes"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", visible=False)
        yield lambda done, total: bar.update(
            task, completed=done, total=total, visible=total >= FEW
        )


def _describe_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
