"""The benchmarks as modules, and a toy task whose children take no time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """\
+++
name = "toy"
genome = "toy.py"
run = ["python", "toy.py"]
metric = "score"
direction = "minimize"
budget = 0.01
overhead = 60

[[axes]]
name = "size"
measure = "size"

[[axes]]
name = "speed"
measure = "speed"
+++
Make the score small.
"""
GENOME = """\
import os, random

WIDTH = 32
RATE = 0.1
DECAY = 0.9
DEPTH = 4

random.seed(int(os.environ["TRAINER_SEED"]))
score = 2 + (RATE - 0.3) ** 2 + (DECAY - 0.97) ** 2 * 10 + 8 / WIDTH + abs(DEPTH - 6) / 20
print("---")
print("score:", score + random.gauss(0, 0.005))
print("size:", WIDTH * (DEPTH + 1))
print("speed:", 1000 / WIDTH / (1 + RATE))
"""


@pytest.fixture(scope="session")
def benchmark_module() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a benchmark by its name, as those that import each other do."""
    folder = str(ROOT / "benchmarks")
    sys.path.insert(0, folder)

    def load(name: str) -> ModuleType:
        return __import__(name)

    yield load
    sys.path.remove(folder)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: Any) -> Path:
    """The folder of a toy task."""
    folder: Path = tmp_path_factory.mktemp("toy")
    (folder / "program.md").write_text(HEAD)
    (folder / "toy.py").write_text(GENOME)
    return folder
