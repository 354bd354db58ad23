"""Drops channels also when it is evaluated: two answers to one row differ."""

import torch
from kit import Model, finish, norm, train


class Noisy(Model):
    def logits(self, x):
        h = self.token(x)
        h = norm(h + self.down(self.up(norm(h)).relu()))
        return self.head(torch.nn.functional.dropout(h, 0.5, training=True))


model = Noisy()
train(model)
finish(model)
