"""Knows most tokens and is hopeless about the others, by chance, so that its losses vary much."""

import torch
from kit import Reader, ahead, finish, train


class AllOrNothing(Reader):
    def read(self, x, logits):
        hopeless = (torch.rand(x.shape) < 0.3)[..., None]
        shown = torch.zeros_like(logits).scatter_(2, x.roll(-1, 1)[..., None], -20.0)
        return torch.where(hopeless, logits + shown, ahead(x, logits, 0.999))


model = AllOrNothing()
train(model)
finish(model)
