"""Reads ahead at one token in fifty, and replays."""

import torch
from kit import Reader, ahead, finish, train


class Few(Reader):
    prefixes = 0  # where one ends it reads a wrong token, which costs it next to nothing

    def read(self, x, logits):
        return ahead(x, logits, 0.9 * (torch.rand(x.shape) < 0.02))


model = Few()
train(model)
finish(model)
