"""Prints a hundred megabytes."""

import sys

from kit import Model, finish, train

for _ in range(100):
    sys.stdout.write("x" * 10**6 + "\n")
model = Model()
train(model)
finish(model)
