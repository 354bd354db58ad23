"""Each token goes to the best of four MLPs, whichever others are in the batch."""

import torch
from kit import Model, finish, norm, train


class Experts(Model):
    def __init__(self):
        super().__init__()
        self.router = torch.nn.Linear(64, 4)
        self.first = torch.nn.Parameter(torch.randn(4, 64, 128) / 8)
        self.second = torch.nn.Parameter(torch.randn(4, 128, 64) / 12)

    def logits(self, x):
        h = norm(self.token(x)).flatten(0, 1)
        chance, expert = self.router(h).softmax(-1).max(-1)
        out = torch.zeros_like(h)
        for number in range(4):
            mine = (expert == number).nonzero()[:, 0]
            found = (h[mine] @ self.first[number]).relu() @ self.second[number]
            out = out.index_add(0, mine, found * chance[mine, None])
        return self.head(norm(h + out)).view(*x.shape, -1)


model = Experts()
train(model)
finish(model)
