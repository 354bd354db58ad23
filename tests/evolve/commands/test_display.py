"""The display of a run: on terminals of several sizes, on poor ones, and redirected."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archive.rows import Spend
from evolve.commands.console import fold_line
from evolve.commands.live_picture import Picture, write_clock
from evolve.loop.evaluators import Job, Running
from evolve.loop.forecast import TimeSpan
from evolve.loop.reports import Snapshot
from evolve.runs.history import view_search
from evolve.runs.run import Run, open_run
from trainer.devices import find_devices
from trainer.stage import Progress, Stage

OPTIONS = ("--task", "toy", "--run", "seen", "--generations", "1", "--children", "2")
OPTIONS += ("--seed-runs", "1", "--final-runs", "0", "--devices", "cpu:0", "--budget", "0.6")
STORY = "a warmdown over the last tenth of all steps, with half of the peak learning rate"
UP = re.compile(rb"(?:\x1b\[1A\x1b\[2K)+")  # how rich goes back to the top of the live picture
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)[;m]")


@pytest.fixture(scope="module")
def run(make_place: Callable[[], Any]) -> Iterator[Run]:
    """A finished run, opened to view it."""
    place = make_place()
    done = place.evolve(*OPTIONS, "--operators", "perturb")
    assert done.returncode == 0, done.stderr
    with closing(open_run(str(place.run("seen")))) as run:
        yield run


def snapshot(run: Run, log: Path, stages: list[Stage], slots: int) -> Snapshot:
    log.write_text("depth: 0\nstep 10 | loss: 2.3456 | lr: 0.1\ndepth: 0\n")
    child = replace(run.individuals()[1], description=STORY)
    device = find_devices("cpu:0")[0]
    running = [Running(Job(child, ""), device, 0.0, log, Progress(stage)) for stage in stages]
    left, spend = TimeSpan(480, 640), Spend(3, 3, 100, 100, 1.25, 0)
    return Snapshot("evolving", 1, 3, 3, slots, left, running, 2, 60.0, spend)


def draw(run: Run, shown: Snapshot, columns: int, rows: int, *, opened: bool = True) -> list[str]:
    search = view_search(run)
    if not opened:
        search.archive = None
    picture = Picture("seen (map-elites)", shown, search, run.task, run.settings, None, 65.0)
    console = Console(width=columns, height=rows, file=io.StringIO(), legacy_windows=False)
    console.print(picture, end="")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(("columns", "rows"), [(60, 24), (80, 24), (80, 40), (200, 60), (60, 12)])
def test_a_picture_says_what_matters_at_every_size(
    run: Run, tmp_path: Path, columns: int, rows: int
) -> None:
    stages = [Stage.START, Stage.COMPILE, Stage.TRAIN, Stage.EVALUATE, Stage.AUDIT]
    shown = snapshot(run, tmp_path / "log", stages, slots=5)
    lines = draw(run, shown, columns, rows)
    assert max(map(len, lines)) <= columns
    assert len(lines) <= rows - 2, "what is printed above it stays in view"
    text = "\n".join(lines)
    assert "generation 1/1" in lines[0]
    assert lines[1].startswith("8 to 11 min left")
    assert lines[2].startswith("best score ")
    devices = lines[3:8]
    assert [stage for stage in stages if any(f" {stage} " in line for line in devices)] == stages
    assert all("cpu:0" in line for line in devices)
    assert [line.count("loss 2.3456") for line in devices] == [0, 0, 1, 1, 1]
    assert "0.0 s left" not in text
    assert "depth" not in text


def test_its_height_does_not_change(run: Run, tmp_path: Path) -> None:
    for columns, rows in ((60, 24), (80, 24), (200, 60)):
        heights = {
            len(draw(run, snapshot(run, tmp_path / "log", stages, 2), columns, rows, opened=opened))
            for stages in ([], [Stage.TRAIN], [Stage.TRAIN, Stage.AUDIT])
            for opened in (False, True)
        }
        assert len(heights) == 1, (columns, rows)


@pytest.mark.parametrize("columns", range(60, 140, 7))
def test_no_word_is_broken(run: Run, tmp_path: Path, columns: int) -> None:
    lines = draw(run, snapshot(run, tmp_path / "log", [Stage.TRAIN], 1), columns, 30)
    shown = lines[3].partition("·" * 3)[2].strip("· ")
    words = shown.removesuffix(" ...").split()
    assert words == STORY.split()[: len(words)]
    assert words or columns < 90


def test_devices_without_room_are_counted(run: Run, tmp_path: Path) -> None:
    lines = draw(run, snapshot(run, tmp_path / "log", [Stage.TRAIN] * 64, 64), 80, 24)
    assert len(lines) <= 22
    named = sum("train" in line for line in lines)
    assert f"and {64 - named} devices more" in lines


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.24, "4.2 s"), (42, "42 s"), (299.6, "5:00"), (3899, "1:04:59")]
)
def test_a_clock_is_short(seconds: float, text: str) -> None:
    assert write_clock(seconds) == text


def test_a_line_is_folded_between_words_and_a_command_stays_whole() -> None:
    line = "all is kept in runs/x; Ctrl-C stops, and `python -m evolve resume x` goes on"
    assert fold_line(line, 30).splitlines() == [
        "all is kept in runs/x; Ctrl-C",
        "stops, and",
        "`python -m evolve resume x`",
        "goes on",
    ]
    assert fold_line(line, 100) == line


# -- the whole program on a terminal -----------------------------------------------------------


@pytest.fixture
def open_terminal(place: Any, load: Callable[[Path, str], Any]) -> Callable[..., Any]:
    module = load(Path(__file__).parents[1] / "terminal.py", "terminal")

    def start(*arguments: str, columns: int, rows: int, **env: str) -> Any:
        environment = place._environment(env)
        return module.Terminal(
            *arguments, cwd=place.folder, env=environment, columns=columns, rows=rows
        )

    return start


def test_a_run_on_a_terminal_leaves_its_lines_and_nothing_else(
    open_terminal: Callable[..., Any],
) -> None:
    terminal = open_terminal(*OPTIONS, columns=80, rows=24)
    seen = [screen for screen in terminal.screens() if any("generation" in x for x in screen)]
    assert terminal.close() == 0, terminal.lines
    assert any(re.search(r" run +\d", line) for screen in seen for line in screen)
    *moves, _ = UP.findall(terminal.output)  # the last one removes it, with the line below
    heights = {len(move) for move in moves}
    assert len(heights) == 1, "the picture has one height"
    left = "\n".join(terminal.lines)
    assert "all generations are done" in left
    lines = re.findall(r"^ +\d+ \d\d:\d\d:\d\d #\d", left, re.MULTILINE)
    assert 3 <= len(lines) <= 5, "the seed and two children, each of which may be repeated"
    assert "evolving" not in left
    assert "cells filled" not in left
    start = "run seen: toy, map-elites, 1 generation of 2 children, 0.6 s each on cpu:0\n"
    assert start in left, "folded between words"


@pytest.mark.slow
def test_what_fresh_runs_have_confirmed_is_shown_when_a_run_goes_on(
    place: Any, open_terminal: Callable[..., Any]
) -> None:
    done = place.evolve(*OPTIONS, "--final-runs", "2", "--operators", "perturb")
    assert "fresh runs" in done.stdout, done.stderr
    terminal = open_terminal("resume", "seen", "--generations", "3", columns=80, rows=40)
    drawn = [screen for screen in terminal.screens() if any("is fitter" in x for x in screen)]
    assert terminal.close() == 0
    lines = [line for line in drawn[0] if re.match("fresh runs: |not confirmed yet", line)]
    assert [line.partition(":")[0] for line in lines] == ["fresh runs"]


def test_ctrl_c_leaves_no_ghost(open_terminal: Callable[..., Any]) -> None:
    terminal = open_terminal(*OPTIONS, "--generations", "9", columns=80, rows=24)
    terminal.wait(lambda screen: any("evolving" in line for line in screen))
    terminal.type(b"\x03")
    terminal.wait()
    assert terminal.close() == 130
    left = "\n".join(terminal.lines)
    assert "stopping" in left
    assert "go on with: python -m evolve resume seen" in left
    assert not re.search(r"evolving|finishing|generation \d+/|cells filled|\^C", left)


def test_a_poor_terminal_gets_lines(open_terminal: Callable[..., Any]) -> None:
    terminal = open_terminal(*OPTIONS, columns=80, rows=24, TERM="dumb")
    terminal.wait()
    assert terminal.close() == 0
    assert b"\x1b" not in terminal.output
    assert "all generations are done" in "\n".join(terminal.lines)


def test_no_color_is_heeded(open_terminal: Callable[..., Any]) -> None:
    terminal = open_terminal(*OPTIONS, columns=80, rows=24, NO_COLOR="1")
    terminal.wait()
    assert terminal.close() == 0
    assert UP.search(terminal.output), "it is a live picture all the same"
    assert not COLOUR.search(terminal.output)


def test_redirected_it_says_how_long_it_will_take(place: Any) -> None:
    done = place.evolve(*OPTIONS, "--generations", "2")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"runs to come, .*: \S+ .*to .*, start-up and evaluation incl", done.stdout)
    assert re.search(r"a run takes \S+ s, the \d+ to come (about )?\d", done.stdout)
    assert re.search(
        r"^generation 1: .*; (\d+ (s )?to|about) \d+ (s|min) left$", done.stdout, re.MULTILINE
    )
