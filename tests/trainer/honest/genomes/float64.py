"""Twice the usual precision, in its answers too."""

import torch
from kit import Model, finish, train

torch.set_default_dtype(torch.float64)
model = Model(width=32)
train(model, steps=60)
finish(model)
