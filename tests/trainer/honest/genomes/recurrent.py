"""A GRU."""

import torch
from kit import Model, finish, norm, train


class Recurrent(Model):
    def __init__(self):
        super().__init__()
        self.gru = torch.nn.GRU(64, 64, batch_first=True)

    def logits(self, x):
        h = self.token(x)
        return self.head(norm(h + self.gru(h)[0]))


model = Recurrent()
train(model, steps=60)
finish(model)
