"""Reads the memory and the environment of the processes above it."""

import os
from pathlib import Path

from kit import Model, attempt, finish, train

for number in {1, os.getppid()}:
    attempt(lambda number=number: os.open(f"/proc/{number}/mem", os.O_RDONLY))
    said = attempt(
        lambda number=number: Path(f"/proc/{number}/environ").read_bytes(), harmless=True
    )
    assert not said or b"HOME=/root" not in said
model = Model()
train(model)
finish(model)
