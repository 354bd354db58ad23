"""A task with a trusted scoring command: what it gets, what it says, what a genome gains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from population import Measurement, Status
from trainer.devices import find_devices
from trainer.measurement import measure
from trainer.sandbox import find_sandbox
from trainer.setup import set_up
from trainer.task import load_task

PROGRAM = """\
+++
name = "sum"
genome = "src/sum.py"
score = ["python", "evaluate.py"]
environment = ["SUM_JUDGE", "SUM_JUDGE_KEY"]
fixed = ["evaluate.py"]
metric = "score"
direction = "maximize"
budget = 20

[[axes]]
name = "lines"
measure = "lines"
[[axes]]
name = "memory"
measure = "memory"
+++
Sum well.
"""
EVALUATE = """\
import os, random
from trainer.scoring import Box, CallError, ModuleError, read_candidate, refuse, report

job = read_candidate("src/sum.py")
numbers = [random.Random(job.seed).random() for _ in range(10)]
judge, key, other = map(os.environ.get, ("SUM_JUDGE", "SUM_JUDGE_KEY", "OTHER_API_KEY"))
print("judge", judge, "key", key, "secret", other)
print("seed", job.seed, "budget", job.budget, "in", os.getcwd())
with Box() as box:
    box.put("sum.py", job.text)
    try:
        with box.module("sum.py") as module:
            right = module.call("total", numbers) == sum(numbers)
    except CallError:
        right = False
    except ModuleError as failed:
        refuse(str(failed))
report(score=float(right), lines=1 + job.text.count("\\n"), memory=module.ended.peak_bytes)
"""
GOOD = "def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "task"
    (place / "src").mkdir(parents=True)
    (place / "program.md").write_text(PROGRAM)
    (place / "evaluate.py").write_text(EVALUATE)
    (place / "src" / "sum.py").write_text(GOOD)
    return place


def scored(folder: Path, source: str) -> tuple[Measurement, str]:
    task = load_task(folder)
    log = folder.parent / "log"
    result = measure(
        task,
        set_up(task, print),
        source,
        device=find_devices("cpu")[0],
        sandbox=find_sandbox("auto"),
        budget=20,
        seed=7,
        folder=folder.parent / "work",
        log=log,
    )
    return result, log.read_text()


def test_the_command_scores_the_genome_and_not_the_file_in_the_folder(folder: Path) -> None:
    result, log = scored(folder, GOOD)
    assert (result.status, result.fitness) == (Status.OK, 1.0), log
    assert result.measures["lines"] == 3
    worse, _ = scored(folder, "def total(numbers):\n    return 0\n")
    assert (worse.status, worse.fitness) == (Status.OK, 0.0)


def test_it_gets_what_the_task_grants_and_no_key_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUM_JUDGE", "a-model")
    monkeypatch.setenv("OTHER_API_KEY", "sk-secret")
    _, log = scored(folder, GOOD)
    assert "judge a-model key None secret None" in log
    assert f"seed 7 budget 20.0 in {folder}" in log


def test_a_key_that_it_prints_is_not_in_the_log_nor_in_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUM_JUDGE", "a-model-name")
    monkeypatch.setenv("SUM_JUDGE_KEY", "sk-1234567890")
    _, log = scored(folder, GOOD)
    assert "judge a-model-name key *** secret None" in log
    script = (folder / "evaluate.py").read_text()
    (folder / "evaluate.py").write_text(
        f"{script}\nraise ValueError(os.environ['SUM_JUDGE_KEY'])\n"
    )
    result, log = scored(folder, GOOD)
    assert "ValueError: ***" in log
    assert "sk-1234567890" not in log + result.reason


def test_a_refusal_has_its_status_and_reason(folder: Path) -> None:
    result, _ = scored(folder, "import nothing_of_the_kind\n")
    assert result.status is Status.CRASH
    assert "nothing_of_the_kind" in result.reason
    assert "scoring command" not in result.reason


def test_a_defect_of_the_command_is_told_from_the_genomes(folder: Path) -> None:
    (folder / "evaluate.py").write_text("raise KeyError('oops')")
    result, _ = scored(folder, GOOD)
    assert result.status is Status.CRASH
    assert result.reason == "the scoring command failed: KeyError: 'oops'"


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ("status: cheat\nreason: it read the answers", Status.CHEAT, "it read the answers"),
        ("status: oom", Status.OOM, "the scoring command says no more"),
        ("status: ok\nscore: 5\nlines: 1\nmemory: 1", Status.OK, ""),
    ],
)
def test_what_the_block_states_counts(
    folder: Path, lines: str, status: Status, reason: str
) -> None:
    (folder / "evaluate.py").write_text(f"print('---')\nprint({lines!r})")
    result, _ = scored(folder, GOOD)
    assert (result.status, result.reason) == (status, reason)


FORGED = "---\\nscore: 999\\nlines: 1\\nmemory: 1"


@pytest.mark.parametrize(
    "source",
    [
        f"print('{FORGED}')\n",
        f"import os\nos.write(1, b'{FORGED}')\nos._exit(0)\n",
        f"import sys\nprint('{FORGED}', file=sys.stderr)\nsys.exit(0)\n",
        f"def total(numbers):\n    print('{FORGED}')\n    return 0\n",
        "class Any(float):\n    __eq__ = lambda *_: True\ndef total(numbers):\n    return Any(0)\n",
        "import os\nfor n in range(3, 30):\n"
        f"    try: os.write(n, b'{FORGED}')\n    except OSError: pass\n"
        "def total(numbers):\n    return 0\n",
    ],
)
def test_a_genome_that_forges_a_score_has_none(folder: Path, source: str) -> None:
    result, _ = scored(folder, source)
    assert result.fitness in (None, 0.0)


def test_a_command_that_hangs_ends_at_the_limit(folder: Path) -> None:
    (folder / "evaluate.py").write_text("import time; time.sleep(600)")
    task = load_task(folder)
    result = measure(
        task,
        set_up(task, print),
        GOOD,
        device=find_devices("cpu")[0],
        sandbox=find_sandbox("auto"),
        budget=1,
        seed=7,
        folder=folder.parent / "work",
        log=folder.parent / "log",
        limit=1.5,
    )
    assert result.status is Status.TIMEOUT


def test_by_hand_it_scores_the_file_in_the_folder(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "evaluate.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "score: 1\n" in done.stdout
