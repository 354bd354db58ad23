import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import AddStatus, Archive, Axis, Cell, default_cells
from archive.grid import check_cells
from population import Direction, Individual, Measurement, Status

SIZE = Axis("size", "model size", "parameters", 1e5, 1.6e6, 4, log=True)
SPEED = Axis("speed", "throughput", "tokens/s", 1e3, 8e3, 3, log=True)
AXES = SIZE, SPEED
NEW, IMPROVED, NOT_ADDED = AddStatus.NEW, AddStatus.IMPROVE_EXISTING, AddStatus.NOT_ADDED


def run(fitness: float, size: float = 1.5e5, speed: float = 1.5e3) -> Measurement:
    return Measurement(Status.OK, fitness, {"size": size, "speed": speed}, 5.0)


def one(number: int, *runs: Measurement, direction: Direction = Direction.MINIMIZE) -> Individual:
    return Individual(number, f"c{number}", (), "tweak", "", 0, direction, runs)


def test_the_fittest_holds_the_cell() -> None:
    archive = Archive(AXES)
    assert archive.add(one(0, run(2.5))) is NEW
    assert archive.add(one(1, run(2.6))) is NOT_ADDED
    assert archive.add(one(2, run(2.4))) is IMPROVED
    assert archive.add(one(3, run(2.9, size=1.5e6))) is NEW
    assert [elite.id for elite in archive.elites] == [elite.id for elite in archive] == [2, 3]
    assert [member.id for member in archive.members((0, 0))] == [2, 0, 1]
    assert [individual.id for individual in archive.individuals] == [0, 1, 2, 3]
    assert archive.elite_of((3, 0)) == one(3, run(2.9, size=1.5e6))
    assert archive.elite_of((1, 1)) is None
    assert archive.members((1, 1)) == []
    assert archive.best is archive.elite_of((0, 0))
    assert len(archive) == 2


def test_a_maximised_metric_keeps_the_highest() -> None:
    archive = Archive(AXES)
    for number, fitness in enumerate((1.0, 3.0, 2.0)):
        archive.add(one(number, run(fitness), direction=Direction.MAXIMIZE))
    assert archive.best is not None
    assert (archive.best.id, archive.direction) == (1, Direction.MAXIMIZE)
    assert archive.qd_score(reference=2.5) == pytest.approx(0.5)


def test_of_equals_the_older_stays_whatever_the_order() -> None:
    for order in ((0, 1), (1, 0)):
        archive = Archive(AXES)
        for number in order:
            archive.add(one(number, run(2.5)))
        assert archive.best is not None
        assert archive.best.id == 0


def test_a_lucky_elite_becomes_a_runner_up() -> None:
    archive, lucky = Archive(AXES), one(1, run(2.0))
    archive.add(one(0, run(2.5)))
    assert archive.add(lucky) is IMPROVED
    assert archive.add(lucky.measured(run(3.2))) is NOT_ADDED
    assert [member.id for member in archive.members((0, 0))] == [0, 1]
    assert len(archive.individuals) == 2
    assert archive.best is not None
    assert archive.best.id == 0


def test_a_confirmed_elite_takes_nothing_anew() -> None:
    archive, elite = Archive(AXES), one(0, run(2.5))
    archive.add(elite)
    assert archive.add(elite.measured(run(2.3))) is NOT_ADDED
    assert archive.elites[0].objective == pytest.approx(2.4)


def test_a_repeat_may_promote_a_runner_up() -> None:
    archive, unlucky = Archive(AXES), one(1, run(2.6))
    archive.add(one(0, run(2.5)))
    archive.add(unlucky)
    assert archive.add(unlucky.measured(run(2.2))) is IMPROVED


def test_a_repeat_may_move_an_elite_to_another_cell() -> None:
    archive, mover = Archive(AXES), one(1, run(2.0, speed=1.9e3))
    archive.add(one(0, run(2.5)))
    archive.add(mover)
    assert archive.add(mover.measured(run(2.0, speed=3.5e3))) is NEW
    assert [elite.id for elite in archive] == [0, 1]
    assert [archive.cell_of(elite) for elite in archive] == [(0, 0), (0, 1)]
    assert archive.add(one(2, run(2.1, speed=3e3))) is NOT_ADDED


def test_the_last_one_to_leave_empties_the_cell() -> None:
    archive, mover = Archive(AXES), one(0, run(2.0))
    archive.add(mover)
    archive.add(mover.measured(run(2.0, size=9e6)))
    assert archive.elite_of((0, 0)) is None
    assert len(archive) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (one(7), "individual 7 has no score"),
        (one(7, Measurement(Status.OOM, None, {}, 1.0)), "individual 7 has no score"),
        (one(7, run(2.0, size=0.0)), "individual 7: model size should be a finite number above 0"),
        (one(7, run(2.0, speed=math.nan)), "individual 7: throughput should be a finite number"),
        (one(7, Measurement(Status.OK, 2.0, {"size": 2e5}, 1.0)), "has no measure 'speed'"),
        (one(7, run(2.0), direction=Direction.MAXIMIZE), "individuals to minimize"),
    ],
)
def test_a_refused_individual_leaves_no_trace(wrong: Individual, message: str) -> None:
    archive = Archive(AXES)
    archive.add(one(0, run(2.5)))
    with pytest.raises(ValueError, match=message):
        archive.add(wrong)
    assert [individual.id for individual in archive.individuals] == [0]


def test_a_refused_revision_leaves_the_old_version() -> None:
    archive, good = Archive(AXES), one(0, run(2.5))
    archive.add(good)
    with pytest.raises(ValueError, match="model size"):
        archive.add(replace(good, measurements=(run(2.4, size=-1.0),)))
    assert archive.elites == [good]


def test_each_axis_has_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="two of the archive's axes are called `size`"):
        Archive((SIZE, SPEED, SIZE))
    with pytest.raises(ValueError, match="at least one axis"):
        Archive(())


def test_one_axis_makes_a_grid() -> None:
    archive = Archive([SIZE])
    for number, size in enumerate((1.5e5, 1.6e5, 9e5)):
        archive.add(one(number, run(2.5 - number / 10, size)))
    assert (archive.dims, archive.cells, len(archive)) == ((4,), 4, 2)
    assert [archive.cell_of(elite) for elite in archive] == [(0,), (3,)]
    assert archive.neighbours((0,)) == [(1,)]
    assert archive.neighbours((2,)) == [(1,), (3,)]


def test_neighbours_touch_the_cell_on_any_number_of_axes() -> None:
    archive = Archive([replace(SIZE, name=name, cells=4) for name in "abc"])
    inner = archive.neighbours((1, 2, 2))
    assert len(inner) == len(set(inner)) == 26
    assert inner == sorted(inner)
    assert all(max(abs(a - b) for a, b in zip(c, (1, 2, 2), strict=True)) == 1 for c in inner)
    assert len(archive.neighbours((0, 0, 3))) == 7


def test_fewer_axes_show_the_fittest_over_the_others() -> None:
    archive = Archive(AXES)
    for number, point in enumerate([(2.5, 1.5e5, 1.5e3), (2.4, 1.5e5, 7e3), (2.3, 9e5, 7e3)]):
        archive.add(one(number, run(*point)))
    assert [elite.id for elite in archive.rebin([SIZE])] == [1, 2]
    assert [elite.id for elite in archive.rebin([SPEED])] == [0, 2]


def test_stats() -> None:
    archive = Archive(AXES)
    empty = archive.stats(reference=2.5)
    assert (empty.num_elites, empty.coverage, empty.qd_score) == (0, 0.0, 0.0)
    assert (empty.obj_best, empty.obj_mean) == (None, None)
    archive.add(one(0, run(2.3)))
    archive.add(one(1, run(2.6, size=1.5e6)))
    archive.add(one(2, run(9.9, size=1.5e6)))  # a runner-up counts for nothing
    stats = archive.stats(reference=2.5)
    assert stats.num_elites == 2
    assert stats.coverage == archive.coverage == pytest.approx(2 / 12)
    assert stats.qd_score == archive.qd_score(2.5) == pytest.approx(0.2)
    assert stats.norm_qd_score == pytest.approx(0.2 / 12)
    assert stats.obj_best == pytest.approx(2.3)
    assert stats.obj_mean == pytest.approx(2.45)


def test_pareto_front_of_fitness_size_and_speed() -> None:
    archive = Archive(AXES)
    for number, point in enumerate(
        [
            (2.0, 8e5, 2e3),
            (2.5, 2e5, 2e3),  # smaller than 0
            (2.4, 8e5, 5e3),  # faster than 0
            (2.4, 9e5, 4e3),  # 2 is better in everything
            (2.5, 2e5, 2e3),  # the same as 1
            (2.0, 9e5, 2e3),  # 0 is smaller
        ]
    ):
        archive.add(one(number, run(*point)))
    goals = {"size": Direction.MINIMIZE, "speed": Direction.MAXIMIZE}
    assert [individual.id for individual in archive.pareto_front(goals)] == [0, 2, 1, 4]
    only_size = archive.pareto_front({"size": Direction.MINIMIZE})
    assert [individual.id for individual in only_size] == [0, 1, 4]
    assert [individual.id for individual in archive.pareto_front({})] == [0, 5]
    with pytest.raises(KeyError, match="memory"):
        archive.pareto_front({"memory": Direction.MINIMIZE})


def test_pareto_front_of_a_maximised_metric_and_of_nothing() -> None:
    archive = Archive(AXES)
    goals = {"size": Direction.MINIMIZE}
    assert archive.pareto_front(goals) == []
    for number, (fitness, size) in enumerate([(1.0, 2e5), (3.0, 4e5), (2.0, 5e5)]):
        archive.add(one(number, run(fitness, size), direction=Direction.MAXIMIZE))
    assert [individual.id for individual in archive.pareto_front(goals)] == [1, 0]


@pytest.mark.parametrize(
    ("evaluations", "cells"), [(1, 4), (59, 4), (60, 6), (300, 6), (301, 8), (10**6, 8)]
)
def test_default_cells_of_two_axes(evaluations: int, cells: int) -> None:
    assert default_cells(evaluations) == default_cells(evaluations, 2) == cells


@pytest.mark.parametrize("evaluations", [1, 100, 1000])
@pytest.mark.parametrize("axes", [1, 2, 3, 4, 5])
def test_more_axes_have_about_as_many_cells_in_all(evaluations: int, axes: int) -> None:
    wanted = default_cells(evaluations, 1)
    cells = default_cells(evaluations, axes)
    assert cells >= 2
    assert wanted / 2.5 <= cells**axes <= wanted * 2.5


def test_too_many_cells_are_refused() -> None:
    check_cells((64, 64))
    check_cells((16, 16, 16))
    with pytest.raises(ValueError, match="1000 x 2 x 3 = 6,000 cells are too many"):
        check_cells((1000, 2, 3))
    with pytest.raises(ValueError, match=r"^5,000 cells are too many"):
        check_cells((5000,))


# A history: for each step who is measured, and what comes out. Few values make many ties.
steps = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.integers(1, 5).map(float),
        st.sampled_from([5e4, 1e5, 1.5e5, 3e5, 6e5, 3e6]),
        st.sampled_from([500.0, 1.5e3, 3e3, 1e5]),
    ),
    max_size=40,
)


def played(history: list[tuple[int, float, float, float]], direction: Direction) -> Archive:
    archive, latest = Archive(AXES), dict[int, Individual]()
    for number, *values in history:
        before = latest.get(number, one(number, direction=direction))
        latest[number] = before.measured(run(*values))
        held = {archive.cell_of(elite): elite.id for elite in archive}
        status = archive.add(latest[number])
        cell = archive.cell_of(latest[number])
        elite = archive.elite_of(cell)
        assert elite is not None
        took = elite.id == number and held.get(cell) != number
        assert status is (NOT_ADDED if not took else IMPROVED if cell in held else NEW)
    assert archive.individuals == [latest[number] for number in sorted(latest)]
    return archive


@given(steps, st.sampled_from(Direction))
def test_each_elite_is_the_fittest_of_its_cell(
    history: list[tuple[int, float, float, float]], direction: Direction
) -> None:
    archive = played(history, direction)
    by_cell: dict[Cell, list[Individual]] = {}
    for individual in archive.individuals:
        by_cell.setdefault(archive.cell_of(individual), []).append(individual)
    assert [archive.cell_of(elite) for elite in archive] == sorted(by_cell)
    sign = 1 if direction is Direction.MINIMIZE else -1
    for cell, members in by_cell.items():
        members.sort(key=lambda member: (sign * (member.objective or 0.0), member.id))
        assert archive.members(cell) == members
        assert archive.elite_of(cell) == members[0]


@given(steps, st.sampled_from(Direction))
def test_rebinning_equals_building_anew(
    history: list[tuple[int, float, float, float]], direction: Direction
) -> None:
    archive = played(history, direction)
    finer = (replace(SIZE, cells=7, high=4e6), replace(SPEED, cells=2, log=False))
    rebinned, anew = archive.rebin(finer), Archive(finer)
    for individual in reversed(archive.individuals):
        anew.add(individual)
    assert rebinned.axes == finer
    assert rebinned.elites == anew.elites
    assert rebinned.individuals == archive.individuals
    assert rebinned.rebin(AXES).elites == archive.elites
