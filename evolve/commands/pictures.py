"""`python -m evolve pictures`: a run's still pictures as files."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from archive import RunError
from evolve.commands.options import new_parser, run_argument
from evolve.commands.output_file import check_output
from evolve.commands.run_view import view_run
from evolve.runs.run import open_run
from views.pictures import PICTURES

FORMATS = ("png", "svg", "pdf")


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "pictures",
        "Write pictures of a run as files, for a paper, a page or a talk: "
        + "; ".join(f"{name}: {picture.about}" for name, picture in PICTURES.items())
        + ". `compare` draws several runs.",
    )
    run_argument(parser)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(PICTURES),
        metavar="NAME,...",
        help=f"pictures to write: {', '.join(PICTURES)} (default: all)",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="format (default: %(default)s)"
    )
    parser.add_argument(
        "-o",
        type=Path,
        dest="output",
        metavar="DIR",
        help="folder to write into (default: artifacts in the run's folder)",
    )
    parser.add_argument("--force", action="store_true", help="replace files in DIR that exist")
    return parser


def command(options: argparse.Namespace) -> int:
    """Write pictures of a run."""
    names: list[str] = options.only
    for name in names:
        if name not in PICTURES:
            raise RunError(f"there is no picture {name}; there are {', '.join(PICTURES)}")
    with closing(open_run(options.name)) as run:
        folder: Path = options.output or run.folder.artifacts
        paths = {name: folder / f"{name}.{options.format}" for name in names}
        for path in paths.values():
            check_output(path, force=options.force or options.output is None)
        from views import save_figure  # matplotlib takes half a second

        view = view_run(run)
        for name, path in paths.items():
            save_figure(PICTURES[name].draw(view), path)
            print(path, flush=True)
    return 0
