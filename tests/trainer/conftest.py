"""A toy task whose genome is a small script, and the means to look for what it leaves behind."""

from __future__ import annotations

import importlib.util
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from population import Measurement
from trainer.devices import find_devices
from trainer.measurement import measure
from trainer.sandbox import Sandbox
from trainer.setup import Ready
from trainer.task import Task, load_task

ARENA = Path(__file__).with_name("attacks") / "arena.py"
HEAD = """\
+++
name = "toy"
genome = "toy.py"
run = ["python", "toy.py", "{mark}"]
fixed = ["given.py", "lib"]
setup = {setup}
metric = "loss"
direction = "minimize"
budget = 1
overhead = 30
memory = "vram_mb / 1024"

[[axes]]
name = "size"
unit = "bytes"
measure = "size * 1e6"

[[axes]]
name = "speed"
measure = "size / seconds"
scale = "linear"
+++
Make the loss small.
"""
GOOD = 'print("working")\nprint("---\\nloss: 1.5\\nsize: 2\\nseconds: 4\\nvram_mb: 512")\n'


class Toy:
    """A task in a folder of its own; `mark` is in the command line of all that its runs start."""

    def __init__(self, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.scratch = folder
        self.folder = folder / "task"
        (self.folder / "lib").mkdir(parents=True)
        (self.folder / "given.py").write_text("GIVEN = 7\n")
        (self.folder / "lib" / "data.txt").write_text("data\n")
        (self.folder / "toy.py").write_text(GOOD)
        self.write()

    def write(self, setup: str = "[]") -> Task:
        (self.folder / "program.md").write_text(HEAD.format(mark=self.mark, setup=setup))
        return load_task(self.folder)

    @property
    def log(self) -> Path:
        return self.scratch / "logs" / "child.log"

    @property
    def work(self) -> Path:
        return self.scratch / "work"

    def measure(self, source: str, **changes: object) -> Measurement:
        options: dict[str, object] = {
            "device": find_devices("cpu")[0],
            "sandbox": Sandbox("none", "for speed: sandboxes have tests of their own"),
            "budget": 1.0,
            "seed": 3,
            "folder": self.work,
            "log": self.log,
        }
        task = load_task(self.folder)
        return measure(task, Ready("toy.py"), source, **(options | changes))  # type: ignore[arg-type]

    def living(self) -> list[psutil.Process]:
        return [p for p in psutil.process_iter() if self._is_ours(p)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            ours = self.mark in " ".join(process.cmdline())
            return ours and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return False


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where genomes of the pretraining task are measured; see attacks/arena.py."""
    spec = importlib.util.spec_from_file_location("arena", ARENA)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_arena(tmp_path_factory.mktemp, tmp_path_factory.getbasetemp())


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Whether something comes true while one waits for it."""

    def wait(condition: Callable[[], bool]) -> bool:
        patience = time.monotonic() + 20
        while not condition():
            if time.monotonic() > patience:
                return False
            time.sleep(0.02)
        return True

    return wait
