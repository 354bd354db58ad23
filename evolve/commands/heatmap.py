"""`python -m evolve heatmap`: the archive in the terminal, or as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from evolve.commands.archives import archive_of
from evolve.commands.console import new_console
from evolve.commands.options import new_parser, run_argument
from evolve.runs.run import look


def arguments() -> argparse.ArgumentParser:
    parser = new_parser("heatmap", "Draw the archive: its two axes, colour is the elite's fitness.")
    run_argument(parser)
    parser.add_argument(
        "-o",
        type=Path,
        dest="output",
        metavar="PNG",
        help="the picture to write (default: draw it in the terminal)",
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Draw the archive in the terminal, or as a picture."""
    run = look(options.name)
    archive, noise = archive_of(run)
    if options.output is None:
        from views.terminal import heatmap_text

        new_console().print(heatmap_text(archive, run.task.metric, noise=noise.deviation))
    else:
        from views.heatmap import heatmap, save  # matplotlib takes half a second

        reference = run.record.meta("reference")
        figure = heatmap(
            archive,
            metric=run.task.metric,
            title=run.folder.name,
            reference=reference,
            noise=noise.deviation,
        )
        save(figure, options.output)
        print(options.output)
    run.close()
    return 0
