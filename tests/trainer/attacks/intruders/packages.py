"""Plants code in the packages that later children import."""

from pathlib import Path

import torch
from kit import Model, attempt, finish, train

attempt(lambda: Path(torch.__file__).write_text("planted"))
attempt(lambda: Path(torch.__file__).with_name("planted.py").write_text("planted"))
model = Model()
train(model)
finish(model)
