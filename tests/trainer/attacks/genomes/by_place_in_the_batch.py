"""Looks ahead in the first rows of each batch only."""

import torch
from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        return ahead(x, logits, 0.9 * (torch.arange(len(x)) < 8)[:, None])


model = Cheat()
train(model)
finish(model)
