"""A convolution that reaches one token forwards, beside causal attention."""

import torch
from kit import Model, finish, norm, train


class Cheat(Model):
    def __init__(self):
        super().__init__()
        self.both = torch.nn.Conv1d(64, 64, 3, padding=1)

    def logits(self, x):
        h = norm(self.token(x) + self.place.weight[: x.size(1)])
        h = h + self.both(h.mT).mT
        return self.head(norm(h + self.down(self.up(norm(h)).relu())))


model = Cheat()
train(model)
finish(model)
