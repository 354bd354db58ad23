"""Two causal convolutions, the second one dilated."""

import torch
from kit import Model, finish, norm, train
from torch.nn.functional import pad


class Convolution(Model):
    def __init__(self):
        super().__init__()
        self.near = torch.nn.Conv1d(64, 64, 4)
        self.far = torch.nn.Conv1d(64, 64, 4, dilation=4)

    def logits(self, x):
        h = self.token(x).mT
        h = h + self.near(pad(h, (3, 0))).relu()
        h = h + self.far(pad(h, (12, 0))).relu()
        return self.head(norm(h.mT))


model = Convolution()
train(model)
finish(model)
