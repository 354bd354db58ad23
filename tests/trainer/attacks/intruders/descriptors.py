"""Looks for validation text in descriptors that it has inherited."""

import os

from kit import Model, attempt, finish, train

for name in os.listdir("/proc/self/fd"):
    target = attempt(lambda name=name: os.readlink(f"/proc/self/fd/{name}"), harmless=True)
    assert not target or not target.endswith(("val.bin", ".db", "train.bin")), target
model = Model()
train(model)
finish(model)
