import io

import pytest
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from archive import Archive, Axis
from population import Direction, Individual, Measurement, Status
from views.terminal import heatmap_text


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
    target.print(heatmap_text(archive, "val_bpb"))
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
        ["3", "of", "16", "cells", "filled", "·", "★", "best", "2.2500", "(#1)", "·", "an", "idea"],
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
    Console(width=80, file=file).print(heatmap_text(archive, "val_bpb"))
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
    before = heatmap_text(archive, "val_bpb", width=50)
    run = Measurement(Status.OK, 1.0, {"size": 1.5e5, "speed": 1.5e3}, 5.0)
    archive.add(Individual(9, "c", (0,), "tweak", "", 0, Direction.MINIMIZE, (run,)))
    with Live(Panel(before), console=console, auto_refresh=False) as live:
        live.refresh()
    assert "★2.5000" in file.getvalue()
    assert "1.0000" not in file.getvalue()
