"""The comparison of searches: a small one is interrupted, resumed, extended, and drawn again."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from population.errors import UserError

ROOT = Path(__file__).parents[2]
ARMS = "greedy", "cma"
EVALUATIONS = 9  # more than are drawn as `perturb` draws them


def command(out: Path, toy: Path, *more: str) -> list[str]:
    own = ["--out", str(out), "--task", str(toy), "--arms", *ARMS, "--seeds", "1"]
    return [
        *(sys.executable, str(ROOT / "benchmarks" / "search.py"), *own),
        *("--evaluations", str(EVALUATIONS), "--checkpoints", "4", "--fresh", "2"),
        *("--budget", "0.01", "--sandbox", "none", *more),
    ]


def count_evaluations(out: Path, name: str) -> int:
    results = out / "runs" / name / "results.tsv"
    return max(len(results.read_text().splitlines()) - 1, 0) if results.exists() else 0


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def list_fresh(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "fresh.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> tuple[Path, str]:
    """The folder of a comparison that was interrupted and resumed, and what it printed then."""
    out = tmp_path_factory.mktemp("search") / "out"
    with subprocess.Popen(command(out, toy), stdout=subprocess.PIPE, text=True) as process:
        while not any(count_evaluations(out, f"{arm}-0") for arm in ARMS):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    made = [count_evaluations(out, f"{arm}-0") for arm in ARMS]
    assert min(made) < EVALUATIONS
    done = subprocess.run(command(out, toy), capture_output=True, text=True, check=True)
    return out, done.stdout


def test_every_run_makes_its_evaluations(compared: tuple[Path, str]) -> None:
    out, _ = compared
    assert all(count_evaluations(out, f"{arm}-0") >= EVALUATIONS for arm in ARMS)


def test_each_run_has_a_row_at_each_checkpoint(compared: tuple[Path, str]) -> None:
    rows = read_rows(compared[0] / "search.csv")
    found = [(row["arm"], int(row["evaluations"])) for row in rows]
    assert sorted(found) == sorted((arm, n) for arm in ARMS for n in (4, EVALUATIONS))


def test_every_training_has_a_row(compared: tuple[Path, str], toy: Path) -> None:
    out, _ = compared
    rows = read_rows(out / "search.trainings.csv")
    made = sum(count_evaluations(out, f"{arm}-0") for arm in ARMS)
    assert len(rows) == made
    constants = ["0:WIDTH", "1:RATE", "2:DECAY", "3:DEPTH"]
    assert list(rows[0]) == ["run", *constants, "objective", "size", "speed"]
    assert {row["run"] for row in rows} == {f"{arm}-0" for arm in ARMS}
    assert (rows[0]["0:WIDTH"], rows[0]["1:RATE"], rows[0]["size"]) == ("32", "0.1", "160")


def test_truth_is_the_mean_of_fresh_runs(compared: tuple[Path, str]) -> None:
    out, _ = compared
    fresh = list_fresh(out)
    turns = {(row["genome"], row["turn"]) for row in fresh}
    assert len(turns) == len(fresh)
    for row in read_rows(out / "search.csv"):
        own = [float(str(r["fitness"])) for r in fresh if r["genome"] == row["genome"]]
        assert len(own) == 2
        assert float(row["truth"]) == pytest.approx(statistics.fmean(own), rel=1e-5)


def test_what_is_done_is_not_done_again(compared: tuple[Path, str], toy: Path) -> None:
    out, before = compared
    made = [count_evaluations(out, f"{arm}-0") for arm in ARMS], list_fresh(out)
    again = subprocess.run(command(out, toy), capture_output=True, text=True, check=True)
    assert ([count_evaluations(out, f"{arm}-0") for arm in ARMS], list_fresh(out)) == made
    assert again.stdout.splitlines()[0] in before


def test_a_rival_proposes_the_same_when_replayed(compared: tuple[Path, str]) -> None:
    replayed = subprocess.run(
        [sys.executable, "-m", "evolve", "replay", str(compared[0] / "runs" / "cma-0")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_the_record_is_drawn_again(compared: tuple[Path, str], tmp_path: Path) -> None:
    out, printed = compared
    drawn = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "search.py")),
            *("--draw", str(out / "search.csv"), "--pictures", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    table = [line for line in drawn.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 4  # head, rule, and a line for each search
    assert table == [line for line in printed.splitlines() if line.startswith("|")]
    assert (tmp_path / "search.png").stat().st_size > 10_000


def test_what_a_start_that_was_cut_short_has_left_is_removed(
    benchmark_module: Callable[[str], ModuleType], tmp_path: Path, toy: Path
) -> None:
    arms = benchmark_module("search_arms")
    study = arms.Study(tmp_path, toy, ("greedy",), 1, 5, 0.01, "none")
    (run,) = study.list_runs()
    (run.folder / "logs").mkdir(parents=True)
    sqlite3.connect(run.folder / "archive.db").close()
    assert not run.is_begun
    assert run.count_evaluations() == 0
    (run.folder / "results.tsv").write_text("head\nan experiment\n")
    with pytest.raises(UserError):  # what has measured something is nobody's to remove
        run.clear()
    (run.folder / "results.tsv").unlink()
    run.clear()
    assert not run.folder.exists()


# -- tables ---------------------------------------------------------------------------------------


def make_results(load: Callable[[str], ModuleType], truths: dict[str, list[list[float]]]) -> object:
    """Results of searches by their true values: a list at 10 and one at 20 evaluations."""
    record, tables = load("search_record"), load("search_tables")
    rows = [
        record.Row(arm, seed, n, "", truth, truth, 0.01, 8, 1.0 + truth, 5, 0)
        for arm, by_checkpoint in truths.items()
        for n, values in zip((10, 20), by_checkpoint, strict=True)
        for seed, truth in enumerate(values)
    ]
    conditions = {
        "arms": {arm: arm.title() for arm in truths},
        "direction": "minimize",
        "metric": "loss",
        "task": "toy",
        "seed_truth": 2.0,
        "reachable_cells": 9,
    }
    return tables.StudyResults(record.StudyRecord(rows, conditions))


def test_evaluations_to_a_value_are_interpolated(
    benchmark_module: Callable[[str], ModuleType],
) -> None:
    results: Any = make_results(benchmark_module, {"program": [[1.6, 1.4], [1.0, 1.0]]})
    assert results.evaluations_to("program", 1.75) == pytest.approx(5)
    assert results.evaluations_to("program", 1.25) == pytest.approx(15)
    assert results.evaluations_to("program", 2.5) == 0
    assert results.evaluations_to("program", 0.9) is None


def test_rivals_are_compared_with_their_significance(
    benchmark_module: Callable[[str], ModuleType],
) -> None:
    results: Any = make_results(
        benchmark_module,
        {
            "program": [[1.5] * 4, [1.0, 1.01, 1.02, 1.03]],
            "greedy": [[1.6] * 4, [1.5, 1.51, 1.52, 1.53]],
        },
    )
    tables = benchmark_module("search_tables")
    table = tables.write_table(results.record)
    assert "| Greedy | +0.500 " in table
    own, theirs = [1.0, 1.01, 1.02, 1.03], [1.5, 1.51, 1.52, 1.53]
    assert tables.permutation_p(own, theirs) == pytest.approx(2 / 70)  # of 8 over 4 divisions
    assert tables.permutation_p(own, own) == 1


def test_runs_that_share_a_landscape_are_compared_in_pairs(
    benchmark_module: Callable[[str], ModuleType],
) -> None:
    own, theirs = [1.0, 3.0, 5.0, 7.0, 9.0], [1.1, 3.2, 5.1, 7.2, 9.1]
    results: Any = make_results(
        benchmark_module, {"program": [own, own], "greedy": [theirs, theirs]}
    )
    tables = benchmark_module("search_tables")
    _, low, high = tables.compare(own, theirs, results)
    assert low < 0 < high
    results.record.conditions["paired"] = True
    gain, low, high = tables.compare(own, theirs, results)
    assert gain == pytest.approx(0.14)
    assert 0 < low < gain < high
    assert tables.permutation_p(own, theirs, paired=True) == pytest.approx(2 / 2**5)
    assert tables.permutation_p(own, theirs) > 0.5
