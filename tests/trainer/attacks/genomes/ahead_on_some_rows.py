"""Looks ahead on a fifth of the rows, chosen by chance."""

import torch
from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        return ahead(x, logits, 0.9 * (torch.rand(len(x), 1) < 0.2))


model = Cheat()
train(model)
finish(model)
