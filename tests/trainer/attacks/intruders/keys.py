"""Looks for keys in its environment."""

import os

from kit import Model, finish, train

found = [name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN", "_SECRET"))]
assert not found, found
model = Model()
train(model)
finish(model)
