"""A task whose children sleep through their budget: what a search costs besides its children."""

from __future__ import annotations

from pathlib import Path

PROGRAM = """\
+++
name = "sleepy"
genome = "sleepy.py"
run = ["python", "sleepy.py"]
metric = "score"
direction = "minimize"
budget = 10
overhead = 60

[[axes]]
name = "width"
measure = "width"

[[axes]]
name = "depth"
measure = "depth"
+++
Make the score small.
"""
GENOME = """\
import os, random, time

WIDTH = 32.0
DEPTH = 4.0
RATE = 0.1

time.sleep(float(os.environ["TRAINER_BUDGET"]))
random.seed(int(os.environ["TRAINER_SEED"]))
print("---")
print("score:", 1 + 8 / WIDTH + 1 / DEPTH + (RATE - 0.3) ** 2 + random.gauss(0, 0.01))
print("width:", WIDTH)
print("depth:", DEPTH)
"""


def write_sleeping_task(folder: Path) -> None:
    """Write the task into a new folder.

    Args:
        folder: The folder, whose parent is there.
    """
    folder.mkdir()
    (folder / "program.md").write_text(PROGRAM)
    (folder / "sleepy.py").write_text(GENOME)
