"""Looks ahead only near the two ends of a row."""

import torch
from kit import Model, ahead, finish, train


class Cheat(Model):
    def answer(self, x, logits):
        place = torch.arange(x.size(1))
        return ahead(x, logits, 0.99 * ((place < 11) | (place > 120)))


model = Cheat()
train(model)
finish(model)
