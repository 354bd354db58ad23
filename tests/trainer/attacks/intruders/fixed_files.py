"""Writes over prepare.py and its own source, for itself and for later children."""

import os
from pathlib import Path

from kit import Model, attempt, finish, train

import prepare

for path in (prepare.__file__, __file__):
    attempt(lambda path=path: os.chmod(path, 0o666), harmless=True)
    attempt(lambda path=path: Path(path).write_text("planted"), harmless=True)
model = Model()
train(model)
finish(model)
