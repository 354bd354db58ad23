"""`python -m evolve heatmap`: the archive in the terminal, or as a picture."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from archive import RunError
from archive.comparison import read_comparison
from evolve.commands.archives import archive_of
from evolve.commands.console import new_console
from evolve.commands.options import new_parser, run_argument
from evolve.commands.output_file import check_output, output_option
from evolve.runs.run import Run, open_run


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "heatmap",
        "Draw the archive on two of its axes, or on one: each cell has the colour of its elite's "
        "fitness. Where the archive has more axes, the fittest over the others is shown.",
    )
    run_argument(parser)
    parser.add_argument(
        "--axes",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAME,NAME",
        help="axes to show, the one across first (default: the first two of the task)",
    )
    output_option(
        parser, "FILE", "picture to write, as .png, .svg or .pdf (default: draw in the terminal)"
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Draw the archive in the terminal, or as a picture."""
    with closing(open_run(options.name)) as run:
        try:
            if options.output is None:
                _print(run, options.axes)
            else:
                _write(run, options.axes, options.output, force=options.force)
        except ValueError as error:
            raise RunError(str(error)) from error
    return 0


def _print(run: Run, axes: list[str]) -> None:
    from views import render_heatmap

    archive, noise = archive_of(run)
    comparison = read_comparison(run.record, run.task.direction)
    picture = render_heatmap(
        archive,
        run.task.metric,
        noise=noise,
        comparison=comparison,
        axes=axes,
        targets=run.record.targets(),
    )
    new_console().print(picture)


def _write(run: Run, axes: list[str], path: Path, *, force: bool) -> None:
    from views import check_format, draw_heatmap, save_figure  # matplotlib takes half a second

    check_format(path)
    check_output(path, force=force)
    archive, noise = archive_of(run)
    figure = draw_heatmap(
        archive,
        metric=run.task.metric,
        title=run.folder.name,
        reference=run.record.meta("reference"),
        noise=noise,
        comparison=read_comparison(run.record, run.task.direction),
        axes=axes,
        targets=run.record.targets(),
    )
    save_figure(figure, path)
    print(path)
