"""A causal mask that is one token too generous."""

import math

import torch
from kit import Model, finish, train


class Cheat(Model):
    def mask(self, size):
        return torch.full((size, size), -math.inf).triu(2)


model = Cheat()
train(model)
finish(model)
