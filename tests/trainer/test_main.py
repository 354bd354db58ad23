"""`python -m trainer` as a user meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GOOD = 'print("working")\nprint("---\\nloss: 1.5\\nsize: 2\\nseconds: 4\\nvram_mb: 512")\n'
SCORED = 'score = ["python", "evaluate.py"]\nitems = "topics.md"'
EVALUATE = """\
from trainer.scoring import read_candidate, report
report(loss=len(read_candidate("toy.py").item), size=1, seconds=1)
"""
FORKS = """\
import os, signal, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork():
            os._exit(0)
        time.sleep(600)
print("up", flush=True)
time.sleep(600)
"""
Eventually = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def command(toy: Any, tmp_path: Path) -> Callable[..., list[str]]:
    def command(source: str | None, *options: str) -> list[str]:
        genome = tmp_path / "genome.py"
        if source is not None:
            genome.write_text(source)
        words = [sys.executable, "-m", "trainer", str(genome), "--task", str(toy.folder)]
        # not kept in: these genomes show by files and processes what became of them
        return [*words, "--device", "cpu", "--sandbox", "none", *options]

    return command


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "temporary").mkdir()
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}


@pytest.fixture
def trainer(command: Any, environment: Any, tmp_path: Path) -> Callable[..., Any]:
    def trainer(source: str | None, *options: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(source, *options), capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert list((tmp_path / "temporary").iterdir()) == []
        return done

    return trainer


def test_a_result_for_people(trainer: Any) -> None:
    done = trainer(GOOD)
    assert done.returncode == 0
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows.pop("time").endswith(" s")
    assert rows == {
        "status": "ok",
        "loss": "1.5",
        "size": "2 M bytes",
        "speed": "0.5",
        "memory": "0.50 GiB",
    }
    assert "budget 1 s, at most 31 s" in done.stderr


def test_a_result_for_programs(trainer: Any, toy: Any, tmp_path: Path) -> None:
    (toy.folder / "prepare.py").write_text("print('1 of 1')\nprint('---\\nenv.WORD: seen')")
    toy.write(setup='["python", "prepare.py"]')
    source = "import os; print(os.environ['WORD'], os.environ['TRAINER_BUDGET'])\n" + GOOD
    log = tmp_path / "kept.log"
    done = trainer(source, "--json", "--budget", "2", "--seed", "5", "--log", str(log))
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert result.pop("seconds") > 0
    assert result == {
        "status": "ok",
        "fitness": 1.5,
        "measures": {"size": 2e6, "speed": 0.5},
        "reason": "",
        "memory_gb": 0.5,
        "device": f"cpu:{min(os.sched_getaffinity(0))}",
        "seed": 5,
    }
    assert done.stdout.count("\n") == 1
    assert "1 of 1" in done.stderr
    assert log.read_text().startswith("seen 2\nworking\n---\n")


def test_a_failure_shows_the_last_lines(trainer: Any) -> None:
    done = trainer("print('step 1')\nraise ValueError('no')")
    assert done.returncode == 1
    assert "reason  ValueError: no" in done.stdout
    assert "step 1\nTraceback" in done.stdout
    failed = trainer("raise ValueError('no')", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["status"] == "crash"
    assert json.loads(failed.stdout)["fitness"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--device", "gpu:7"], 'there is no device "gpu:7"'),
        (["--budget", "0"], "0 is no number of seconds above 0"),
        (["--budget", "soon"], "invalid"),
        (["--task", "nowhere"], "--task names a folder with a program.md"),
        (["--log", "/"], "Is a directory"),
        (["--item", "sun"], "the task toy has no items, so there is no --item sun"),
    ],
)
def test_a_wrong_option_is_code_2(trainer: Any, options: list[str], said: str) -> None:
    done = trainer(GOOD, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_genome_and_a_failing_setup_are_code_2(trainer: Any, toy: Any) -> None:
    missing = trainer(None)
    assert missing.returncode == 2
    assert "No such file" in missing.stderr
    (toy.folder / "prepare.py").write_text("raise SystemExit('no network')")
    toy.write(setup='["python", "prepare.py"]')
    failing = trainer(GOOD)
    assert (failing.returncode, failing.stdout) == (2, "")
    assert "`python prepare.py` ended with exit code 1:\nno network" in failing.stderr


def test_a_genome_that_is_no_text_is_named(trainer: Any, tmp_path: Path) -> None:
    (tmp_path / "genome.py").write_bytes(b"\xff")
    done = trainer(None)
    assert (done.returncode, done.stdout) == (2, "")
    assert "genome.py cannot be read: 'utf-8' codec" in done.stderr


def test_one_item_of_a_task_is_measured(trainer: Any, toy: Any) -> None:
    program = toy.folder / "program.md"
    text = program.read_text().replace(f'run = ["python", "toy.py", "{toy.mark}"]', SCORED)
    program.write_text(text.replace('fixed = ["given.py", "lib"]', 'fixed = ["lib/{item}"]'))
    (toy.folder / "topics.md").write_text("## Sun\n## Moon\n## Mars\n")
    for name in ("sun", "moon"):
        (toy.folder / "lib" / name).write_text("")
    (toy.folder / "evaluate.py").write_text(EVALUATE)
    done = trainer(GOOD, "--item", "moon")
    assert done.returncode == 0, done.stderr
    assert re.search(r"loss +4\n", done.stdout), "the letters of moon"
    unnamed = trainer(GOOD)
    assert unnamed.returncode == 2
    assert "has items: --item NAME, one of sun, moon, mars" in unnamed.stderr
    missing = trainer(GOOD, "--item", "mars")
    assert missing.returncode == 2
    assert "the item mars cannot be worked on: `lib/mars` is not in" in missing.stderr


def test_help_loads_nothing_heavy(environment: dict[str, str]) -> None:
    script = (
        "import runpy, sys\nsys.argv = ['trainer', '--help']\n"
        "try: runpy.run_module('trainer', run_name='__main__')\n"
        "finally: print({'torch', 'rich', 'git', 'litellm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd="/"
    )
    assert done.returncode == 0
    assert "the file to measure" in done.stdout
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_tree(
    command: Any,
    environment: Any,
    toy: Any,
    tmp_path: Path,
    eventually: Eventually,
    number: signal.Signals,
) -> None:
    log = tmp_path / "child.log"
    process = subprocess.Popen(
        command(FORKS, "--log", str(log)), stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert eventually(lambda: log.exists() and "up" in log.read_text())
    finally:
        process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert toy.living() == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_trainer_that_is_killed_leaves_no_process(
    command: Any, environment: Any, toy: Any, tmp_path: Path, eventually: Eventually
) -> None:
    log = tmp_path / "child.log"
    process = subprocess.Popen(
        command(FORKS, "--log", str(log)), stderr=subprocess.DEVNULL, env=environment
    )
    try:
        # The supervisor, the genome and its three daemons.
        assert eventually(lambda: len(toy.living()) == 5 and "up" in log.read_text())
    finally:
        process.kill()
        process.wait()
    assert eventually(lambda: toy.living() == [])


def test_a_terminal_shows_progress(
    command: Any, environment: Any, tmp_path: Path, eventually: Eventually
) -> None:
    ours, theirs = pty.openpty()
    gate = tmp_path / "gate"
    source = "import os, time\nprint('step 1\\rstep [2]')\n"
    source += f"while not os.path.exists({str(gate)!r}): time.sleep(.02)\n"
    process = subprocess.Popen(
        command(source + GOOD),
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**environment, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(theirs)
    shown = b""

    def seen() -> bool:
        nonlocal shown
        shown += os.read(ours, 4096)
        return b"step [2]" in shown

    assert eventually(seen)
    gate.touch()
    assert process.wait() == 0
    assert process.stdout is not None
    assert b"ok" in process.stdout.read()
    process.stdout.close()
    os.close(ours)
