"""results.tsv and the DataFrame say what archive.db says."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from archive import Experiment, Purpose, Record, RecordError, Results, read_frame
from population import Direction, Individual, Measurement, Status

AUTORESEARCH = ["commit", "val_bpb", "memory_gb", "status", "description"]


def ok(fitness: float, **more) -> Measurement:
    return Measurement(Status.OK, fitness, {"size": 1234567.0, "speed": 0.5}, 2.25, **more)


def individual(number: int, *parents: int, description: str = "an idea") -> Individual:
    commit = f"{number:040x}"[::-1]
    return Individual(number, commit, parents, "tweak", description, 1, Direction.MINIMIZE)


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def table(path: Path, direction: Direction = Direction.MINIMIZE) -> Results:
    return Results(path / "results.tsv", "val_bpb", ["size", "speed"], direction)


def test_columns_are_autoresearchs_and_then_ours(tmp_path: Path) -> None:
    results = table(tmp_path)
    results.rebuild([], [])
    results.append(
        individual(3, 1, 2),
        Experiment(1, 3, Purpose.SEARCH, ok(1.0, seed=9, device="cpu:0", memory_gb=1.26), True),
    )
    (row,) = read(tmp_path / "results.tsv")
    assert list(row)[:5] == AUTORESEARCH
    assert {"experiment", "ended", "improvement_percent", "size", "speed", "reason"} < set(row)
    assert (row["commit"], row["val_bpb"], row["memory_gb"]) == ("3000000", "1.000000", "1.3")
    assert (row["status"], row["parents"], row["individual"]) == ("keep", "1 2", "3")
    assert (row["size"], row["speed"], row["seed"]) == ("1.23457e+06", "0.5", "9")


def test_a_memory_that_nobody_knows_is_blank(tmp_path: Path) -> None:
    killed = Measurement(Status.TIMEOUT, None, {}, 5.0, reason="it was still running after 5 s")
    table(tmp_path).rebuild([individual(0)], [Experiment(1, 0, Purpose.SEARCH, killed, False)])
    assert [row["memory_gb"] for row in read(tmp_path / "results.tsv")] == [""]


@pytest.mark.parametrize(
    ("measurement", "purpose", "kept", "word"),
    [
        (ok(1.0), Purpose.SEARCH, True, "keep"),
        (ok(1.0), Purpose.SEARCH, False, "discard"),
        (ok(1.0), Purpose.FINAL, False, "final"),
        (ok(1.0), Purpose.ABLATION, False, "ablation"),
        *(
            (Measurement(status, None, {}, 1.0, reason="why"), purpose, False, status.value)
            for status in Status
            if status is not Status.OK
            for purpose in Purpose
        ),
    ],
)
def test_status_words(
    tmp_path: Path, measurement: Measurement, purpose: Purpose, kept: bool, word: str
) -> None:
    results = table(tmp_path)
    results.rebuild([individual(0)], [Experiment(1, 0, purpose, measurement, kept)])
    assert [row["status"] for row in read(tmp_path / "results.tsv")] == [word]


@pytest.mark.parametrize(
    ("direction", "percent"), [(Direction.MINIMIZE, "+25.000"), (Direction.MAXIMIZE, "-25.000")]
)
def test_improvement_is_against_the_first_score(
    tmp_path: Path, direction: Direction, percent: str
) -> None:
    results = table(tmp_path, direction)
    crash = Measurement(Status.CRASH, None, {}, 1.0)
    runs = [crash, ok(2.0), ok(1.5)]
    experiments = [Experiment(n, 0, Purpose.SEARCH, m, False) for n, m in enumerate(runs, 1)]
    results.rebuild([individual(0)], experiments)
    improvements = [row["improvement_percent"] for row in read(tmp_path / "results.tsv")]
    assert improvements == ["", "+0.000", percent]


def test_appended_and_rebuilt_tables_are_the_same(tmp_path: Path) -> None:
    crash = Measurement(Status.CRASH, None, {}, 1.0, reason="tab\there\nand a second line")
    everyone = [individual(0), individual(1, 0, description='a "quoted"\tidea\r\nof two lines')]
    experiments = [
        Experiment(1, 0, Purpose.SEARCH, ok(0.0), True),
        Experiment(2, 1, Purpose.SEARCH, crash, False),
        Experiment(3, 1, Purpose.FINAL, ok(-3.0), False),
    ]
    results = table(tmp_path)
    results.rebuild(everyone, [])
    for experiment in experiments:
        results.append(everyone[experiment.individual], experiment)
    appended = (tmp_path / "results.tsv").read_bytes()
    rows = read(tmp_path / "results.tsv")
    assert len(rows) == 3
    assert rows[1]["description"] == 'a "quoted" idea of two lines'
    assert rows[1]["reason"] == "tab here and a second line"

    (tmp_path / "results.tsv").unlink()
    table(tmp_path).rebuild(everyone, experiments)
    assert (tmp_path / "results.tsv").read_bytes() == appended
    assert [p.name for p in tmp_path.iterdir()] == ["results.tsv"], "nothing temporary is left"


def test_frame_has_a_row_an_experiment(tmp_path: Path) -> None:
    record = Record.create(tmp_path / "archive.db", {})
    record.add_seed(individual(0), "d0")
    record.add_measurement(0, ok(1.5, ended=10.0), Purpose.SEARCH, True)
    record.add_measurement(0, Measurement(Status.OOM, None, {}, 1.0), Purpose.FINAL, False)
    frame = read_frame(record, Direction.MINIMIZE)
    assert list(frame["experiment"]) == [1, 2]
    assert list(frame["status"]) == ["ok", "oom"]
    assert list(frame["purpose"]) == ["search", "final"]
    assert frame["fitness"][0] == 1.5
    assert math.isnan(frame["fitness"][1])
    assert frame["size"][0] == 1234567.0
    assert math.isnan(frame["size"][1])


def test_an_empty_record_gives_an_empty_frame_with_its_columns(tmp_path: Path) -> None:
    record = Record.create(tmp_path / "archive.db", {})
    frame = read_frame(record, Direction.MINIMIZE)
    assert len(frame) == 0
    assert {"experiment", "fitness", "status", "ended"} <= set(frame.columns)


@pytest.mark.parametrize("name", ["seconds", "fitness", "status"])
def test_an_axis_that_is_called_as_another_column_has_its_own(tmp_path: Path, name: str) -> None:
    record = Record.create(tmp_path / "archive.db", {})
    record.add_seed(individual(0), "d0")
    run = Measurement(Status.OK, 1.5, {name: 7.0}, seconds=2.0)
    experiment = record.add_measurement(0, run, Purpose.SEARCH, True)
    frame = read_frame(record, Direction.MINIMIZE)
    assert (frame["seconds"][0], frame["fitness"][0], frame["status"][0]) == (2.0, 1.5, "ok")
    assert frame[f"{name}_axis"][0] == 7.0
    results = Results(tmp_path / "results.tsv", "val_bpb", [name], Direction.MINIMIZE)
    results.rebuild([individual(0)], [experiment])
    (row,) = read(tmp_path / "results.tsv")
    assert (row["seconds"], row["status"], row["val_bpb"]) == ("2.0", "keep", "1.500000")
    assert "7" in (row.get(name), row.get(f"{name}_axis"))


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "results.tsv").symlink_to("/dev/full")
    experiment = Experiment(1, 0, Purpose.SEARCH, ok(1.0), True)
    with pytest.raises(RecordError, match=r"results\.tsv cannot be written: No space left.*resume"):
        table(tmp_path).append(individual(0), experiment)
    with pytest.raises(RecordError, match="cannot be written: No such file or directory; what was"):
        table(tmp_path / "gone").rebuild([], [])
