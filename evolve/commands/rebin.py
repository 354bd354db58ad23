"""`python -m evolve rebin`: the archive cut into other cells."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

from archive import Axis
from archive.run_folder import RunError
from evolve.commands.archives import archive_of
from evolve.commands.options import bounds, count, new_parser, run_argument
from evolve.runs.pictures import draw
from evolve.runs.run import look


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "rebin", "Cut the archive anew. All measures are kept raw, so nothing is lost."
    )
    run_argument(parser)
    parser.add_argument(
        "--cells", type=count, metavar="N", help="cells on each axis (default: as they are)"
    )
    parser.add_argument(
        "--bounds",
        action="append",
        default=[],
        type=bounds,
        metavar="AXIS=LOW:HIGH",
        help="bounds of an axis in its unit, such as size=1e5:4e6; repeatable (default: as they "
        "are)",
    )
    return parser


def command(options: argparse.Namespace) -> int:
    """Cut the archive anew, store its axes, draw its pictures."""

    cells, bounds_of = options.cells, dict(options.bounds)
    run = look(options.name)
    with run.folder.lock():
        before, noise = archive_of(run)
        names = [axis.name for axis in before.axes]
        for axis_name in bounds_of:
            if axis_name not in names:
                raise RunError(f"there is no axis {axis_name}; there are {' and '.join(names)}")
        try:
            first, second = (_rebinned(axis, cells, bounds_of) for axis in before.axes)
        except ValueError as error:
            raise RunError(f"the archive cannot be cut so: {error}") from error
        archive = before.rebin((first, second))
        run.record.set_meta({"axes": [axis.to_dict() for axis in archive.axes]})
        draw(run, archive, noise.deviation)
    print(
        f"{len(before)} of {before.cells} cells were filled, {len(archive)} of {archive.cells} are "
        f"now; see {run.folder.artifacts / 'heatmap.png'}"
    )
    run.close()
    return 0


def _rebinned(axis: Axis, cells: int | None, bounds: Mapping[str, tuple[float, float]]) -> Axis:
    low, high = bounds.get(axis.name, (axis.low, axis.high))
    return replace(axis, cells=cells or axis.cells, low=low, high=high)
