"""Tasks with one, three and more axes, from program.md to a finished run and what shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

AXES = {
    "size": '[[axes]]\nname = "size"\nmeasure = "size"\nunit = "units"\n',
    "speed": '[[axes]]\nname = "speed"\nlabel = "pace"\nmeasure = "work / seconds"\n',
    "depth": '[[axes]]\nname = "depth"\nmeasure = "depth"\nscale = "linear"\nbounds = [0, 12]\n'
    'better = "lower"\n',
}
CELLS = {1: 16, 2: 4, 3: 3}  # on each axis, by the number of axes, for the ten children of a run


@pytest.fixture(scope="module")
def instant(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """instant.py."""
    return load(Path(__file__).parents[1] / "instant.py", "instant_axes")


@pytest.fixture(scope="module", params=[("depth",), ("size", "speed", "depth")], ids=len)
def finished(
    request: pytest.FixtureRequest, instant: ModuleType, make_place: Callable[[], Any]
) -> tuple[Any, tuple[str, ...]]:
    """A place whose task has these axes, with a run `a` that is finished; and the axes' names."""
    place, names = make_place(), request.param
    program = place.task_folder / "program.md"
    head, _, rest = program.read_text().partition("[[axes]]")
    axes = "\n".join(AXES[name] for name in names)
    program.write_text(f"{head}{axes}+++{rest.rpartition('+++')[2]}")
    ended = instant.forked(lambda: instant.work(place, "a", 3, 2))
    assert ended.value["end"] == "all generations are done"
    return place, names


def stored_axes(place: Any) -> list[dict[str, Any]]:
    ((text,),) = place.rows("a", "SELECT value FROM meta WHERE key = 'axes'")
    axes: list[dict[str, Any]] = json.loads(text)
    return axes


def test_the_archive_has_the_tasks_axes(finished: tuple[Any, tuple[str, ...]]) -> None:
    place, names = finished
    axes = stored_axes(place)
    assert [axis["name"] for axis in axes] == list(names)
    assert [axis["cells"] for axis in axes] == [CELLS[len(names)]] * len(names)
    assert place.count("a", "individuals WHERE parents != '[]'") == 10
    assert all(row[name] for row in place.results("a") if row["score"] for name in names)


def test_every_command_shows_it(finished: tuple[Any, tuple[str, ...]]) -> None:
    place, names = finished
    total = CELLS[len(names)] ** len(names)
    assert f"of {total}" in place.evolve("list").stdout
    elites = place.evolve("list", "a").stdout
    assert all(heading in elites for heading in ("depth", "cell"))
    shown = place.evolve("show", "a").stdout
    assert "depth: " in shown
    drawn = place.evolve("heatmap", "a")
    assert f"of {total} cells filled" in drawn.stdout, drawn.stderr
    assert ("the best over depth shown" in drawn.stdout) == (len(names) > 2)
    strip = place.evolve("heatmap", "a", "--axes", "depth")
    assert strip.stdout.startswith("depth\n")
    assert place.evolve("replay", "a").returncode == 0


def test_pictures_show_it(finished: tuple[Any, tuple[str, ...]]) -> None:
    place, names = finished
    for number, axes in enumerate([[], ["--axes", names[-1]], ["--axes", ",".join(names[-2:])]]):
        done = place.evolve("heatmap", "a", *axes, "-o", f"map{number}.png")
        assert done.returncode == 0, done.stderr
        assert (place.folder / f"map{number}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("axes", ["weight", "depth,depth", "size,speed,depth", ""])
def test_axes_that_are_not_there_are_refused(
    finished: tuple[Any, tuple[str, ...]], axes: str
) -> None:
    place, names = finished
    done = place.evolve("heatmap", "a", "--axes", axes)
    assert done.returncode == 2
    assert f"one or two of the axes {', '.join(names)}, not {', '.join(axes.split(','))}" in (
        done.stderr
    )


def test_it_is_rebinned(finished: tuple[Any, tuple[str, ...]]) -> None:
    place, names = finished
    before = place.rows("a", "SELECT * FROM measurements")
    refused = place.evolve("rebin", "a", "--cells", "70" if len(names) > 1 else "5000")
    assert refused.returncode == 2
    assert "cells are too many" in refused.stderr
    done = place.evolve("rebin", "a", "--cells", "2", "--bounds", "depth=1:9")
    assert done.returncode == 0, done.stderr
    assert f"of {2 ** len(names)} are now" in done.stdout
    assert [axis["cells"] for axis in stored_axes(place)] == [2] * len(names)
    assert (stored_axes(place)[-1]["low"], stored_axes(place)[-1]["high"]) == (1, 9)
    assert place.rows("a", "SELECT * FROM measurements") == before
    assert (place.run("a") / "artifacts" / "progress.png").exists()
