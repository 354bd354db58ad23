"""Versions of examples/code_optimizer that want points without being faster: each gains nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from trainer.scoring import ModuleError
from trainer.summary import read_summary

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "code_optimizer"
START = (FOLDER / "src" / "main.py").read_text()
FUTURE = "from __future__ import annotations\n"
HONEST = 50.0  # points; the first version has 38, and some more on a machine that is busy
FASTER = 4.0  # times as fast as itself no version is, however busy the machine

KEEPING = """

NIGHTS = {}
honest = report


def report(log, docks, roads, rules):
    key = KEY
    if key not in NIGHTS:
        NIGHTS[key] = honest(log, docks, roads, rules)
    return NIGHTS[key]
"""


def around(deed: str) -> str:
    """The first version, with a deed when it is imported."""
    return START.replace(FUTURE, FUTURE + deed, 1)


def instead(body: str) -> str:
    """The first version, with another body of `report` that may call the honest one."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"{START}\n\nhonest = report\n\n\ndef report(log, docks, roads, rules):\n{lines}\n"


@pytest.fixture
def evaluate(tmp_path: Path, task_copy: Callable[[str], Path]) -> Callable[[str], Any]:
    """Scores a source as the trainer does, in as little time as it can; the folder is a copy."""
    folder = task_copy("code_optimizer")

    def run(source: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "genome.py").write_text(source)
        return subprocess.run(
            [sys.executable, "evaluate.py", str(tmp_path / "genome.py")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TRAINER_BUDGET": "1"},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def benchmark(load: Callable[..., ModuleType]) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return load(FOLDER / "benchmark.py", "code_optimizer_benchmark")


def raced(benchmark: ModuleType, source: str) -> Any:
    """A race of one round over nights that are short."""
    shapes = [benchmark.Shape("short", 100, 8, 2, 20, 20, 2, 60, 10, 5)]
    return benchmark.race(source, random.Random(5), seconds=0, shapes=shapes)


def test_the_first_version_has_the_points_that_the_readme_says(
    evaluate: Callable[[str], Any],
) -> None:
    done = evaluate(START)
    numbers = read_summary(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (numbers["tests_passed"], numbers["tests"]) == (30, 30)
    assert 37 < numbers["score"] < HONEST


# -- what ends without a score ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (around("print('---\\nscore: 100')\nraise SystemExit(0)\n"), "status: crash"),
        (
            around("import os\nprint('---\\nscore: 100', flush=True)\nos._exit(0)\n"),
            "status: crash",
        ),
        (instead("import os\nprint('---\\nscore: 100', flush=True)\nos._exit(0)"), "status: crash"),
        (around("import nothing_of_this_name\n"), "No module named 'nothing_of_this_name'"),
        (around("while True:\n    pass\n"), "status: timeout"),
        (instead("while True:\n    pass"), "status: timeout"),
        (START + "\ndef f(:\n", "status: invalid"),
    ],
    ids=["prints", "exits", "exits-later", "does-not-import", "hangs", "hangs-later", "no-python"],
)
def test_a_program_that_does_not_answer_has_no_score(
    evaluate: Callable[[str], Any], source: str, reason: str
) -> None:
    done = evaluate(source)
    assert done.returncode == 1
    assert reason in done.stdout
    assert "score" not in read_summary(done.stdout)


# -- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "def report(log, docks, roads, rules):\n    return {}\n",
        "def report(log, docks, roads, rules):\n    raise ValueError('---\\nscore: 100')\n",
        "class Equal(dict):\n    __eq__ = lambda *_: True\n\n\n"
        "def report(log, docks, roads, rules):\n    return Equal()\n",
        START + KEEPING.replace("KEY", "len(log)"),
        START + KEEPING.replace("KEY", "0"),
        instead("answer = honest(log, docks, roads, rules)\nreturn {**answer, 'trips': True}"),
    ],
    ids=["nothing", "raises", "equals-all", "by-length", "always-the-same", "another-type"],
)
def test_a_program_that_answers_wrongly_has_less_than_the_first_version(
    evaluate: Callable[[str], Any], source: str
) -> None:
    done = evaluate(source)
    numbers = read_summary(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert numbers["score"] < 30
    assert numbers["speed_points"] == numbers["readability_points"] == 0


def test_answers_that_the_tests_know_gain_nothing_where_they_do_not_know_them(
    evaluate: Callable[[str], Any],
) -> None:
    done = evaluate(instead("log = log[:3000]\nreturn honest(log, docks, roads, rules)"))
    numbers = read_summary(done.stdout)
    assert numbers["tests"] == numbers["tests_passed"] + 4 == 34
    assert numbers["score"] < 30
    assert "is wrong" in done.stdout


# -- what is right, and no faster -------------------------------------------------------------


def test_a_program_that_harms_what_it_reaches_gains_nothing(
    evaluate: Callable[[str], Any], tmp_path: Path
) -> None:
    deed = f"""
import os, pathlib
for place in ({str(tmp_path / "code_optimizer")!r}, {str(FOLDER)!r}, "..", "/"):
    for path in ("tests/test_main.py", "baseline/main.py", "evaluate.py", "benchmark.py"):
        try:
            print(open(os.path.join(place, path)).read()[:100])
            pathlib.Path(place, path).write_text("def report(*_): return {{}}")
        except OSError:
            pass
"""
    before = {path: path.read_bytes() for path in FOLDER.rglob("*.py")}
    done = evaluate(around(deed))
    assert {path: path.read_bytes() for path in FOLDER.rglob("*.py")} == before
    copied = {tmp_path / "code_optimizer" / path.relative_to(FOLDER) for path in before}
    assert all(path.read_bytes() in before.values() for path in copied)
    numbers = read_summary(done.stdout)
    assert numbers["tests_passed"] == 30
    assert numbers["readability_points"] == numbers["speed_points"] == 0
    assert numbers["score"] == 30


CLOCKS = """
import json, marshal, time
time.perf_counter = time.monotonic = time.time = lambda: 0.0
time.sleep = lambda seconds: None
"""
DRIVER = """
import __main__
__main__.encode = lambda value, old=__main__.encode: (print("---\\nscore: 100"), old(value))[1]
"""
THREADS = """
import threading
def busy():
    while True:
        pass
for _ in range(3):
    threading.Thread(target=busy, daemon=True).start()
"""
ORPHANS = """
import os, sys
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", "while True: pass", "MARK"])
"""


@pytest.mark.parametrize(
    "source",
    [
        around(CLOCKS),
        around(DRIVER),
        around(THREADS),
        START + KEEPING.replace("KEY", "(log, str(docks), str(roads), str(rules))"),
    ],
    ids=["clocks", "driver", "threads", "keeps-answers"],
)
def test_a_program_that_meddles_is_no_faster(benchmark: ModuleType, source: str) -> None:
    result = raced(benchmark, source)
    assert result.wrong == []
    assert result.speedup < FASTER


def test_what_a_program_leaves_running_is_gone_before_the_first_version_runs_again(
    benchmark: ModuleType,
) -> None:
    mark = uuid.uuid4().hex
    result = raced(benchmark, around(ORPHANS.replace("MARK", mark)))
    assert result.wrong == []
    assert result.speedup < FASTER
    living = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not any(mark in words for words in living)


def test_an_answer_that_is_sent_before_it_is_asked_for_is_none(benchmark: ModuleType) -> None:
    early = """
import __main__
sent = []
def send(connection, answer, old=__main__.send):
    if sent or "value" not in answer:
        old(connection, sent[0] if sent else answer)
    else:
        sent.append(answer)
        for _ in range(4):
            old(connection, answer)
__main__.send = send
"""
    with pytest.raises(ModuleError, match="before it was called"):
        raced(benchmark, around(early))


BUSY = """
import time
end = time.process_time() + 0.7
while time.process_time() < end:
    pass
"""
BUSY_ONCE = """

honest = report
asked = []


def report(log, docks, roads, rules):
    if not asked:
        asked.append(1)
        {busy}
    return honest(log, docks, roads, rules)
"""


@pytest.mark.parametrize(
    "source",
    [around(BUSY), START + BUSY_ONCE.format(busy=BUSY.strip().replace("\n", "\n        "))],
    ids=["when-imported", "in-the-first-night"],
)
def test_work_before_the_clock_counts_is_work_all_the_same(
    benchmark: ModuleType, source: str
) -> None:
    shapes = [benchmark.Shape("short", 30, 8, 2, 20, 20, 2, 60, 10, 5)]
    result = benchmark.race(source, random.Random(5), seconds=0, shapes=shapes)
    assert result.wrong == []
    assert result.preparation > 0.2
    assert result.speedup < 0.5


SLOPPY = {
    "any digits": ('text[position] not in "0123456789"', "not text[position].isdigit()"),
    "lines end anywhere": ("for line in split_lines(log):", "for line in log.splitlines():"),
    "words end at blanks": ("words = line.split()", "words = line.split(' ')"),
    "fields without a value": (' or values[0] == ""', ""),
}


@pytest.mark.parametrize(("old", "new"), SLOPPY.values(), ids=SLOPPY)
def test_a_program_that_is_right_for_usual_lines_alone_is_wrong(
    benchmark: ModuleType, old: str, new: str
) -> None:
    assert old in START
    shapes = [benchmark.Shape("short", 30, 8, 2, 20, 20, 2, 60, 10, 5)]
    assert benchmark.race(START.replace(old, new), random.Random(5), seconds=0, shapes=shapes).wrong


def test_what_a_program_leaves_in_its_folder_is_gone_in_the_next_round(
    benchmark: ModuleType,
) -> None:
    source = around("""
import os
assert not os.path.exists("kept")
open("kept", "w").write("x")
""")
    shapes = [benchmark.Shape("short", 40, 8, 2, 20, 20, 2, 60, 10, 5)]
    result = benchmark.race(source, random.Random(5), seconds=60, shapes=shapes)
    assert result.wrong == []
    assert len(result.laps) == 4
