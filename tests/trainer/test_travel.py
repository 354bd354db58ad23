"""What a measurement needs is pickled, and measured with in a process that knows nothing else."""

from __future__ import annotations

import base64
import gc
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from population import Measurement, Status
from trainer import Ready, Sandbox, SandboxError, find_devices, find_sandbox, load_task
from trainer.items import Item
from trainer.prepared_text import PreparedText
from trainer.sandbox import LEVELS

ROOT = Path(__file__).parents[2]
ELSEWHERE = """
import pickle, sys
from pathlib import Path
from trainer import measure
needed = pickle.load(sys.stdin.buffer)
place = Path(sys.argv[1])
result = measure(**needed, folder=place / "work", log=place / "log")
pickle.dump(result, sys.stdout.buffer)
"""
SEQ_LEN, TRAIN_ROWS = 32, 200
# Asks for what it may train on, says how much that is, and ends.
TRAINEE = """
import os, socket
referee = socket.socket(fileno=int(os.environ["TRAINER_REFEREE"]))
def ask(word):
    referee.send(b'{"op": "%s"}' % word)
    return socket.recv_fds(referee, 1 << 16, 8)[1]
ask(b"hello")
(rows,) = ask(b"start")
print("may train on", os.fstat(rows).st_size, "bytes")
"""


def measure_elsewhere(toy: Any, place: Path, **changes: object) -> tuple[Measurement, str]:
    """Measure in a new process that gets everything by a pickle; its result and the log."""
    needed: dict[str, object] = {
        "task": load_task(toy.folder),
        "ready": Ready("toy.py"),
        "source": (toy.folder / "toy.py").read_text(),
        "device": find_devices("cpu")[0],
        "sandbox": Sandbox("none", "for speed"),
        "slots": 2,
        "budget": 1.0,
        "seed": 3,
        "limit": 60.0,
        "beat": 0.9,
    }
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(place)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=pickle.dumps(needed | changes),
        stdout=subprocess.PIPE,
        check=True,
    )
    return pickle.loads(done.stdout), (place / "log").read_text()


@pytest.mark.parametrize("level", [*LEVELS])
def test_a_measurement_can_be_made_elsewhere(toy: Any, tmp_path: Path, level: str) -> None:
    try:
        sandbox = find_sandbox(level)
    except SandboxError as error:
        pytest.skip(str(error))
    ready = Ready("toy.py", {"DATA": "/x"}, {"text": "ab"}, (tmp_path / "secret",))
    source = "import os; print(os.environ['DATA'])\n" + (toy.folder / "toy.py").read_text()
    changes = {"ready": ready, "sandbox": sandbox, "source": source}
    result, log = measure_elsewhere(toy, tmp_path / "elsewhere", **changes)
    assert (result.status, result.fitness, result.seed) == (Status.OK, 1.5, 3), log
    assert result.measures == {"size": 2e6, "speed": 0.5}
    assert log.startswith("/x\n")


def test_a_task_stays_the_same_on_its_way(toy: Any) -> None:
    task = load_task(toy.folder)
    for one in (task, task.for_item(Item("sun", "The sun", "It shines."))):
        copy = pickle.loads(pickle.dumps(one))
        assert copy == one
        assert copy.memory({"vram_mb": 2048.0}) == 2.0
        assert copy.axes[0].measure({"size": 3.0}) == 3e6


@pytest.fixture
def text(tmp_path: Path) -> PreparedText:
    """A small set of made-up words, as prepare.py lays one out."""
    folder = tmp_path / "set"
    folder.mkdir()
    tokens = [base64.b64encode(bytes([65 + i % 26])).decode() for i in range(56)]
    (folder / "tokenizer.json").write_text(json.dumps({"pattern": ".", "tokens": tokens}))
    rows = np.random.default_rng(0).integers(0, 56, (300 + TRAIN_ROWS, SEQ_LEN + 1))
    rows[:300].astype("<u2").tofile(folder / "val.bin")
    rows[300:].astype("<u2").tofile(folder / "train.bin")
    return PreparedText(folder, SEQ_LEN, 24)


def test_a_text_that_is_open_here_is_opened_where_it_is_needed(
    toy: Any, tmp_path: Path, text: PreparedText
) -> None:
    text.open()
    ready = Ready("toy.py", text=text)
    result, log = measure_elsewhere(
        toy, tmp_path / "elsewhere", ready=ready, source=TRAINEE, seed=1, limit=60.0
    )
    assert log == f"may train on {TRAIN_ROWS * (SEQ_LEN + 1) * 2} bytes\n"
    assert result.status is Status.INVALID
    assert "without a call of evaluate_bpb" in result.reason


def test_a_text_is_opened_once_and_closed_with_who_opened_it(text: PreparedText) -> None:
    opened = text.open()
    assert text.open() is opened
    copy = pickle.loads(pickle.dumps(text))
    assert copy == text
    other = copy.open()
    assert other is not opened
    files = {file: os.fstat(file).st_ino for file in (other.tokenizer, other.train, other.warmup)}

    def left() -> list[int]:
        return [file for file, inode in files.items() if is_open(file, inode)]

    assert left() == list(files)
    del copy, other
    gc.collect()
    assert left() == []


def is_open(descriptor: int, inode: int) -> bool:
    try:
        return os.fstat(descriptor).st_ino == inode
    except OSError:
        return False


def test_a_changed_text_is_another_one(text: PreparedText) -> None:
    assert replace(text, eval_rows=12).open() is not text.open()
