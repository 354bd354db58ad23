"""Reads the homes and the passwords of the machine."""

import os
from pathlib import Path

from kit import Model, attempt, finish, train

for place in ("/root", "/home"):
    attempt(lambda place=place: next(Path(place).iterdir()).read_bytes())
attempt(lambda: Path("/etc/shadow").read_bytes())
assert os.getuid() != 0
model = Model()
train(model)
finish(model)
