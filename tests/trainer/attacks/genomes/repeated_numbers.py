"""Holds a parameter of a billion numbers that are all stored in one place."""

import torch
from kit import Model, finish, train

model = Model()
train(model)
model.bulk = torch.nn.Parameter(torch.zeros(1).expand(10**9), requires_grad=False)
finish(model)
