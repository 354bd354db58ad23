"""A GPU's first ten minutes, on a core: each check, and what becomes of one that fails."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trainer.devices import find_devices
from trainer.setup import Ready
from trainer.task import load_task

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def gpu(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("gpu")


@pytest.fixture(scope="module")
def checks(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_module("gpu_checks")


@pytest.fixture
def bench(checks: ModuleType, toy: Path, tmp_path: Path) -> Any:
    """The checks' common ground, with a toy in place of the task at the root."""
    return checks.Bench(
        task=load_task(toy),
        ready=Ready("toy.py"),
        device=find_devices("cpu")[0],
        small=True,
        seconds=0.1,
        ends=time.monotonic() + 300,
        folder=tmp_path,
    )


def test_a_child_in_a_sandbox_finds_the_device(checks: ModuleType, bench: Any) -> None:
    assert checks.check_sandbox(bench, "none")["device"] == "cpu"
    other = replace(bench, device=OtherDevice(bench.device))
    with pytest.raises(checks.CheckError, match="it found cpu in place of H100"):
        checks.check_sandbox(other, "none")


class OtherDevice:
    """A GPU by its word, of which a child sees nothing."""

    kind, model = "cuda", "H100"

    def __init__(self, core: Any) -> None:
        self.environment = core.environment


def test_a_failure_is_a_row_with_its_reason(gpu: ModuleType) -> None:
    def fail() -> dict[str, Any]:
        raise ZeroDivisionError("by zero")

    results = [
        gpu.carry_out("first", fail),
        gpu.carry_out("second", lambda: {"steps": 3}),
    ]
    assert [result.ok for result in results] == [False, True]
    first, second = gpu.write_table(results).splitlines()
    assert first.startswith("first   FAILED")
    assert first.endswith("ZeroDivisionError: by zero")
    assert second.endswith("steps 3")


def test_a_genome_that_fails_says_why(checks: ModuleType, bench: Any) -> None:
    with pytest.raises(checks.CheckError, match=r"exit code 1; .*RuntimeError: no such luck"):
        bench.run_by_hand("raise RuntimeError('no such luck')", 1.0)
    with pytest.raises(checks.CheckError, match=r"crash: .*no such luck"):
        bench.measure("raise RuntimeError('no such luck')", 1.0, sandbox="none")


def test_what_has_no_time_left_is_not_begun(gpu: ModuleType, bench: Any) -> None:
    late = replace(bench, ends=time.monotonic() + 1)
    result = gpu.carry_out("late", lambda: late.run_by_hand("print(1)", 1.0))
    assert not result.ok
    assert "no time was left" in result.reason


def test_both_evaluations_are_of_the_same_weights(checks: ModuleType, bench: Any) -> None:
    weights = checks.Weights(bench)
    source = weights.source()
    ast.parse(source)
    loaded, scored = source.index("load_state_dict"), source.index("val_bpb = evaluate_bpb")
    assert loaded < scored < source.index("seconds_by_hand")
    assert "DEPTH = 2  " in source  # small


def test_what_is_not_compiled_gets_rows_for_it(checks: ModuleType) -> None:
    text = (ROOT / "train.py").read_text()
    assert all(part in text for part in checks.UNCOMPILED)
    ast.parse(edited := checks.leave_uncompiled(text))
    assert "torch.compile" not in edited
    assert checks.leave_uncompiled(edited) == edited


def test_seeds_for_a_core_are_not_for_a_gpu(checks: ModuleType) -> None:
    core = find_devices("cpu")[0]
    on_core, on_gpu = checks.list_seeds(core), checks.list_seeds(OtherDevice(core))
    assert not set(on_core) & set(on_gpu)
    assert {*on_core, *on_gpu} == set(checks.SEEDS.glob("*.py"))


@pytest.mark.slow
def test_all_of_it_on_a_core(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlucmfw", k=draw.randint(2, 9))) for _ in range(1500)]
    texts = (" ".join(draw.choices(words, k=120)) for _ in range(3500))
    (tmp_path / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    env = {"PREPARE_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    source = ["--source", str(tmp_path / "text.jsonl"), "--scale", "cpu"]
    subprocess.run([sys.executable, str(ROOT / "prepare.py"), *source], env=env, check=True)
    other = tmp_path / "other.py"
    other.write_text((ROOT / "train.py").read_text())
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--device", "cpu"),
            *("--seconds", "1", "--minutes", "15", "--against", str(other), "--rounds", "1"),
            *("--only", "train.py", "referee", "none", "against"),
        ],
        env=env,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    rows = {check["name"]: check for check in report["checks"]}
    assert abs(rows["referee"]["facts"]["difference"]) < 1e-4
    assert rows["train.py"]["facts"]["tokens_per_second"] > 0
    assert "other_is_better_by" in rows["against other.py"]["facts"]
    assert len(done.stderr.splitlines()) > len(rows)
