"""What one call makes of many items when something is in its way, and what they share of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archive.rows import ModelCall, ProposalRow, Purpose
from archive.run_folder import RunFolder
from evolve.cli import main
from evolve.commands import items
from evolve.commands.working import work_on
from evolve.loop.evaluators import DevicePool
from evolve.loop.loop import End
from evolve.runs.run import Run, begin_run, open_run
from evolve.search.axes import axes_around
from evolve.settings import Settings
from population import Measurement, Status
from trainer.devices import Device
from trainer.items import Item
from trainer.task import Task, load_task

PROGRAM = """\
+++
name = "widths"
genome = "main.py"
score = ["python", "evaluate.py"]
items = "topics.md"
output = "output/{item}.py"
metric = "score"
direction = "maximize"
budget = 1

[[axes]]
name = "size"
measure = "size"
[[axes]]
name = "speed"
measure = "speed"
+++
Widen.
"""
SUN = Item("sun", "Sun", "")


def measured(
    task: Task, ready: object, source: str, *, seed: int, device: Device, **more: object
) -> Measurement:
    """Stands in for `trainer.measure`: every width but the start's is better than it."""
    found = re.search(r"WIDTH = (\d+)", source)
    assert found is not None
    width = float(found[1])
    if task.item == Item("broken", "Broken", ""):
        return Measurement(Status.CRASH, None, {}, 0.1, seed, device.name, 0.0, reason="no score")
    return Measurement(
        Status.OK, abs(width - 32), {"size": width, "speed": 1.0}, 0.1, seed, device.name, 0.0
    )


@pytest.fixture
def widths(here: Any) -> Path:
    """The folder of a task of three items."""
    folder: Path = here.folder / "widths"
    folder.mkdir()
    (folder / "program.md").write_text(PROGRAM)
    (folder / "main.py").write_text("WIDTH = 32\n")
    (folder / "evaluate.py").write_text("")
    (folder / "topics.md").write_text("## Sun\n## Moon\n## Mars\n")
    return folder


@pytest.fixture
def call(widths: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Calls the task: exit code and what was printed."""
    instant = partial(
        work_on, open_evaluator=partial(DevicePool, measure=measured), draw=lambda *told: None
    )

    def call(
        changes: dict[str, Any] | None = None,
        *,
        work: items.Work = instant,
        clock: Callable[[], float] = lambda: 0.0,
        only: tuple[str, ...] = (),
    ) -> tuple[int, str]:
        changes = {"task": str(widths), **(changes or {})}
        settings = replace(
            Settings(str(widths), generations=1, children=1, seed_runs=1, final_runs=0),
            **{"devices": "cpu:0", "sandbox": "none", **changes},
        )
        task = load_task(widths)
        code = items.start(settings, changes, task, None, (), only, work=work, clock=clock)
        return code, capsys.readouterr().out

    return call


def rows(output: str) -> dict[str, str]:
    """The table's last column, by item."""
    table = output[output.rindex("item  ") :].splitlines()
    lines = (re.split(r"\s{2,}", line.strip()) for line in table if re.match(r" \w", line))
    return {line[0]: line[-1] for line in lines}


def test_an_output_that_is_a_folder_stops_one_item_alone(widths: Path, call: Any) -> None:
    (widths / "output" / "moon.py").mkdir(parents=True)
    code, output = call()
    assert code == 1
    assert rows(output)["sun"] == rows(output)["mars"] == "all generations used"
    assert "that is a folder" in output
    assert "failed: the item moon cannot be worked on" in " ".join(output.split())
    assert (widths / "output" / "mars.py").read_text().startswith("WIDTH = ")


def test_an_output_that_cannot_be_written_leaves_the_run_and_the_other_items(
    widths: Path, call: Any
) -> None:
    (widths / "output").mkdir()
    instant = partial(
        work_on, open_evaluator=partial(DevicePool, measure=measured), draw=lambda *told: None
    )

    def late(run: Run, console: Console) -> tuple[int, End]:
        if run.folder.name == "widths-sun":
            (widths / "output" / "sun.py").mkdir()  # after the run has begun
        return instant(run, console)

    code, output = call(work=late)
    assert code == 1
    assert "Is a directory; it is kept all the same" in output
    assert "widths-sun best -o FILE" in output
    assert rows(output)["moon"] == rows(output)["mars"] == "all generations used"


@pytest.mark.parametrize(
    "error", [OSError("no disk"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text")]
)
def test_an_error_of_the_system_stops_one_item_alone(call: Any, error: Exception) -> None:
    worked: list[str] = []

    def failing(run: Run, console: Console) -> tuple[int, End]:
        worked.append(run.folder.name)
        run.close()
        if run.folder.name == "widths-sun":
            raise error
        return 0, End.COMPLETE

    code, output = call(work=failing)
    assert code == 1
    assert worked == ["widths-sun", "widths-moon", "widths-mars"]
    assert rows(output)["sun"].startswith("failed: ")


def test_after_an_interrupt_the_table_is_printed_whatever_the_runs_are_like(
    widths: Path, call: Any
) -> None:
    begin_run(Settings(task=str(widths), devices="cpu:0", sandbox="none"), "widths-moon", (), print,
          Item("moon", "Moon", "")).close()  # fmt: skip
    RunFolder.named("widths-moon").database.write_bytes(b"damaged" * 999)

    def interrupted(run: Run, console: Console) -> tuple[int, End]:
        run.close()
        return 130, End.INTERRUPTED

    code, output = call(work=interrupted)
    assert code == 130
    assert rows(output)["sun"] == "its start has not scored"
    assert "cannot be read: runs/widths-moon/archive.db" in output
    assert rows(output)["mars"] == "not begun: interrupted"


def test_an_interrupt_outside_of_a_search_ends_the_call_in_order(call: Any) -> None:
    assert call(only=("moon",))[0] == 0

    def interrupted(run: Run, console: Console) -> tuple[int, End]:
        run.close()
        raise KeyboardInterrupt

    code, output = call(work=interrupted)
    assert code == 130
    assert rows(output) == {
        "sun": "interrupted",
        "moon": "all generations used",
        "mars": "not begun: interrupted",
    }


def test_a_run_that_another_call_works_on_is_left_alone(widths: Path, call: Any) -> None:
    begin_run(Settings(task=str(widths), devices="cpu:0", sandbox="none"), "widths-sun", (), print,
          SUN).close()  # fmt: skip
    before = sorted(Path("runs/widths-sun").rglob("*"))
    with RunFolder.named("widths-sun").lock():
        code, output = call()
    assert code == 1
    assert re.fullmatch(r"run widths-sun is being worked on by process \d+", rows(output)["sun"])
    assert rows(output)["moon"] == "all generations used"
    assert {*before, Path("runs/widths-sun/lock")} == set(Path("runs/widths-sun").rglob("*"))


def test_an_item_whose_start_never_scored_begins_anew(widths: Path, call: Any) -> None:
    (widths / "topics.md").write_text("## Sun\n## Broken\n## Mars\n")
    begin_run(Settings(task=str(widths), devices="cpu:0", sandbox="none"), "widths-sun", (), print,
          SUN).close()  # fmt: skip
    (widths / "evaluate.py").write_text("mended = True")  # another protocol than it began with
    code, output = call()
    assert code == 1
    assert output.count("its start has never scored, so it begins anew") == 1
    assert rows(output)["sun"] == "all generations used"
    assert "failed: the seed genome did not score" in output
    _, output = call()
    assert output.count("its start has never scored, so it begins anew") == 1
    assert output.count("done before: all generations used") == 2


def test_a_finished_items_output_is_written_again(widths: Path, call: Any) -> None:
    call()
    path = widths / "output" / "sun.py"
    text = path.read_text()
    path.unlink()
    (widths / "output" / "moon.py").write_text("of my own")
    code, output = call()
    assert code == 0
    assert f"written again: {path}" in output
    assert path.read_text() == text
    assert (widths / "output" / "moon.py").read_text() == "of my own"


def test_what_a_call_asks_decides_whether_an_item_is_done(call: Any) -> None:
    assert call()[0] == 0
    code, output = call({"target": 1e9})
    assert code == 1
    assert set(rows(output).values()) == {"all generations used, target missed"}
    assert "done before" not in output
    code, output = call({"generations": 2, "target": 1.0})
    assert code == 0
    assert output.count("done before: target reached") == 3


def spending(each: float, seen: list[Settings]) -> items.Work:
    """Stands in for `work`: a start that scores, and so many dollars."""

    def work(run: Run, console: Console) -> tuple[int, End]:
        seen.append(run.settings)
        calls = (ModelCall("m", "[]", cost=each),)
        number = run.record.next_proposal()
        row = ProposalRow(number, "notes", (), None, "", 0.0, 0.0, calls)
        run.record.begin_proposal(row)
        run.record.end_proposal(replace(row, ended=1.0))
        scored = measured(run.task, None, "WIDTH = 32", seed=number, device=run.devices[0])
        run.record.add_measurement(0, scored, Purpose.SEARCH, False, run.record.next_place())
        axes = axes_around(run.task.axes, scored.measures, 4)
        run.record.set_meta({"axes": [axis.to_dict() for axis in axes]})
        run.close()
        return 0, End.COMPLETE

    return work


def test_dollars_are_for_the_whole_call(call: Any) -> None:
    limited, seen = {"max_cost": 0.02, "models": ("m",)}, list[Settings]()
    _, output = call(limited, work=spending(0.008, seen))
    assert [one.max_cost for one in seen] == [0.02, pytest.approx(0.012), pytest.approx(0.004)]
    assert "the models took $0.024 of the $0.020 allowed in this call" in output
    seen.clear()
    call(limited, work=spending(0.001, seen))  # what they took before is not of this call
    assert [one.max_cost for one in seen] == [
        pytest.approx(0.028), pytest.approx(0.027), pytest.approx(0.026)
    ]  # fmt: skip


def test_when_the_money_is_spent_no_item_begins_that_a_model_must_write(
    widths: Path, call: Any
) -> None:
    (widths / "program.md").write_text(PROGRAM.replace("items =", 'language = "prose"\nitems ='))
    seen = list[Settings]()
    code, output = call({"max_cost": 0.5, "models": ("m",)}, work=spending(0.5, seen))
    assert len(seen) == 1
    assert code == 1
    assert rows(output)["moon"] == rows(output)["mars"] == "not begun: the money is spent"


def test_hours_are_for_the_whole_call(call: Any) -> None:
    now = [0.0]
    seen = list[Settings]()

    def work(run: Run, console: Console) -> tuple[int, End]:
        now[0] += 1800
        return spending(0, seen)(run, console)

    code, output = call({"hours": 0.75}, work=work, clock=lambda: now[0])
    assert [one.hours for one in seen] == [0.75, 0.25]
    assert code == 1
    assert rows(output)["mars"] == "not begun: the hours are over"


def test_a_second_call_has_its_own_options(call: Any) -> None:
    seen = list[Settings]()
    call({"context_tokens": 1000, "hours": 2.0}, work=spending(0, seen), only=("sun",))
    changes = {"devices": "cpu", "sandbox": "auto", "offline_after": 5.0, "models": ("b", "c")}
    call(changes, work=spending(0, seen), only=("sun",))
    first, second = seen
    assert second == replace(first, **changes, hours=None), "the rest stays, but for the limits"
    with closing(open_run("widths-sun")) as run:
        assert run.settings == second


def test_the_options_of_the_command_line_reach_a_run_that_goes_on(widths: Path) -> None:
    (widths / "evaluate.py").write_text("print('---\\nscore: 1\\nsize: 2\\nspeed: 3')")
    words = ["--task", "widths", "--items", "sun", "--sandbox", "none", "--final-runs", "0"]
    first = ["--generations", "0", "--children", "1", "--devices", "cpu", "--seed-runs", "1"]
    assert main([*words, *first]) == 0
    assert main([*words, "--generations", "1", "--devices", "cpu:0", "--hours", "1"]) == 0
    with closing(open_run("widths-sun")) as run:
        assert (run.settings.devices, run.settings.generations) == ("cpu:0", 1)
        assert run.settings.hours is not None
        assert 0.9 < run.settings.hours <= 1
        assert run.settings.children == 1


def test_items_of_a_task_without_any_are_refused(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--task", "toy", "--items", "sun"]) == 2
    assert "the task toy has no items, so leave --items out" in capsys.readouterr().err
