"""`python -m evolve rebin`: the archive over other cells."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from archive import Axis, RunError
from archive.grid import MOST_CELLS, check_cells
from evolve.commands.archives import archive_of
from evolve.commands.options import new_parser, parse_bounds, run_argument
from evolve.options import parse_count
from evolve.runs.history import read_axes
from evolve.runs.pictures import draw
from evolve.runs.run import Run, open_run


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "rebin",
        "Divide the archive into other cells. All measures are kept as they were measured, so "
        "nothing is lost.",
    )
    run_argument(parser)
    parser.add_argument(
        "--cells",
        type=parse_count,
        metavar="N",
        help=f"number of cells on each axis (default: as it is); {MOST_CELLS:,} in all at most",
    )
    parser.add_argument(
        "--bounds",
        action="append",
        default=[],
        type=parse_bounds,
        metavar="AXIS=LOW:HIGH",
        help="bounds of an axis in its unit, such as size=1e5:4e6; repeatable (default: as they "
        "are)",
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Rebin the archive, store its axes, and draw its pictures."""
    with closing(open_run(options.name)) as run, run.folder.lock():
        axes = _choose_axes(run, options.cells, dict(options.bounds))
        before, noise = archive_of(run)
        try:
            archive = before.rebin(axes)
        except ValueError as error:
            raise RunError(f"the archive cannot be rebinned: {error}") from error
        bounds = [f"{name}={low!r}:{high!r}" for name, (low, high) in options.bounds]
        settings = replace(run.settings, bounds=(*run.settings.bounds, *bounds))  # they stay so
        run.record.set_meta(
            {"axes": [axis.to_dict() for axis in axes], "settings": settings.to_json()}
        )
        draw(run, archive, noise)
        print(
            f"{len(before)} of {before.cells} cells were filled, {len(archive)} of {archive.cells} "
            f"are now; see {run.folder.artifacts / 'heatmap.png'}"
        )
    return 0


def _choose_axes(
    run: Run, cells: int | None, bounds: Mapping[str, tuple[float, float]]
) -> list[Axis]:
    """The run's axes with another number of cells, and with other bounds by their names.

    Raises:
        RunError: There are no axes yet, a name is unknown, or they make no grid.
    """
    axes = read_axes(run.record)
    if axes is None:
        raise RunError(
            f"run {run.folder.name} has no axes yet: they are laid once its seed is measured; go "
            f"on with `python -m evolve resume {run.folder.name}`"
        )
    names = [axis.name for axis in axes]
    for name in bounds:
        if name not in names:
            raise RunError(f"there is no axis {name}; there are {' and '.join(names)}")
    try:
        if cells:
            check_cells([cells] * len(axes))
        return [_change(axis, cells, bounds) for axis in axes]
    except ValueError as error:
        raise RunError(f"the archive cannot be rebinned: {error}") from error


def _change(axis: Axis, cells: int | None, bounds: Mapping[str, tuple[float, float]]) -> Axis:
    low, high = bounds.get(axis.name, (axis.low, axis.high))
    return replace(axis, cells=cells or axis.cells, low=low, high=high)
