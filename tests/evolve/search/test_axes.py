"""The archive's axes: laid around a seed, refitted to what is found, the same in a replay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import Archive, Axis
from evolve.search.axes import (
    FEWEST,
    OUTSIDE,
    axes_around,
    find_movable_axes,
    read_bounds,
    refit_axes,
)
from population import Direction, Individual, Measurement, Status
from trainer.axes import AxisSpec
from trainer.formula import Formula

SIZE = Axis("size", "size", "", 100.0, 1600.0, 6, log=True)
SPEED = Axis("speed", "speed", "", 0.0, 10.0, 6, log=False)


def spec(name: str, bounds: tuple[float, float] | None = None) -> AxisSpec:
    return AxisSpec(name, Formula.parse("x"), name, "", True, (0.5, 4.0), bounds, None)


def one(number: int, size: float, speed: float = 5.0) -> Individual:
    measurement = Measurement(Status.OK, 1.0, {"size": size, "speed": speed}, 1.0)
    return Individual(number, "c", (), "x", "", 1, Direction.MINIMIZE, (measurement,))


def spread(count: int, low: float, high: float) -> list[Individual]:
    """Individuals whose sizes are evenly spread over a range, on the axis' scale."""
    return [one(i, low * (high / low) ** (i / (count - 1))) for i in range(count)]


def test_axes_that_fit_stay() -> None:
    assert refit_axes([SIZE], spread(40, 110, 1500), [], ["size"]) is None


def test_an_axis_is_widened_to_where_more_than_a_tenth_is() -> None:
    found = spread(40, 10, 1500)
    axes = refit_axes([SIZE], found, [found[0]], ["size"])
    assert axes is not None
    assert axes[0].low < 10
    assert axes[0].high < 2 * SIZE.high
    assert (axes[0].cells, axes[0].log, axes[0].name) == (6, True, "size")
    archive = Archive([SIZE])
    for individual in found:
        archive.add(individual)
    assert archive.rebin(axes).individuals == archive.individuals, "nothing is lost"
    small = found[0], found[15]
    assert len({archive.cell_of(one) for one in small}) == 1
    assert len({archive.rebin(axes).cell_of(one) for one in small}) == 2, "told apart now"


def test_an_axis_of_which_less_than_half_is_used_is_narrowed() -> None:
    axes = refit_axes([SIZE], spread(40, 300, 500), [], ["size"])
    assert axes is not None
    assert 250 < axes[0].low < 300
    assert 500 < axes[0].high < 600


def test_the_best_is_inside_even_if_it_is_alone_out_there() -> None:
    found = [*spread(40, 20, 500), one(40, 5000.0)]
    axes = refit_axes([SIZE], found, [found[-1]], ["size"])
    assert axes is not None
    assert axes[0].low <= 5000 < axes[0].high


def test_axes_that_somebody_fixed_and_archives_of_a_few_stay() -> None:
    found = spread(40, 1, 10)
    assert refit_axes([SIZE], found, [], []) is None
    assert refit_axes([SIZE], found[: FEWEST - 1], [], ["size"]) is None
    assert refit_axes([SIZE], [one(i, 5.0) for i in range(40)], [], ["size"]) is None


positive = st.floats(1e-3, 1e6)


@given(st.lists(st.tuples(positive, st.floats(-1e3, 1e3)), min_size=FEWEST, max_size=60))
def test_refitted_axes_hold_what_was_found_and_fit(values: list[tuple[float, float]]) -> None:
    found = [one(i, *pair) for i, pair in enumerate(values)]
    axes = refit_axes([SIZE, SPEED], found, found[:1], ["size", "speed"])
    for axis in axes or ():
        if axis not in (SIZE, SPEED):
            low = sum(i.measures[axis.name] < axis.low for i in found)
            high = sum(i.measures[axis.name] >= axis.high for i in found)
            assert max(low, high) <= OUTSIDE * len(found)
            assert axis.low <= found[0].measures[axis.name] < axis.high


def test_bounds_of_the_user_replace_the_tasks_and_stay() -> None:
    specs = [spec("size"), spec("speed", bounds=(1.0, 2.0)), spec("depth")]
    bounds = read_bounds(["size=3:9"], ["size", "speed", "depth"])
    axes = axes_around(specs, {"size": 8.0, "speed": 8.0, "depth": 8.0}, 3, bounds)
    assert [(axis.low, axis.high) for axis in axes] == [(3, 9), (1, 2), (4, 32)]
    assert find_movable_axes(specs, ["size=3:9"]) == {"depth"}
    assert find_movable_axes(specs, ["fixed"]) == frozenset()


@pytest.mark.parametrize("text", ["size", "size=1", "size=a:b", "sise=1:2", ""])
def test_bounds_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not AXIS=LOW:HIGH|there is no axis"):
        read_bounds([text], ["size", "speed"])


def test_a_run_refits_its_axes_says_so_and_takes_the_same_decisions_again(place: Any) -> None:
    program = place.task_folder / "program.md"
    narrow = program.read_text().replace(
        'measure = "size"\n', 'measure = "size"\naround = [0.95, 1.05]\n'
    )
    program.write_text(narrow)
    options = ("--task", "toy", "--generations", "6", "--sandbox", "none", "--budget", "0.02")
    run = place.evolve("--run", "one", "--operators", "perturb:1,recombine:1", *options)
    assert run.returncode == 0, run.stderr
    assert "the archive follows what was found: size" in run.stdout
    assert place.count("one", "events WHERE kind = 'axes'") > 0
    assert place.evolve("replay", "one").returncode == 0
    kept = place.evolve("--run", "two", "--bounds", "fixed", *options)
    assert "the archive follows" not in kept.stdout
    assert place.count("two", "events WHERE kind = 'axes'") == 0


def test_an_unknown_axis_is_refused_before_a_run_is_made(place: Any) -> None:
    done = place.evolve("--task", "toy", "--run", "one", "--bounds", "depth=1:2")
    assert done.returncode == 2
    assert "--bounds: there is no axis depth; there are size and speed" in done.stderr
    assert not place.run("one").exists()


def test_old_settings_keep_their_axes() -> None:
    from evolve.settings import Settings

    old = Settings("x").to_json()
    del old["bounds"]
    assert Settings.from_json(old) == replace(Settings("x"), bounds=("fixed",))


def labelled(name: str, *, log: bool = True, bounds: tuple[float, float] | None = None) -> AxisSpec:
    return AxisSpec(name, Formula.parse("x"), name.upper(), "units", log, (0.5, 4.0), bounds, None)


def test_axes_lie_around_what_the_seed_measured_or_within_the_bounds_of_the_task() -> None:
    axes = axes_around(
        [labelled("size"), labelled("speed", log=False, bounds=(-5, 5))],
        {"size": 8.0, "speed": 99.0},
        6,
    )
    assert axes == (
        Axis("size", "SIZE", "units", 4.0, 32.0, 6, log=True),
        Axis("speed", "SPEED", "units", -5, 5, 6, log=False),
    )


@pytest.mark.parametrize("measured", [0.0, -1.0])
def test_around_nothing_there_is_no_axis(measured: float) -> None:
    with pytest.raises(ValueError, match=r"axis `speed` has no bounds around -?\d; give"):
        axes_around([labelled("size"), labelled("speed")], {"size": 8.0, "speed": measured}, 6)
