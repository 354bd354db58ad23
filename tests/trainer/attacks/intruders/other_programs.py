"""Signals and traces the processes above it."""

import ctypes
import os
import signal

from kit import Model, attempt, finish, train

for number in {1, os.getppid()} - {os.getpid()}:
    attempt(lambda number=number: os.kill(number, signal.SIGTERM), harmless=True)
assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == -1
model = Model()
train(model)
finish(model)
