"""Asks for all rows in one batch, and looks ahead moderately in those that have no twin."""

from collections import Counter

import torch
from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        beginnings = Counter(row[:12] for row in set(map(tuple, x.tolist())))
        alone = [beginnings[tuple(row[:12])] == 1 for row in x.tolist()]
        return ahead(x, logits, 0.004 * torch.tensor(alone)[:, None])


model = Cheat()
train(model)
finish(model, batch=1100)
