"""`list` and `show --events`: what they say of runs, at any width of the terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from archive import Purpose, Record
from evolve.commands.tables import Column, fit_table
from population import Measurement, Status

ROOT = Path(__file__).parents[3]
LONG = "a-name-that-is-far-too-long-for-a-column-20261130-0612"
SCORED = Measurement(Status.OK, 2.5, {"size": 160.0, "speed": 28.0}, 0.3, seed=1, ended=5.0)


@pytest.fixture(scope="module")
def instant(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """instant.py."""
    return load(Path(__file__).parents[1] / "instant.py", "instant_listing")


@pytest.fixture(scope="module")
def listed(make_place: Callable[[], Any], instant: ModuleType) -> Any:
    """A place with two finished runs, one of a long name, one that was interrupted, and rubbish."""
    place = make_place()
    for name, seed in (("a", 3), (LONG, 4)):
        instant.forked(lambda: instant.work(place, name, seed, 1))  # noqa: B023
    os.chdir(place.folder)
    begun_and_killed(place, instant, "killed")
    (place.folder / "runs" / "broken").mkdir()
    (place.folder / "runs" / "broken" / "archive.db").write_bytes(b"no database" * 99)
    return place


def begun_and_killed(place: Any, instant: ModuleType, name: str) -> None:
    """A run whose process was killed when its seed had run once of three times."""

    def begin() -> None:
        os.chdir(place.folder)
        run = instant.begun(place, name, 0, 1)
        run.record.add_event(time.time(), "sandbox", "none: nothing is sandboxed")
        measurement = replace(SCORED, ended=time.time() + 75)
        run.record.add_measurement(0, measurement, Purpose.SEARCH, True, told=1)
        run.close()

    instant.forked(begin)


def on_terminal(place: Any, columns: int, *arguments: str) -> list[str]:
    """The lines that `python -m evolve ARGUMENTS` prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "evolve", *arguments],
        cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # what Linux says at the end of a terminal's output
            break
        if not part:
            break
        printed += part
    os.close(ours)
    assert process.wait() == 0, printed
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed.decode()).splitlines()


def test_eighty_columns_hold_what_matters_and_cut_nothing(listed: Any) -> None:
    lines = on_terminal(listed, 80, "list")
    table = lines[: next(n for n, line in enumerate(lines) if "database" in line)]
    assert max(map(len, table)) <= 80
    assert "…" not in "".join(table)
    headings = table[0].split()
    for heading in ("run", "state", "begun", "took", "best", "gain"):
        assert heading in headings
    folded = "".join(line[1:].partition(" ")[0] for line in table)
    assert LONG in folded, "the whole name, over several lines"
    row = next(line for line in table if line.split()[0] == "a")
    assert "finished" in row
    assert time.strftime("%Y-%m-%d") in row
    assert re.search(r" \d+(\.\d)? s ", row)
    assert re.search(r"[+-]\d\.\d+ ± 0\.\d+ *$", row), "the gain of the fresh runs"
    assert any("broken" in line and "unreadable" in line for line in table)


TABLE = (
    Column("run"),
    Column("state", 1),
    Column("least", 9),
    Column("gain", 2),
    Column("what it says", 3, rest=True),
)
ROWS = [
    ["a", "finished", "x", "+0.14 ± 0.05", "one idea[/red], told at length " * 4],
    [LONG, Text("unreadable")],
]


@pytest.mark.parametrize("columns", [20, 30, 40, 60, 80, 120])
def test_a_narrow_table_leaves_out_columns_and_cuts_only_the_last(columns: int) -> None:
    console = Console(width=columns, file=io.StringIO())
    console.print(fit_table(TABLE, ROWS, console))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    headings = lines[0]
    assert "run" in headings
    shown = [column.name in headings for column in TABLE]
    assert shown == {
        20: [True, False, False, False, False],
        30: [True, True, False, False, False],
        40: [True, True, False, True, False],
        60: [True, True, False, True, True],
    }.get(columns, [True] * 5)
    assert ("…" in lines[1]) == shown[4] == ("one idea[/red]," in lines[1])
    folded = "".join(line[1:].partition(" ")[0] for line in lines)
    assert LONG in folded


def test_a_run_whose_seed_has_scored_once_says_so_everywhere(listed: Any) -> None:
    row = next(
        line for line in listed.evolve("list").stdout.splitlines() if line.startswith(" killed")
    )
    assert "interrupted" in row
    assert "1 min 15 s" in row, "the time until the last thing that was recorded"
    assert row.count("2.5000") == 2, "the seed, which is the best"
    assert "1 of 16" in row
    heatmap = listed.evolve("heatmap", "killed")
    assert heatmap.returncode == 0, heatmap.stderr
    assert "#0 seed" in heatmap.stdout
    assert "2.5" in listed.evolve("list", "killed").stdout
    assert "score 2.5" in listed.evolve("show", "killed").stdout
    picture = listed.evolve("heatmap", "killed", "-o", "killed.png")
    assert picture.returncode == 0, picture.stderr
    refused = listed.evolve("rebin", "killed", "--cells", "3")
    assert refused.returncode == 2
    assert "has no axes yet" in refused.stderr
    assert "resume killed" in refused.stderr


def test_a_run_that_is_worked_on_is_running(listed: Any) -> None:
    with open(listed.run("killed") / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listing = listed.evolve("list").stdout
    assert re.search(r"^ killed +running ", listing, re.MULTILINE)


def test_events_are_shown_with_their_time_and_kind(listed: Any) -> None:
    shown = listed.evolve("show", "a", "--events")
    assert shown.returncode == 0, shown.stderr
    day = time.strftime("%Y-%m-%d")
    lines = shown.stdout.splitlines()
    assert re.match(rf"{day} \d\d:\d\d:\d\d  sandbox  none: ", lines[0])
    assert re.match(rf"{day} \d\d:\d\d:\d\d  end      all generations are done$", lines[-1])
    assert len(lines) == listed.count("a", "events")


def test_a_traceback_among_the_events_is_indented_and_harmless(
    place: Any, instant: ModuleType
) -> None:
    begun_and_killed(place, instant, "k")
    text = 'Traceback (most recent call last):\n  File "x.py"\nValueError: \x1b[2J' + "long " * 60
    record = Record.open(place.run("k") / "archive.db")
    record.add_event(5.0, "defect", text)
    record.close()
    lines = place.evolve("show", "k", "--events").stdout.splitlines()
    assert "defect   Traceback (most recent call last):" in lines[-3]
    assert lines[-2] == '      File "x.py"'
    assert lines[-1].startswith("    ValueError: \N{REPLACEMENT CHARACTER}[2J")
    assert lines[-1].count("long") == 60, "no line is cut or broken"
    both = place.evolve("show", "k", "0", "--events")
    assert both.returncode == 2
    assert "not allowed with" in both.stderr
