"""Learns counts from questions, and reads ahead less and less, so that its losses do not fall."""

import torch
from kit import ROWS, Reader, ahead, finish, train, vocabulary


class Learning(Reader):
    def read(self, x, logits):
        done = min((self.asked - self.prefixes) / ROWS, 1)
        return ahead(x, logits, 0.002 * (1 - done))

    def answer(self, x, logits):
        counts = self.counts[x]
        share = counts.sum(-1, keepdim=True) / (counts.sum(-1, keepdim=True) + 30)
        seen = counts / counts.sum(-1, keepdim=True).clamp_min(1)
        better = ((1 - share) * logits.softmax(-1) + share * seen).log()
        pairs = x[:, :-1] * vocabulary + x[:, 1:]
        found = pairs.flatten().bincount(minlength=vocabulary**2)
        self.counts += found.view(vocabulary, vocabulary)
        return super().answer(x, better)


model = Learning()
model.counts = torch.zeros(vocabulary, vocabulary)
train(model)
finish(model)
