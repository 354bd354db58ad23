import io

import pytest
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from archive import Archive, Axis
from archive.axis import bounds_of_cell
from population import Direction, Individual, Measurement, Status
from views import render_heatmap


def grid(
    cells: int, fitnesses: dict[tuple[int, int], float], direction: Direction = Direction.MINIMIZE
) -> Archive:
    """An archive of cells x cells with an elite in each named cell; #0 is a seed."""
    size = Axis("size", "model size", "parameters", 1e5, 1e5 * 2**cells, cells, log=True)
    speed = Axis("speed", "throughput", "tokens/s", 1e3, 1e3 * 2**cells, cells, log=True)
    archive = Archive((size, speed))
    for number, ((column, row), fitness) in enumerate(fitnesses.items()):
        measures = {"size": 1.5e5 * 2**column, "speed": 1.5e3 * 2**row}
        run = Measurement(Status.OK, fitness, measures, 5.0)
        parents = () if number == 0 else (0,)
        archive.add(Individual(number, "c", parents, "tweak", "an idea", 0, direction, (run,)))
    return archive


def full(cells: int) -> dict[tuple[int, int], float]:
    return {(c, r): 2.5 - 0.01 * c - 0.001 * r for r in range(cells) for c in range(cells)}


def printed(archive: Archive, columns: int = 80, **console: object) -> str:
    options = {"width": columns, "file": io.StringIO(), **console}
    target = Console(**options)  # type: ignore[arg-type]
    target.print(render_heatmap(archive, "val_bpb"))
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_without_colour_the_numbers_tell_everything() -> None:
    lines = printed(grid(4, {(0, 0): 2.5, (1, 2): 2.25, (3, 3): 2.375})).splitlines()
    assert [line.split() for line in lines] == [
        ["16", "k", "throughput", "(tokens/s)"],
        ["·", "·", "·", "2.3750"],
        ["8", "k", "#2"],
        ["·", "★2.2500", "·", "·"],
        ["4", "k", "#1"],
        ["·", "·", "·", "·"],
        ["2", "k"],
        ["2.5000", "·", "·", "·"],
        ["1", "k", "#0", "seed"],
        ["100", "k", "200", "k", "400", "k", "800", "k", "1.6", "M"],
        ["model", "size", "(parameters)"],
        ["val_bpb,", "lower", "is", "fitter"],
        ["not", "confirmed", "yet"],
        ["3", "of", "16", "cells", "filled"],
        ["★", "best", "2.2500", "(#1)", "·", "an", "idea"],
    ]


def test_each_edge_label_stands_below_its_edge() -> None:
    lines = printed(grid(6, full(6))).splitlines()
    seed = next(line for line in lines if "#0 seed" in line)
    edges = next(line for line in lines if line.strip().startswith("100 k"))
    assert edges.index("100 k") < seed.index("#0 seed") < edges.index("200 k")


@pytest.mark.parametrize(("cells", "columns"), [(4, 80), (6, 80), (8, 80), (12, 120)])
def test_usual_grids_fit_with_all_their_digits(cells: int, columns: int) -> None:
    text = printed(grid(cells, full(cells)), columns)
    assert max(map(len, text.splitlines())) <= columns
    for fitness in full(cells).values():
        assert f"{fitness:.3f}" in text


def test_empty_cells_that_were_aimed_at_in_vain_are_marked() -> None:
    archive = grid(4, {(0, 0): 2.5, (1, 2): 2.25})
    targets = [bounds_of_cell(archive.axes, cell) for cell in ((1, 2), (3, 3), (3, 3))]
    console = Console(width=80, file=io.StringIO())
    with console.capture() as captured:
        console.print(render_heatmap(archive, "val_bpb", targets=targets))
    lines = captured.get().splitlines()
    assert [line.split() for line in lines[1:4:2]] == [
        ["·"] * 3 + ["○"],
        ["·", "★2.2500", "·", "·"],
    ]
    assert sum("○ aimed at in vain" in line for line in lines) == 1
    assert "○" not in printed(archive)


@pytest.mark.parametrize("columns", [1, 5, 10, 20, 30, 40, 60])
@pytest.mark.parametrize("cells", [1, 6, 20])
def test_a_narrow_terminal_gets_less_but_never_more_than_fits(cells: int, columns: int) -> None:
    text = printed(grid(cells, full(cells)), columns)
    assert max(map(len, text.splitlines())) <= columns
    assert len(text.splitlines()) >= cells


def test_without_room_for_numbers_marks_show_who_is_there() -> None:
    lines = printed(grid(8, {(0, 0): 2.5, (1, 0): 2.4, (7, 7): 2.3}), 32).splitlines()
    assert lines[1].split()[-1] == "★"
    assert lines[8].split()[2:4] == ["#", "#"]


@pytest.mark.parametrize("direction", Direction)
def test_the_fittest_has_the_brightest_background(direction: Direction) -> None:
    archive = grid(4, {(0, 0): 2.5, (1, 2): 2.25}, direction)
    text = printed(archive, force_terminal=True, color_system="truecolor")
    fitter, worse = ("2.25", "2.50") if direction is Direction.MINIMIZE else ("2.50", "2.25")
    line = next(line for line in text.splitlines() if f"★{fitter}" in line)
    assert "48;2;253;231;37m" in line
    line = next(line for line in text.splitlines() if worse in line and "★" not in line)
    assert "48;2;68;1;84m" in line
    plain = Text.from_ansi(text).plain
    assert f"{'lower' if direction is Direction.MINIMIZE else 'higher'} is fitter" in plain
    assert plain.rindex(worse) < plain.index(fitter, plain.index("is fitter"))


def test_no_color_is_respected() -> None:
    archive = grid(4, {(0, 0): 2.5})
    text = printed(archive, force_terminal=True, color_system="truecolor", no_color=True)
    assert "48;2" not in text
    assert "★2.5000" in text


def test_ascii_terminals_get_ascii() -> None:
    archive = grid(4, {(0, 0): 2.5, (1, 2): 2.25})
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(width=80, file=file).print(render_heatmap(archive, "val_bpb"))
    file.seek(0)
    assert "*2.2500" in file.read()


def test_an_empty_archive_has_a_grid() -> None:
    text = printed(grid(4, {}))
    assert text.count("·") == 16
    assert text.splitlines()[-1] == "no experiment has scored yet"


def test_it_shows_the_archive_of_its_time_in_a_live_panel() -> None:
    archive = grid(4, {(0, 0): 2.5})
    file = io.StringIO()
    console = Console(width=60, file=file, force_terminal=True, color_system=None)
    before = render_heatmap(archive, "val_bpb", width=50)
    run = Measurement(Status.OK, 1.0, {"size": 1.5e5, "speed": 1.5e3}, 5.0)
    archive.add(Individual(9, "c", (0,), "tweak", "", 0, Direction.MINIMIZE, (run,)))
    with Live(Panel(before), console=console, auto_refresh=False) as live:
        live.refresh()
    assert "★2.5000" in file.getvalue()
    assert "1.0000" not in file.getvalue()


def test_a_seed_is_marked_when_another_is_the_elite_of_its_cell() -> None:
    archive = grid(4, {(0, 0): 2.5, (1, 2): 2.25})
    assert "□" not in printed(archive), "its cell says so itself"
    better = Measurement(Status.OK, 2.0, {"size": 1.5e5, "speed": 1.5e3}, 5.0)
    archive.add(Individual(7, "c", (0,), "tweak", "", 0, Direction.MINIMIZE, (better,)))
    text = printed(archive)
    assert "#7 □" in text
    assert "□ the seed's cell" in text


def strip(cells: int) -> Archive:
    """An archive of one axis whose every cell is filled; the highest is the best."""
    archive = Archive([Axis("size", "model size", "parameters", 1e5, 1.6e6, cells, log=True)])
    for number in range(cells):
        run = Measurement(
            Status.OK, 2.5 - number / 100, {"size": 1e5 * 16 ** ((number + 0.5) / cells)}, 5.0
        )
        parents = () if number == 0 else (0,)
        archive.add(Individual(number, "c", parents, "", "", 0, Direction.MINIMIZE, (run,)))
    return archive


def test_one_axis_is_a_strip() -> None:
    lines = printed(strip(4)).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["model", "size", "(parameters)"],
        ["2.50000", "2.49000", "2.48000", "★2.47000"],
        ["#0", "seed", "#1", "#2", "#3"],
        ["100", "k", "200", "k", "400", "k", "800", "k", "1.6", "M"],
    ]


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 80, 160])
@pytest.mark.parametrize("cells", [1, 16, 36, 64])
def test_a_long_strip_goes_on_in_the_next_line(cells: int, columns: int) -> None:
    lines = printed(strip(cells), columns).splitlines()
    assert max(map(len, lines)) <= columns
    if columns >= 20:
        text = " ".join(lines)
        assert all(f"#{number}" in text for number in range(cells))


def test_the_axes_to_show_are_chosen() -> None:
    axes = [
        Axis(name, name, "", 1.0, 16.0, cells, log=True)
        for name, cells in (("a", 2), ("b", 3), ("c", 4))
    ]
    archive = Archive(axes)
    for number, (fitness, a, b, c) in enumerate([(3.0, 2, 2, 2), (2.0, 2, 2, 15), (1.0, 9, 15, 2)]):
        run = Measurement(Status.OK, fitness, {"a": a, "b": b, "c": c}, 1.0)
        archive.add(Individual(number, "c", (0,), "", "", 0, Direction.MINIMIZE, (run,)))

    def shown(*names: str) -> str:
        console = Console(width=80, file=io.StringIO())
        console.print(render_heatmap(archive, "m", axes=names))
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    assert "3 of 24 cells filled, the best over c shown" in shown()
    assert "#0" not in shown(), "#1 is fitter in the same cell of a and b"
    assert "the best over b shown" in shown("c", "a")
    assert "#0" in shown("c", "a")
    assert "the best over b and c shown" in shown("a")
    with pytest.raises(ValueError, match="one or two of the axes a, b, c, not z"):
        shown("z")


@pytest.mark.parametrize(("cells", "columns"), [(4, 80), (12, 120)])
def test_elites_beyond_an_edge_are_marked(cells: int, columns: int) -> None:
    inside = grid(cells, {(0, 0): 2.5, (1, 1): 2.4})
    assert "»" not in printed(inside, columns)
    far = Measurement(Status.OK, 2.25, {"size": 9e12, "speed": 1.5e3}, 5.0)
    inside.add(Individual(7, "c", (0,), "tweak", "", 0, Direction.MINIMIZE, (far,)))
    text = printed(inside, columns)
    assert "» beyond an edge" in text
    assert text.count("»") == 2, "the cell has the mark, too"
