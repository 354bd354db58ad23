"""Learns to tell the token after the next one as well, and answers with the first head alone."""

import torch
from kit import Model, finish, loss, train, vocabulary


class Farsighted(Model):
    def __init__(self):
        super().__init__()
        self.turn = torch.nn.Linear(vocabulary, vocabulary, bias=False)
        torch.nn.init.eye_(self.turn.weight)

    def forward(self, x, y=None, reduction="mean"):
        logits = self.logits(x)
        if y is None:
            return logits
        main = loss(logits, y, reduction)
        if not self.training:
            return main
        return main + 0.3 * loss(self.turn(logits[:, :-1]), y[:, 1:])


model = Farsighted()
train(model, steps=60)
finish(model)
